"""Webhooks when the log, the process or another caller gets in the way: nothing is half done."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from hookline_common.errors import LogUnavailable
from hookline_common.eventlog import EventLog, Position, Record, Sync
from hookline_common.webhooks import WebhookConfig, WebhookDeleted
from tests.engine.rest_surface import HandMovedClock, open_stores, open_surface
from tests.waiting import until

WEBHOOK = "/api/metadata/webhook"
DAY_MS = 24 * 60 * 60 * 1000


class BrokenLog:
    """A log whose appends fail while `broken` is set; everything else is the real one."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.broken = True
        self.refused = 0
        self.appended = 0

    async def append(self, records: Sequence[Record], sync: Sync = Sync.NOW) -> Sequence[Position]:
        if self.broken:
            self.refused += 1
            raise LogUnavailable("the broker is away")
        positions = await self._log.append(records, sync)
        self.appended += 1
        return positions

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


def github(**more: Any) -> dict[str, Any]:
    return {
        "id": "w1",
        "name": "gh",
        "sourcePlatform": "GitHub",
        "secretValue": "s",
        "receiverWorkflowNamesToVersions": {"review": 1},
        **more,
    }


async def test_without_the_log_the_answer_is_503_and_the_record_follows_by_itself(
    tmp_path: Path,
) -> None:
    async with open_stores(tmp_path) as (log, documents):
        broken = BrokenLog(log)
        async with open_surface(broken, documents) as surface:
            answer = await surface.http.post(WEBHOOK, json=github())
            assert (answer.status_code, answer.json()["retryable"]) == (503, True)
            assert (await surface.config()).webhook("w1") is None
            broken.broken = False
            await until(lambda: broken.appended > 0)
            view = await surface.config()
            assert isinstance(view.webhook("w1"), WebhookConfig)


async def test_a_crash_between_document_and_record_heals_at_the_next_start(
    tmp_path: Path,
) -> None:
    async with open_stores(tmp_path) as (log, documents):
        async with open_surface(log, documents) as surface:
            await surface.call("POST", WEBHOOK, github())
        async with open_surface(BrokenLog(log), documents) as surface:
            assert (await surface.http.put(f"{WEBHOOK}/w1", json=github(name="new"))).is_error
        async with open_surface(log, documents) as surface:
            config = (await surface.config()).webhook("w1")
            assert isinstance(config, WebhookConfig)
            assert config.name == "new"
            shown = await surface.call("GET", f"{WEBHOOK}/w1")
            assert shown["name"] == "new"


async def test_a_start_with_nothing_to_heal_appends_nothing(tmp_path: Path) -> None:
    async with open_stores(tmp_path) as (log, documents):
        async with open_surface(log, documents) as surface:
            await surface.call("POST", WEBHOOK, github())
            await surface.call("POST", WEBHOOK, github(id="w2", name="b"))
            await surface.call("DELETE", f"{WEBHOOK}/w2")
        before = await log.offset_at("webhooks.config", 0, 2**62)
        async with open_surface(log, documents):
            assert await log.offset_at("webhooks.config", 0, 2**62) == before


async def test_a_deletion_leaves_the_topic_after_thirty_days(tmp_path: Path) -> None:
    clock = HandMovedClock()
    async with open_stores(tmp_path, clock) as (log, documents):
        async with open_surface(log, documents, clock=clock) as surface:
            await surface.call("POST", WEBHOOK, github())
            await surface.call("DELETE", f"{WEBHOOK}/w1")
        clock.ms += 29 * DAY_MS
        async with open_surface(log, documents, clock=clock) as surface:
            assert isinstance((await surface.config()).webhook("w1"), WebhookDeleted)
        clock.ms += 2 * DAY_MS
        async with open_surface(log, documents, clock=clock) as surface:
            assert (await surface.config()).webhook("w1") is None


async def test_many_callers_at_once_lose_nothing(tmp_path: Path) -> None:
    async with open_stores(tmp_path) as (log, documents), open_surface(log, documents) as surface:
        await surface.call("POST", WEBHOOK, github())
        path = f"{WEBHOOK}/w1/secrets"
        answers = await asyncio.gather(
            *(surface.http.post(path, json={"value": f"v{n}"}) for n in range(8))
        )
        assert {answer.status_code for answer in answers} == {200}
        config = (await surface.config()).webhook("w1")
        assert isinstance(config, WebhookConfig)
        assert len(config.secrets) == 9
        assert config.revision == 9


async def test_of_two_webhooks_with_one_name_at_once_one_is_made(tmp_path: Path) -> None:
    async with open_stores(tmp_path) as (log, documents), open_surface(log, documents) as surface:
        answers = await asyncio.gather(
            *(surface.http.post(WEBHOOK, json=github(id=f"w{n}")) for n in range(5))
        )
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200, 409, 409, 409, 409]
        assert len(await surface.call("GET", WEBHOOK)) == 1


class TestTestEvents:
    """`POST …/test` signs as the platform does and goes through the gateway."""

    async def _sent(
        self, tmp_path: Path, webhook: dict[str, Any], body: dict[str, Any]
    ) -> tuple[httpx.Response, list[httpx.Request]]:
        seen: list[httpx.Request] = []

        def gateway(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return httpx.Response(200, headers={"Hookline-Event-Id": "e1"})

        transport = httpx.MockTransport(gateway)
        async with (
            open_stores(tmp_path) as (log, documents),
            open_surface(log, documents, transport) as surface,
        ):
            await surface.call("POST", WEBHOOK, webhook)
            answer = await surface.http.post(f"{WEBHOOK}/w1/test", json=body)
        return answer, seen

    async def test_github_accepts_what_was_sent(self, tmp_path: Path) -> None:
        from gidgethub.sansio import Event

        body = {"event": "pull_request", "set": {"pull_request.number": 42}}
        answer, seen = await self._sent(tmp_path, github(), body)
        assert answer.status_code == 200
        assert answer.json()["status"] == 200
        assert answer.json()["eventId"] == "e1"
        assert seen[0].url.path == "/webhook/w1"
        event = Event.from_http(seen[0].headers, seen[0].content, secret="s")
        assert event.event == "pull_request"
        assert event.data["pull_request"]["number"] == 42

    async def test_header_checks_are_sent(self, tmp_path: Path) -> None:
        webhook = github(sourcePlatform="Custom", headers={"X-Team": "värde"})
        answer, seen = await self._sent(tmp_path, webhook, {"event": "order.created"})
        assert answer.status_code == 200
        assert dict(seen[0].headers.raw)[b"x-team"] == "värde".encode("latin-1")

    async def test_sendgrid_needs_the_private_key(self, tmp_path: Path) -> None:
        from hookline_common.platforms.signing import new_key_pair

        public = new_key_pair().public_key
        webhook = github(sourcePlatform="SendGrid", secretValue=public)
        answer, seen = await self._sent(tmp_path, webhook, {"event": "delivered"})
        assert (answer.status_code, answer.json()["code"]) == (409, "needs_private_key")
        assert seen == []

    async def test_an_unknown_event_and_a_bad_path_are_named(self, tmp_path: Path) -> None:
        answer, _ = await self._sent(tmp_path, github(), {"event": "nothing"})
        assert (answer.status_code, answer.json()["field"]) == (404, "/event")
        (tmp_path / "b").mkdir()
        answer, _ = await self._sent(tmp_path / "b", github(), {})
        assert (answer.status_code, answer.json()["field"]) == (400, "/event")

    async def test_a_gateway_that_is_not_there_is_503(self, tmp_path: Path) -> None:
        def gateway(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("refused", request=request)

        async with (
            open_stores(tmp_path) as (log, documents),
            open_surface(log, documents, httpx.MockTransport(gateway)) as surface,
        ):
            await surface.call("POST", WEBHOOK, github())
            answer = await surface.http.post(f"{WEBHOOK}/w1/test", json={"event": "push"})
            assert (answer.status_code, answer.json()["code"]) == (503, "gateway_unreachable")


async def test_the_catalogue_of_platforms_says_what_users_need(tmp_path: Path) -> None:
    async with open_stores(tmp_path) as (log, documents), open_surface(log, documents) as surface:
        found = await surface.call("GET", "/api/metadata/webhook-platforms")
        labels = {platform["label"] for platform in found}
        wanted = {"GitHub", "Slack", "Stripe", "Microsoft Teams", "SendGrid", "Custom"}
        assert wanted <= labels
        by_label = {platform["label"]: platform for platform in found}
        fields = by_label["Microsoft Teams"]["fields"]
        assert [field["label"] for field in fields] == ["Security token"]
        assert all(platform["setup"] and platform["samples"] for platform in found)


async def test_a_webhook_too_large_for_the_topic_is_413_and_not_saved(tmp_path: Path) -> None:
    async with open_stores(tmp_path) as (log, documents), open_surface(log, documents) as surface:
        rules = [{"workflow": "w" * 1000, "version": n} for n in range(600)]
        refused = await surface.refused("POST", WEBHOOK, github(startRules=rules))
        assert refused == (413, "too_large", None)
        assert await surface.call("GET", WEBHOOK) == []
        await surface.call("POST", WEBHOOK, github())
        refused = await surface.refused("PUT", f"{WEBHOOK}/w1", github(startRules=rules))
        assert refused[0] == 413
        assert (await surface.call("GET", f"{WEBHOOK}/w1"))["startRules"] == []


async def test_a_kept_secret_must_fit_the_new_platform(tmp_path: Path) -> None:
    async with open_stores(tmp_path) as (log, documents), open_surface(log, documents) as surface:
        await surface.call("POST", WEBHOOK, github())
        teams = github(sourcePlatform="Microsoft Teams", secretValue="***")
        refused = await surface.refused("PUT", f"{WEBHOOK}/w1", teams)
        assert refused == (400, "invalid_secret", "/secrets/0/value")
        changed = await surface.call("PUT", f"{WEBHOOK}/w1", {**teams, "secretValue": "c2VjcmV0"})
        assert changed["verifier"] == "HMAC_BASED"


async def test_a_start_waits_until_what_was_kept_back_can_be_published(tmp_path: Path) -> None:
    async with open_stores(tmp_path) as (log, documents):
        async with open_surface(BrokenLog(log), documents) as surface:
            assert (await surface.http.post(WEBHOOK, json=github())).status_code == 503
        broken = BrokenLog(log)

        async def starts() -> None:
            async with open_surface(broken, documents) as surface:
                assert (await surface.config()).webhook("w1") is not None

        starting = asyncio.create_task(starts())
        await until(lambda: broken.refused > 0)
        assert not starting.done()
        broken.broken = False
        await starting
