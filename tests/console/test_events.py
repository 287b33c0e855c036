"""The history of events, the page of one, why it did not match, and replays."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.console.definitions import HOSTILE, register, simple, start, waiting
from tests.servers.browser import Visit
from tests.servers.hookline import System

SECRET = "3f8c1e5b9a7d40c2e1b6"


class Shop:
    """A webhook that may resume `paid` and starts `count`, with one event of each kind."""

    def __init__(self, system: System) -> None:
        register(system, waiting("paid_order"), simple("count_order"))
        self.webhook = system.post(
            "/metadata/webhook",
            {
                "name": "shop",
                "sourcePlatform": "Custom",
                "headers": {"X-Shop": SECRET},
                "receiverWorkflowNamesToVersions": {"paid_order": 1},
                "startRules": [{"workflow": "count_order", "when": {"$.kind": "count"}}],
                "options": {"deliveryId": "header:X-Delivery"},
            },
        )
        self._system = system
        self.execution = start(system, "paid_order", input={"order": "A-1"})
        start(system, "paid_order", input={"order": "a-2"})
        self.resumed = self._send({"order": "A-1"}, "d-1")
        self.duplicate = self._send({"order": "A-1"}, "d-1")
        self.started = self._send({"kind": "count", "order": "-"}, "d-2")
        self.unmatched = self._send({"order": "A-2", HOSTILE: HOSTILE}, "d-3")
        self.rejected = self._send({"order": "A-1"}, "d-4", secret="wrong")
        self.paused = self._to_another("closed", {"options": {"paused": True}})
        same = {"workflow": "count_order", "idempotencyKey": "k", "idempotencyStrategy": "FAIL"}
        self.failed = self._to_another("keyed", {"startRules": [same]}, times=2)
        self.handshake = self._handshake()

    def _send(
        self, body: dict[str, Any], delivery: str, secret: str = SECRET, url: str = ""
    ) -> str:
        headers = {"X-Shop": secret, "X-Delivery": delivery, "X-Hostile": HOSTILE}
        answer = httpx.post(url or self.webhook["url"], json=body, headers=headers)
        event: str = answer.headers["hookline-event-id"]
        self._system.event(event)
        return event

    def _to_another(self, name: str, more: dict[str, Any], times: int = 1) -> str:
        """The last of so many events to a webhook of its own."""
        webhook = self._system.post(
            "/metadata/webhook",
            {
                "name": name,
                "sourcePlatform": "Custom",
                "headers": {"X-Shop": SECRET},
                "receiverWorkflowNamesToVersions": {"paid_order": 1},
                **more,
            },
        )
        sent = [self._send({"n": n}, f"{name}-{n}", url=webhook["url"]) for n in range(times)]
        return sent[-1]

    def _handshake(self) -> str:
        webhook = self._system.post(
            "/metadata/webhook",
            {
                "name": "asks first",
                "sourcePlatform": "Slack",
                "secretValue": SECRET,
                "receiverWorkflowNamesToVersions": {"paid_order": 1},
            },
        )
        sample = {"event": "url_verification"}
        answer = self._system.post(f"/metadata/webhook/{webhook['id']}/test", sample)
        return answer["eventId"]


@pytest.fixture(scope="module")
def shop(system: System) -> Shop:
    return Shop(system)


@pytest.fixture
def phone(browser: Browser, system: System) -> Iterator[Visit]:
    """A visit without scripts: links and forms must do."""
    one = Visit(browser, system.api, java_script_enabled=False)
    yield one
    one.close()


def test_without_events_it_says_how_to_send_one(visit: Visit) -> None:
    page = visit.open("/events")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".none")).to_be_visible()
    visit.check()


def test_the_history_says_what_became_of_each(
    system: System, shop: Shop, visit: Visit, picture: Callable[[str], Path]
) -> None:
    page = visit.open(f"/definitions/webhooks/{shop.webhook['id']}/events")
    expect(page.get_by_role("heading", name="Execution history")).to_be_visible()
    for event, verdict in (
        (shop.resumed, "Resumed"),
        (shop.duplicate, "Duplicate"),
        (shop.started, "Started"),
        (shop.unmatched, "Unmatched"),
        (shop.rejected, "Rejected"),
    ):
        assert system.event(event)["verdict"] == verdict.lower()
        row = (
            page.get_by_role("row")
            .filter(has=page.locator(f'a.twist[href="/events/{event}"]'))
            .first
        )
        expect(row).to_contain_text(verdict)
    resumed = page.locator(f'a[href="/executions/{shop.execution}"]').first
    expect(resumed).to_be_visible()
    visit.check(picture("history"))


def test_a_row_opens_in_place_with_its_payload(
    shop: Shop, visit: Visit, picture: Callable[[str], Path]
) -> None:
    page = visit.open(f"/events?webhookId={shop.webhook['id']}&verdict=unmatched")
    page.locator("a.twist").first.click()
    detail = page.locator("tr.detail")
    expect(detail).to_contain_text('"order"')
    expect(detail).to_contain_text(HOSTILE)
    expect(detail).not_to_contain_text(SECRET)
    visit.check(picture("history-open"))


@pytest.mark.parametrize("verdict", ["resumed", "started", "unmatched", "duplicate", "rejected"])
def test_a_verdict_is_filtered_in_the_address(shop: Shop, visit: Visit, verdict: str) -> None:
    page = visit.open(f"/events?verdict={verdict}")
    event = getattr(shop, verdict)
    expect(page.locator(f'a[href="/events/{event}"]').first).to_be_visible()
    others = {shop.resumed, shop.started, shop.unmatched, shop.duplicate, shop.rejected} - {event}
    rows = page.locator("tbody a.twist")
    assert not others & {(row.get_attribute("href") or "").split("/")[-1] for row in rows.all()}


def test_the_way_of_a_resumed_event(
    shop: Shop, visit: Visit, picture: Callable[[str], Path]
) -> None:
    page = visit.open(f"/events/{shop.resumed}")
    expect(page.locator(".badge").filter(has_text="Resumed").first).to_be_visible()
    expect(page.get_by_role("region", name="The way of this event")).to_contain_text("Matcher")
    expect(page.locator(f'a[href="/executions/{shop.execution}"]').first).to_be_visible()
    visit.check(picture("event"))


def test_why_an_event_did_not_match(
    shop: Shop, visit: Visit, picture: Callable[[str], Path]
) -> None:
    page = visit.open(f"/events/{shop.unmatched}")
    why = page.get_by_role("region", name="Why did it not match?")
    expect(why).to_contain_text("$.order")
    expect(why).to_contain_text("a-2")
    expect(why).to_contain_text("A-2")
    visit.check(picture("event-unmatched"))


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("duplicate", "This delivery came before"),
        ("started", "Started count_order version 1"),
        ("rejected", "Rejected, without effect"),
        ("paused", "The webhook was paused"),
        ("failed", "It matched, but no effect took hold"),
        ("handshake", "A handshake of the platform"),
    ],
)
def test_every_kind_of_event_has_a_page(
    system: System, shop: Shop, visit: Visit, picture: Callable[[str], Path], kind: str, says: str
) -> None:
    event = getattr(shop, kind)
    assert system.event(event)["verdict"] == kind
    page = visit.open(f"/events/{event}")
    expect(page.locator(".answer")).to_contain_text(says)
    visit.check(picture(f"event-{kind}"))


def test_the_raw_request_is_a_download(system: System, shop: Shop) -> None:
    answer = system.http.get(f"/events/{shop.unmatched}/raw")
    assert answer.json()["order"] == "A-2"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_replay_says_first_what_it_would_do(
    system: System, shop: Shop, visit: Visit, picture: Callable[[str], Path]
) -> None:
    waits_again = start(system, "paid_order", input={"order": "A-2"})
    page = visit.open(f"/events/{shop.unmatched}")
    page.get_by_role("link", name="Replay…").click()
    expect(page.get_by_role("heading", name="What it would come to")).to_be_visible()
    visit.check(picture("replay-preview"))
    before = system.get("/replays")["replays"]
    page.locator("footer").get_by_role("button", name="Replay").click()
    page.wait_for_url("**/operations/replays/*")
    job = page.url.rsplit("/", 1)[1]
    assert job not in {one["id"] for one in before}
    system.until(lambda: system.get(f"/replays/{job}")["state"] == "done", "the replay")
    system.execution(waits_again, "COMPLETED")


def test_it_works_without_scripts(shop: Shop, phone: Visit) -> None:
    page = phone.open("/events?verdict=resumed")
    page.locator("a.twist").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.url.partition("?")[0] != f"{phone.address}/events"


def test_an_event_that_there_is_not_is_said(visit: Visit) -> None:
    answer = visit.page.goto(f"{visit.address}/events/none")
    assert answer is not None
    assert answer.status == 404


def test_a_large_payload_is_cut_with_a_way_to_the_whole(
    system: System, shop: Shop, visit: Visit
) -> None:
    event = shop._send({"order": "large", "list": ["x" * 100] * 8000}, "d-large")
    page = visit.open(f"/events/{event}")
    expect(page.locator(f'a[href="/events/{event}/raw"]').first).to_be_visible()
    assert len(page.content()) < 400_000
    assert visit.complaints == []
