"""The history of events over the API (specs/webhooks.md section 7)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hookline_common.cloudevents import raw_record
from hookline_common.collections import WEBHOOK_EVENTS
from hookline_common.documents import Document
from hookline_common.eventrecords import Effect, EventRecord, Step
from hookline_common.rawevents import Check, RawEvent, Verification
from tests.engine.rest_surface import Surface, open_stores, open_surface

EVENTS = "/api/webhook-events"


@pytest.fixture
async def surface(tmp_path: Path) -> AsyncIterator[Surface]:
    async with open_stores(tmp_path) as (log, documents), open_surface(log, documents) as opened:
        yield opened


def record(number: int, **more: Any) -> EventRecord:
    return EventRecord(
        **{
            "id": f"e{number}",
            "webhook_id": "w1",
            "webhook_name": "gh",
            "incarnation": 1,
            "received_at": 1_000_000 + number,
            "verdict": "unmatched",
            **more,
        }
    )


async def save(surface: Surface, *records: EventRecord, **fields: Any) -> None:
    documents = [
        Document(
            event.id,
            msgspec.json.encode(event),
            {
                "webhook_id": event.webhook_id,
                "verdict": event.verdict,
                "type": event.type,
                "delivery_id": event.delivery_id,
                "received_at": event.received_at,
                "workflows": tuple(effect.workflow_id for effect in event.effects),
                **fields,
            },
        )
        for event in records
    ]
    assert not await surface.documents.insert(WEBHOOK_EVENTS, documents)


async def ids(surface: Surface, query: str) -> list[str]:
    found = await surface.call("GET", f"{EVENTS}?{query}")
    return [event["id"] for event in found["events"]]


async def test_events_come_newest_first_in_pages(surface: Surface) -> None:
    await save(surface, *(record(number) for number in range(5)))
    first = await surface.call("GET", f"{EVENTS}?limit=2")
    assert [event["id"] for event in first["events"]] == ["e4", "e3"]
    second = await surface.call("GET", f"{EVENTS}?limit=2&cursor={first['nextCursor']}")
    third = await surface.call("GET", f"{EVENTS}?limit=2&cursor={second['nextCursor']}")
    assert [event["id"] for event in second["events"] + third["events"]] == ["e2", "e1", "e0"]
    assert "nextCursor" not in third


async def test_the_oldest_come_first_if_that_is_asked(surface: Surface) -> None:
    await save(surface, *(record(number) for number in range(4)))
    first = await surface.call("GET", f"{EVENTS}?limit=2&order=oldest")
    assert [event["id"] for event in first["events"]] == ["e0", "e1"]
    assert await ids(surface, f"order=oldest&cursor={first['nextCursor']}") == ["e2", "e3"]
    assert await ids(surface, "order=newest&limit=1") == ["e3"]


async def test_filters_are_combined(surface: Surface) -> None:
    effect = Effect("x", "resume", "applied", workflow_id="wf1")
    await save(
        surface,
        record(1, verdict="resumed", type="push", effects=(effect,)),
        record(2, verdict="rejected", type="push", delivery_id="d2"),
        record(3, verdict="resumed", type="ping", webhook_id="w2"),
    )
    await save(surface, record(4), search="gh pull_request Alice")
    assert await ids(surface, "webhookId=w1") == ["e4", "e2", "e1"]
    assert await ids(surface, "webhookId=w1&webhookId=w2&verdict=resumed") == ["e3", "e1"]
    assert await ids(surface, "verdict=resumed,rejected&type=push") == ["e2", "e1"]
    assert await ids(surface, "deliveryId=d2") == ["e2"]
    assert await ids(surface, "workflowId=wf1") == ["e1"]
    assert await ids(surface, "text=alice") == ["e4"]
    assert await ids(surface, "from=1000002&to=1000004") == ["e3", "e2"]
    assert await ids(surface, "from=1970-01-01T00:16:40.003Z") == ["e4", "e3"]
    assert await ids(surface, "from=1970-01-01T00:16:40.003") == ["e4", "e3"]
    assert await ids(surface, "webhookId=none") == []
    found = await surface.call("GET", "/api/metadata/webhook/w2/events")
    assert [event["id"] for event in found["events"]] == ["e3"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=many", "limit"),
        ("verdict=perhaps", "verdict"),
        ("from=yesterday", "from"),
        ("to=9999999999999999999999", "to"),
        ("cursor=nonsense", "cursor"),
    ],
)
async def test_a_bad_filter_is_400(surface: Surface, query: str, field: str) -> None:
    status, code, named = await surface.refused("GET", f"{EVENTS}?{query}")
    assert (status, code, named) == (400, "invalid_parameter", f"/query/{field}")


async def test_a_query_that_cannot_be_decoded_is_400(surface: Surface) -> None:
    assert (await surface.refused("GET", f"{EVENTS}?text=%ff"))[:2] == (400, "invalid_query")


async def test_one_event_tells_its_whole_story(surface: Surface) -> None:
    check = Check("x-hub-signature-256", ok=False, detail="does not fit")
    await save(
        surface,
        record(
            1,
            verdict="rejected",
            reason="signature_mismatch",
            detail="No secret fits.",
            payload=msgspec.Raw(b'{"b": 1, "a": [1.0, null]}'),
            headers=(("x-github-event", "push"), ("x-github-event", "push")),
            query={"q": "1"},
            size_bytes=3,
            verification=Verification("signature", checks=(check,)),
            steps=(Step("verifier", "rejected", 1_000_002, error="no"),),
            verified_at=1_000_002,
            kept_until=2_000_000,
            remote_address="10.0.0.1",
            plan_revision=7,
        ),
    )
    shown = await surface.call("GET", f"{EVENTS}/e1")
    assert shown == {
        "id": "e1",
        "webhookId": "w1",
        "webhookName": "gh",
        "incarnation": 1,
        "receivedAt": 1_000_001,
        "verifiedAt": 1_000_002,
        "verdict": "rejected",
        "reason": "signature_mismatch",
        "detail": "No secret fits.",
        "method": "POST",
        "url": "",
        "query": {"q": "1"},
        "headers": [["x-github-event", "push"], ["x-github-event", "push"]],
        "remoteAddress": "10.0.0.1",
        "sizeBytes": 3,
        "payload": {"b": 1, "a": [1.0, None]},
        "verified": False,
        "verification": {
            "method": "signature",
            "checks": [{"name": "x-hub-signature-256", "ok": False, "detail": "does not fit"}],
        },
        "effects": [],
        "steps": [
            {"service": "verifier", "did": "rejected", "at": 1_000_002, "attempt": 1, "error": "no"}
        ],
        "replays": [],
        "keptUntil": 2_000_000,
    }
    listed = (await surface.call("GET", EVENTS))["events"][0]
    assert listed == {
        name: value
        for name, value in shown.items()
        if name not in ("payload", "headers", "query", "steps")
    }


async def test_the_raw_request_is_a_download_of_the_bytes_as_they_came(surface: Surface) -> None:
    raw = RawEvent(
        id="e1",
        webhook_id="w1",
        received_at=1_000_001,
        method="POST",
        url="https://hooks.example/webhook/w1",
        query="",
        headers=(("content-type", "text/html"),),
        body=b"<script>\r\n\xff</script>",
    )
    position = (await surface.log.append([raw_record(raw, "e1")]))[0]
    where = (position.topic, position.partition, position.offset)
    await save(surface, record(1, position=where), record(2, position=where), record(3))
    answer = await surface.http.get(f"{EVENTS}/e1/raw")
    assert (answer.status_code, answer.content) == (200, raw.body)
    assert answer.headers["content-type"] == "text/html"
    assert answer.headers["content-disposition"] == 'attachment; filename="e1"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    gone = (410, "raw_expired", None)
    assert await surface.refused("GET", f"{EVENTS}/e2/raw") == gone
    assert await surface.refused("GET", f"{EVENTS}/e3/raw") == gone


async def test_an_unknown_event_is_404(surface: Surface) -> None:
    for path in ("none", "none/raw"):
        status, code, _ = await surface.refused("GET", f"{EVENTS}/{path}")
        assert (status, code) == (404, "event_not_found")
