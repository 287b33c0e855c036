"""What the gateway answers, row by row of the table in specs/webhooks.md section 2."""

import asyncio
import base64
import hashlib
import hmac

import pytest
from msgspec.structs import replace

from hookline_common.errors import DiskFull, DurabilityLost, LogUnavailable
from hookline_common.eventlog import Sync
from hookline_common.webhooks import WebhookDeleted
from tests.ingest.gateway_at_hand import AtHand, error_of
from tests.saved_webhooks import SECRET, config_record, new_sealer, saved

UNSIGNED = b'{"type":"message","text":"hello"}'


def teams_headers(body: bytes, secret: str = SECRET) -> dict[str, str]:
    mac = hmac.digest(base64.b64decode(secret), body, hashlib.sha256)
    return {
        "authorization": f"HMAC {base64.b64encode(mac).decode()}",
        "content-type": "application/json",
    }


def slack_headers(body: bytes, at_ms: int, secret: str = SECRET) -> dict[str, str]:
    at = str(at_ms // 1000)
    mac = hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256)
    return {
        "x-slack-request-timestamp": at,
        "x-slack-signature": f"v0={mac.hexdigest()}",
        "content-type": "application/json",
    }


@pytest.mark.parametrize("path", ["/webhook/w1", "/api/webhook/w1"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_an_event_is_stored_and_then_answered(
    gateway: AtHand, path: str, method: str
) -> None:
    await gateway.saved("github")
    async with gateway.client() as client:
        response = await client.request(
            method,
            f"{path}?a=1&a=2",
            content=b"\x00raw\r\n",
            headers=[("X-One", "1"), ("X-One", "2")],
        )
    assert response.status_code == 200
    assert response.content == b""
    (event,) = await gateway.events()
    assert response.headers["hookline-event-id"] == event.id
    assert event.body == b"\x00raw\r\n"
    assert event.method == method
    assert event.query == "a=1&a=2"
    assert event.url == f"http://gateway.example{path}?a=1&a=2"
    assert [value for name, value in event.headers if name == "x-one"] == ["1", "2"]
    assert event.received_at == gateway.clock.at
    assert event.remote_address == "198.51.100.7"
    assert event.answer == ""


async def test_a_get_is_an_event_where_the_platform_has_no_handshake_by_get(
    gateway: AtHand,
) -> None:
    await gateway.saved("custom", headers={"x-key": "v"})
    async with gateway.client() as client:
        response = await client.get("/webhook/w1?order=7")
    assert response.status_code == 200
    (event,) = await gateway.events()
    assert (event.method, event.query, event.body) == ("GET", "order=7", b"")


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
async def test_probes_are_told_what_is_allowed_and_not_stored(gateway: AtHand, method: str) -> None:
    await gateway.saved("github")
    async with gateway.client() as client:
        response = await client.request(method, "/webhook/w1")
        unknown = await client.request(method, "/webhook/nobody")
    assert response.status_code == 204
    assert "POST" in response.headers["allow"]
    assert unknown.status_code == 404
    assert await gateway.events() == []


async def test_another_method_is_not_allowed(gateway: AtHand) -> None:
    await gateway.saved("github")
    async with gateway.client() as client:
        response = await client.delete("/webhook/w1")
    assert response.status_code == 405
    assert "POST" in response.headers["allow"]


async def test_an_unknown_or_deleted_webhook_is_not_found(gateway: AtHand) -> None:
    await gateway.saved("github")
    async with gateway.client() as client:
        assert (await client.post("/webhook/w1", content=b"x")).status_code == 200
        await gateway.log.append([config_record(WebhookDeleted("w1", 1, 2, 0))])
        await gateway.service._freshness.fresh()
        deleted = await client.post("/webhook/w1", content=b"x")
        unknown = await client.post("/webhook/other", content=b"x")
    for response in (deleted, unknown):
        assert response.status_code == 404
        assert error_of(response)["code"] == "webhook_not_found"
    assert len(await gateway.events()) == 1


async def test_a_webhook_saved_a_moment_ago_is_known(gateway: AtHand) -> None:
    """Accident prevented: the platform's challenge comes at once and meets a 404 (D2)."""
    async with gateway.client() as client:
        assert (await client.post("/webhook/w1", content=b"x")).status_code == 404
        await gateway.saved("github")
        assert (await client.post("/webhook/w1", content=b"x")).status_code == 200


async def test_many_unknown_ids_share_refreshes(fragile: AtHand) -> None:
    async with fragile.client() as client:
        paths = [f"/webhook/u{number}" for number in range(50)]
        before = fragile.service._view._begun
        found = await asyncio.gather(*(client.post(path) for path in paths))
    assert {response.status_code for response in found} == {404}
    assert fragile.service._view._begun - before <= 3


async def test_the_record_of_a_revoked_secret_is_ignored_when_it_comes_late(
    gateway: AtHand,
) -> None:
    """Accident prevented: a late write brings a revoked secret back (D1)."""
    new = "bmV3IHNlY3JldCBvZiBhIHRlc3Q="
    await gateway.saved("microsoft_teams", revision=3, secret=new)
    await gateway.saved("microsoft_teams", revision=2)
    async with gateway.client() as client:
        old_one = await client.post(
            "/webhook/w1", content=UNSIGNED, headers=teams_headers(UNSIGNED)
        )
        new_one = await client.post(
            "/webhook/w1", content=UNSIGNED, headers=teams_headers(UNSIGNED, new)
        )
    assert (old_one.status_code, new_one.status_code) == (401, 200)


async def test_a_paused_webhook_takes_everything(gateway: AtHand) -> None:
    await gateway.saved("microsoft_teams", options={"paused": True})
    async with gateway.client() as client:
        response = await client.post("/webhook/w1", content=UNSIGNED)
    assert response.status_code == 200
    assert [event.answer for event in await gateway.events()] == [""]


async def test_a_body_over_the_limit_is_refused(gateway: AtHand) -> None:
    await gateway.saved("github", options={"max_body_bytes": 10})
    async with gateway.client() as client:
        assert (await client.post("/webhook/w1", content=b"x" * 10)).status_code == 200
        response = await client.post("/webhook/w1", content=b"x" * 11)
    assert response.status_code == 413
    assert error_of(response)["code"] == "too_large"
    assert len(await gateway.events()) == 1


async def test_the_default_limit_is_a_mebibyte(gateway: AtHand) -> None:
    await gateway.saved("github")
    async with gateway.client() as client:
        fits = await client.post("/webhook/w1", content=b"x" * 1024 * 1024)
        response = await client.post("/webhook/w1", content=b"x" * (1024 * 1024 + 1))
    assert (fits.status_code, response.status_code) == (200, 413)


async def test_a_rate_limit_answers_429(gateway: AtHand) -> None:
    await gateway.saved("github", options={"rate_limit_per_second": 2})
    async with gateway.client() as client:
        found = [await client.post("/webhook/w1") for _ in range(4)]
    assert [response.status_code for response in found[:2]] == [200, 200]
    limited = found[-1]
    assert limited.status_code == 429
    assert limited.headers["retry-after"] == "1"
    assert error_of(limited)["code"] == "rate_limited"


@pytest.mark.parametrize("failure", [LogUnavailable(), DiskFull(), DurabilityLost("fsync")])
async def test_a_log_that_fails_is_never_a_2xx(fragile: AtHand, failure: Exception) -> None:
    await fragile.saved("github")
    async with fragile.client() as client:
        assert (await client.post("/webhook/w1")).status_code == 200
        fragile.log.failing = failure
        response = await client.post("/webhook/w1")
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert error_of(response)["retryable"] is True
    assert len(await fragile.events()) == 1
    assert fragile.parts.shutdown.requested == isinstance(failure, DurabilityLost)


async def test_a_log_that_hangs_is_a_503_after_the_deadline(fragile: AtHand) -> None:
    await fragile.saved("github")
    async with fragile.client() as client:
        assert (await client.post("/webhook/w1")).status_code == 200
        fragile.log.hold = asyncio.Event()
        response = await client.post("/webhook/w1")
    assert response.status_code == 503
    assert "hookline-event-id" not in response.headers


async def test_an_event_is_on_disk_before_it_is_answered(fragile: AtHand) -> None:
    await fragile.saved("github")
    fragile.log.syncs.clear()
    async with fragile.client() as client:
        await client.post("/webhook/w1")
    assert fragile.log.syncs == [Sync.NOW]


async def test_an_unknown_id_is_a_503_while_the_configuration_cannot_be_read(
    fragile: AtHand,
) -> None:
    fragile.log.failing = LogUnavailable()
    async with fragile.client() as client:
        response = await client.post("/webhook/w1")
    assert response.status_code == 503


async def test_a_webhook_whose_secret_cannot_be_opened_is_a_503(gateway: AtHand) -> None:
    """Accident prevented: a lost key answers 404, and the platform removes the hook (D3)."""
    sealed_for_another = saved(new_sealer(), "github", incarnation=2).secrets
    config = replace(saved(new_sealer(), "github"), secrets=sealed_for_another)
    await gateway.save(config)
    async with gateway.client() as client:
        response = await client.post("/webhook/w1")
    assert response.status_code == 503
    assert "retry-after" in response.headers


async def test_a_platform_judged_in_the_request_gets_its_reply(gateway: AtHand) -> None:
    await gateway.saved("microsoft_teams")
    async with gateway.client() as client:
        response = await client.post(
            "/webhook/w1", content=UNSIGNED, headers=teams_headers(UNSIGNED)
        )
    assert response.status_code == 200
    assert response.json() == {"type": "message", "text": "Received."}
    assert [event.answer for event in await gateway.events()] == [""]


async def test_a_forged_request_to_such_a_platform_is_stored_and_answered_401(
    gateway: AtHand,
) -> None:
    await gateway.saved("microsoft_teams")
    headers = teams_headers(b"something else")
    async with gateway.client() as client:
        response = await client.post("/webhook/w1", content=UNSIGNED, headers=headers)
    assert response.status_code == 401
    assert error_of(response)["code"] == "signature_mismatch"
    assert SECRET not in response.text
    (event,) = await gateway.events()
    assert event.answer == "unauthorized"
    assert event.id == response.headers["hookline-event-id"]


async def test_reply_on_reject_judges_in_the_request(gateway: AtHand) -> None:
    await gateway.saved("github", options={"reply_on_reject": "status"})
    mac = hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest()
    async with gateway.client() as client:
        bad = await client.post("/webhook/w1", content=b"{}")
        good = await client.post(
            "/webhook/w1", content=b"{}", headers={"x-hub-signature-256": f"sha256={mac}"}
        )
    assert (bad.status_code, good.status_code) == (401, 200)
    assert error_of(bad)["code"] == "signature_missing"
    assert sorted(event.answer for event in await gateway.events()) == ["", "unauthorized"]


async def test_otherwise_a_wrong_signature_is_answered_200(gateway: AtHand) -> None:
    await gateway.saved("github")
    async with gateway.client() as client:
        response = await client.post(
            "/webhook/w1", content=b"{}", headers={"x-hub-signature-256": "sha256=00"}
        )
    assert response.status_code == 200


async def test_a_secret_put_right_just_now_is_not_refused(gateway: AtHand) -> None:
    """Accident prevented: the save is answered, and the next request meets the old secret (D2)."""
    await gateway.saved("microsoft_teams", secret="b2xkIHNlY3JldA==")
    async with gateway.client() as client:
        await client.post("/webhook/w1", content=UNSIGNED)
        await gateway.saved("microsoft_teams", revision=2)
        response = await client.post(
            "/webhook/w1", content=UNSIGNED, headers=teams_headers(UNSIGNED)
        )
    assert response.status_code == 200


async def test_a_signed_challenge_is_answered_and_recorded(gateway: AtHand) -> None:
    await gateway.saved("slack")
    body = b'{"type":"url_verification","token":"t","challenge":"c-123"}'
    async with gateway.client() as client:
        response = await client.post(
            "/webhook/w1", content=body, headers=slack_headers(body, gateway.clock.at)
        )
    assert (response.status_code, response.text) == (200, "c-123")
    (record,) = await gateway.records()
    assert record.key == "w1"
    (event,) = await gateway.events()
    assert event.answer == "handshake"


async def test_a_challenge_is_answered_only_after_it_is_stored(fragile: AtHand) -> None:
    await fragile.saved("slack")
    body = b'{"type":"url_verification","token":"t","challenge":"c-123"}'
    headers = slack_headers(body, fragile.clock.at)
    async with fragile.client() as client:
        await client.post("/webhook/w1")
        fragile.log.failing = LogUnavailable()
        response = await client.post("/webhook/w1", content=body, headers=headers)
    assert response.status_code == 503
    assert "c-123" not in response.text


async def test_a_challenge_with_a_wrong_signature_is_refused(gateway: AtHand) -> None:
    await gateway.saved("slack")
    body = b'{"type":"url_verification","token":"t","challenge":"c-123"}'
    headers = slack_headers(body, gateway.clock.at, secret="another")
    async with gateway.client() as client:
        response = await client.post("/webhook/w1", content=body, headers=headers)
    assert response.status_code == 401
    assert "c-123" not in response.text
    assert [event.answer for event in await gateway.events()] == ["unauthorized"]


async def test_a_question_by_get_is_answered(gateway: AtHand) -> None:
    await gateway.saved("x")
    async with gateway.client() as client:
        response = await client.get("/webhook/w1?crc_token=abc")
    mac = hmac.digest(SECRET.encode(), b"abc", hashlib.sha256)
    expected = f"sha256={base64.b64encode(mac).decode()}"
    assert response.json() == {"response_token": expected}
    assert [event.answer for event in await gateway.events()] == ["handshake"]


async def test_a_body_that_cannot_be_read_is_stored_all_the_same(gateway: AtHand) -> None:
    await gateway.saved("slack", options={"ordering_key": "$.order"})
    async with gateway.client() as client:
        response = await client.post("/webhook/w1", content=b"\xff{not json")
    assert response.status_code == 200
    assert [event.body for event in await gateway.events()] == [b"\xff{not json"]


async def test_enormous_headers_are_refused(gateway: AtHand) -> None:
    await gateway.saved("github")
    async with gateway.client() as client:
        response = await client.post("/webhook/w1", headers={"x-big": "x" * 70_000})
    assert response.status_code == 413


async def test_nothing_is_taken_while_old_events_are_not_judged(gateway: AtHand) -> None:
    """Accident prevented: accepted events fall out of the log before they are judged (A1)."""
    await gateway.saved("github")
    async with gateway.client() as client:
        assert (await client.post("/webhook/w1")).status_code == 200
        stored = [
            found
            for partition in range(6)
            for found in await gateway.log.read("webhooks.received", partition, 0, 1)
        ]
        gateway.clock.at = stored[0].timestamp_ms + 16 * 24 * 60 * 60 * 1000
        gateway.service._backlog._checked = float("-inf")
        for _ in range(200):
            response = await client.post("/webhook/w1")
            if response.status_code != 200:
                break
    assert response.status_code == 503
    assert error_of(response)["code"] == "backlog_too_old"


async def test_answers_are_counted(gateway: AtHand) -> None:
    await gateway.saved("github")
    async with gateway.client() as client:
        await client.post("/webhook/w1")
        await client.post("/webhook/nobody")
        metrics = (await client.get("/metrics")).text
    assert 'hookline_gateway_answers_total{outcome="accepted"} 1.0' in metrics
    assert 'hookline_gateway_answers_total{outcome="webhook_not_found"} 1.0' in metrics
