"""Gateway and verifier together on the embedded log: from the request to the verdict."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from hookline_common.clock import SystemClock
from hookline_common.cloudevents import judged_event
from hookline_common.rawevents import JudgedEvent
from hookline_common.running import Parts, Surface, app_for, open_parts
from hookline_common.settings import load_settings
from hookline_ingest import service as ingest
from hookline_verifier import service as verifier
from tests.saved_webhooks import SECRET, config_record, saved


class Together:
    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.gateway = ingest.build(parts)
        self.verifier = verifier.build(parts)
        app = app_for(parts, [self.gateway, self.verifier], Surface.GATEWAY)
        transport = httpx.ASGITransport(app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://g")

    async def save(self, platform: str) -> None:
        await self.parts.log.append([config_record(saved(self.parts.sealer, platform))])

    async def judged(self, topic: str, count: int) -> list[JudgedEvent]:
        """The first judgements, in order of arrival."""
        found: list[JudgedEvent] = []
        async with asyncio.timeout(10), self.parts.log.consumer("test", [topic]) as consumer:
            while len(found) < count:
                found += [judged_event(one.record) for one in await consumer.next_batch()]
        return found


@pytest.fixture
async def together(tmp_path: Path) -> AsyncIterator[Together]:
    async with open_parts(load_settings({}, data=str(tmp_path))) as parts:
        at_hand = Together(parts)
        await at_hand.gateway.start()
        await at_hand.verifier.start()
        yield at_hand
        await at_hand.client.aclose()
        await at_hand.gateway.stop()
        await at_hand.verifier.stop()


def signed(body: bytes) -> dict[str, str]:
    mac = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {"x-hub-signature-256": f"sha256={mac}"}


def signed_by_slack(body: bytes) -> dict[str, str]:
    at = str(SystemClock().now_ms() // 1000)
    mac = hmac.new(SECRET.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": at, "x-slack-signature": f"v0={mac}"}


async def test_every_accepted_event_gets_one_verdict(together: Together) -> None:
    await together.save("github")
    bodies = [b'{"n":%d}' % number for number in range(60)]
    posts = [
        together.client.post(
            "/webhook/w1", content=body, headers=signed(body if number % 3 else b"forged")
        )
        for number, body in enumerate(bodies)
    ]
    answers = await asyncio.gather(*posts)
    ids = [answer.headers["hookline-event-id"] for answer in answers]
    good = await together.judged("webhooks.verified", 40)
    bad = await together.judged("webhooks.rejected", 20)
    assert sorted(event.raw.id for event in [*good, *bad]) == sorted(ids)
    assert {event.reason for event in bad} == {"signature_mismatch"}
    assert await together.verifier.problems() == []


async def test_a_challenge_verifies_the_events_that_come_behind_it(together: Together) -> None:
    """Accident prevented: challenge and first event lie in two partitions and overtake (E5)."""
    await together.save("slack")
    challenge = b'{"type":"url_verification","challenge":"c-1"}'
    await together.client.post("/webhook/w1", content=b"{}")
    answer = await together.client.post(
        "/webhook/w1", content=challenge, headers=signed_by_slack(challenge)
    )
    assert answer.text == "c-1"
    for number in range(20):
        body = b'{"type":"event_callback","event_id":"Ev%d"}' % number
        await together.client.post("/webhook/w1", content=body, headers=signed_by_slack(body))
    events = await together.judged("webhooks.verified", 20)
    assert [event.delivery_id for event in events] == [f"Ev{number}" for number in range(20)]
    others = await together.judged("webhooks.rejected", 2)
    assert [event.verdict for event in others] == ["rejected", "handshake"]


async def test_a_verifier_started_later_judges_what_was_accepted_before(tmp_path: Path) -> None:
    settings = load_settings({}, data=str(tmp_path))
    async with open_parts(settings) as parts:
        early = Together(parts)
        await early.gateway.start()
        await early.save("github")
        answer = await early.client.post("/webhook/w1", content=b"{}", headers=signed(b"{}"))
        await early.client.aclose()
        await early.gateway.stop()
    async with open_parts(settings) as parts:
        late = Together(parts)
        await late.verifier.start()
        (event,) = await late.judged("webhooks.verified", 1)
        assert event.raw.id == answer.headers["hookline-event-id"]
        await late.client.aclose()
        await late.verifier.stop()
        lag = await parts.log.lag("verifier", ["webhooks.received"])
        assert all(partition.committed == partition.end for partition in lag)
