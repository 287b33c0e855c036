"""`POST /match-preview`: clauses beside the last events of a webhook or of those of a workflow."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.engine.recorded_events import T0, History, raw
from tests.engine.rest_surface import Surface, open_stores, open_surface


@pytest.fixture
async def surface(tmp_path: Path) -> AsyncIterator[Surface]:
    async with open_stores(tmp_path) as (log, documents), open_surface(log, documents) as opened:
        yield opened


async def _webhook(surface: Surface, name: str, workflow: str = "flow") -> str:
    fields = {
        "name": name,
        "sourcePlatform": "Custom",
        "headers": {"x-check": "a value that is hard to guess"},
        "receiverWorkflowNamesToVersions": {workflow: 1},
    }
    return (await surface.call("POST", "/api/metadata/webhook", fields))["id"]


async def _event(
    surface: Surface, webhook: str, event_id: str, body: Any, at: int = T0, **more: Any
) -> None:
    history = History(surface.log, surface.documents)
    event = msgspec.structs.replace(raw(event_id, body, at), webhook_id=webhook)
    fields = {"verdict": "unmatched", "verified": True, "payload": _raw(body), **more}
    await history.recorded(event, **fields)


def _raw(body: Any) -> Any:
    return msgspec.Raw(msgspec.json.encode(body))


async def _preview(surface: Surface, **body: Any) -> Mapping[str, Any]:
    return await surface.call("POST", "/api/match-preview", body)


async def test_each_clause_shows_what_came_and_how_many_meet_them_all(surface: Surface) -> None:
    hook = await _webhook(surface, "hook")
    await _event(surface, hook, "e1", {"kind": "order", "n": 5}, T0)
    await _event(surface, hook, "e2", {"kind": "order", "n": 50}, T0 + 1)
    await _event(surface, hook, "e3", {"kind": "note"}, T0 + 2)
    matches = {"$.kind": "order", "$.n": {"operator": "greaterThan", "value": 10}}
    found = await _preview(surface, webhookId=hook, matches=matches)
    assert (found["examined"], found["met"]) == (3, 1)
    assert [(one["id"], one["meets"]) for one in found["events"]] == [
        ("e3", False),
        ("e2", True),
        ("e1", False),
    ]
    sides = {one["path"]: (one["actual"], one["holds"]) for one in found["events"][2]["clauses"]}
    assert sides == {"$.kind": ("order", True), "$.n": (5, False)}


async def test_a_value_of_later_needs_something_at_its_path(surface: Surface) -> None:
    hook = await _webhook(surface, "hook")
    await _event(surface, hook, "e1", {"number": 7})
    await _event(surface, hook, "e2", {"other": 7}, T0 + 1)
    matches = {"$.number": "${workflow.input.number}"}
    found = await _preview(surface, webhookId=hook, matches=matches)
    assert [(one["id"], one["meets"]) for one in found["events"]] == [("e2", False), ("e1", True)]
    (clause,) = found["events"][1]["clauses"]
    assert (clause["expected"], clause["actual"]) == ("${workflow.input.number}", 7)
    assert "when the workflow runs" in clause["note"]


async def test_of_a_workflow_the_events_of_all_its_webhooks_are_looked_at(surface: Surface) -> None:
    ours = [await _webhook(surface, name) for name in ("one", "two")]
    other = await _webhook(surface, "other", "elsewhere")
    for number, hook in enumerate([*ours, other]):
        await _event(surface, hook, f"e{number}", {"a": 1}, T0 + number)
    found = await _preview(surface, workflow="flow", matches={"$.a": 1})
    assert [one["id"] for one in found["events"]] == ["e1", "e0"]
    nobody = await _preview(surface, workflow="unknown", matches={})
    assert (nobody["examined"], nobody["events"]) == (0, [])


async def test_what_was_never_held_against_waits_is_left_out(surface: Surface) -> None:
    hook = await _webhook(surface, "hook")
    for number, verdict in enumerate(("rejected", "duplicate", "handshake", "paused", "resumed")):
        await _event(surface, hook, verdict, {"a": 1}, T0 + number, verdict=verdict)
    await _event(surface, hook, "unreadable", {}, reason="payload_unreadable")
    found = await _preview(surface, webhookId=hook, matches={"$.a": 1})
    assert [one["id"] for one in found["events"]] == ["resumed"]


async def test_no_more_than_asked_for(surface: Surface) -> None:
    hook = await _webhook(surface, "hook")
    for number in range(5):
        await _event(surface, hook, f"e{number}", {"a": number}, T0 + number)
    found = await _preview(surface, webhookId=hook, matches={}, limit=2)
    assert [one["id"] for one in found["events"]] == ["e4", "e3"]


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"webhookId": "w"}, "missing_field", "/matches"),
        ({"matches": {}}, "missing_field", "/webhookId"),
        ({"matches": {}, "webhookId": "w", "workflow": "f"}, "missing_field", "/webhookId"),
        ({"matches": {"$.a": {"operator": "near"}}, "workflow": "f"}, "bad_request", None),
        ({"matches": {}, "workflow": "f", "limit": 0}, "out_of_range", "/limit"),
        ({"matches": {}, "workflow": "f", "much": 1}, "unknown_field", "/much"),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused(
    surface: Surface, body: Any, code: str, field: str | None
) -> None:
    status, said, at = await surface.refused("POST", "/api/match-preview", body)
    assert (status, said) == (400, code)
    assert at == field if field is not None else at.startswith("/matches")


async def test_an_unknown_webhook_is_not_found(surface: Surface) -> None:
    body = {"matches": {}, "webhookId": "nowhere"}
    refused = await surface.refused("POST", "/api/match-preview", body)
    assert refused[:2] == (404, "webhook_not_found")
