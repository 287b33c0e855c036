"""`GET /api/stats`: counts by step, verdict and webhook; what fails, is silent, or waits."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hookline_common.collections import EVENT_COUNTS, WAITERS, WEBHOOK_EVENTS
from hookline_common.documents import Document
from hookline_engine.rest import stats
from tests.engine.rest_surface import Surface, open_stores, open_surface

MINUTE = 60_000
NOW = 1_700_000_040_000 // MINUTE * MINUTE + 5_000
THIS = NOW // MINUTE * MINUTE


@pytest.fixture
async def surface(tmp_path: Path) -> AsyncIterator[Surface]:
    async with open_stores(tmp_path) as (log, documents), open_surface(log, documents) as opened:
        opened.clock.ms = NOW
        yield opened


async def _webhook(surface: Surface, name: str, **options: Any) -> str:
    fields = {
        "name": name,
        "sourcePlatform": "Custom",
        "headers": {"x-check": "a value that is hard to guess"},
        "receiverWorkflowNamesToVersions": {"flow": 1},
        "options": options,
    }
    return (await surface.call("POST", "/api/metadata/webhook", fields))["id"]


async def _counted(surface: Surface, webhook: str, ago: int, **verdicts: int) -> None:
    minute = NOW // MINUTE - ago
    fields = {"webhook_id": webhook, "minute": minute, **verdicts}
    document = Document(f"{webhook}:{minute}", b"{}", fields)
    assert not await surface.documents.insert(EVENT_COUNTS, [document])


async def test_the_last_hour_in_minutes(surface: Surface) -> None:
    hook = await _webhook(surface, "hook")
    await _counted(surface, hook, 0, resumed=2, rejected=1)
    await _counted(surface, hook, 59, started=1)
    await _counted(surface, hook, 60, unmatched=9)
    found = await surface.call("GET", "/api/stats")
    assert (found["from"], found["to"], found["step"]) == (
        THIS - 59 * MINUTE,
        THIS + MINUTE,
        MINUTE,
    )
    assert [step["at"] for step in found["steps"]] == list(
        range(found["from"], found["to"], MINUTE)
    )
    assert found["steps"][0]["counts"]["started"] == 1
    assert found["steps"][-1]["counts"] | {"rejected": 0} == dict.fromkeys(found["total"], 0) | {
        "resumed": 2
    }
    total = {verdict: count for verdict, count in found["total"].items() if count}
    assert total == {"resumed": 2, "rejected": 1, "started": 1}
    assert found["complete"]


async def test_the_steps_of_each_webhook_if_they_are_asked_for(surface: Surface) -> None:
    busy, quiet = await _webhook(surface, "busy"), await _webhook(surface, "quiet")
    for ago in (0, 1, 5):
        await _counted(surface, busy, ago, resumed=1)
    span = {"from": THIS - 5 * MINUTE, "to": THIS + MINUTE, "step": 3 * MINUTE}
    found = await surface.call("GET", "/api/stats", params={**span, "webhookSteps": True})
    steps = {
        one["id"]: [step["counts"]["resumed"] for step in one["steps"]] for one in found["webhooks"]
    }
    assert steps == {busy: [1, 2], quiet: [0, 0]}
    plain = await surface.call("GET", "/api/stats", params=span)
    assert all("steps" not in one for one in plain["webhooks"])


async def test_longer_steps_of_another_time(surface: Surface) -> None:
    hook = await _webhook(surface, "hook")
    for ago in range(6):
        await _counted(surface, hook, ago, resumed=1)
    begin = THIS - 5 * MINUTE
    query = {"from": begin, "to": THIS + MINUTE, "step": 3 * MINUTE}
    found = await surface.call("GET", "/api/stats", params=query)
    assert [(one["at"], one["counts"]["resumed"]) for one in found["steps"]] == [
        (begin, 3),
        (begin + 3 * MINUTE, 3),
    ]


async def test_a_webhook_fails_when_half_of_its_events_do(surface: Surface) -> None:
    good, bad, still = [await _webhook(surface, name) for name in ("good", "bad", "still")]
    await _counted(surface, good, 0, resumed=3, rejected=2)
    await _counted(surface, bad, 0, resumed=1, failed=1)
    found = await surface.call("GET", "/api/stats")
    failing = {one["id"]: one["failing"] for one in found["webhooks"]}
    assert failing == {good: False, bad: True, still: False}
    assert [one["name"] for one in found["webhooks"]] == ["bad", "good", "still"]


async def test_a_watched_webhook_is_silent_after_its_time(surface: Surface) -> None:
    watched = await _webhook(surface, "watched", silentAfterSeconds=60)
    await _webhook(surface, "unwatched")
    await _webhook(surface, "paused", silentAfterSeconds=60, paused=True)

    async def silent() -> list[str]:
        found = await surface.call("GET", "/api/stats")
        return [one["name"] for one in found["webhooks"] if one["silent"]]

    assert await silent() == []
    surface.clock.ms += 60_001
    assert await silent() == ["watched"]
    at = {"webhook_id": watched, "received_at": surface.clock.ms}
    await surface.documents.insert(WEBHOOK_EVENTS, [Document("e1", b"{}", at)])
    assert await silent() == []


async def test_what_waits_is_counted_by_workflow(surface: Surface) -> None:
    await _webhook(surface, "hook")
    waits = [
        Document(
            f"t{number}",
            msgspec.json.encode({}),
            {"workflow": workflow, "state": state, "opened_at": 1},
        )
        for number, (workflow, state) in enumerate(
            [("flow", "open"), ("flow", "open"), ("flow", "taken"), ("other", "open")]
        )
    ]
    await surface.documents.insert(WAITERS, waits)
    assert (await surface.call("GET", "/api/stats"))["waiting"] == {"flow": 2}


async def test_a_limit_of_counters_is_said(
    surface: Surface, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats, "MOST_COUNTERS", 2)
    monkeypatch.setattr(stats, "_PAGE", 1)
    hook = await _webhook(surface, "hook")
    for ago in range(3):
        await _counted(surface, hook, ago, resumed=1)
    found = await surface.call("GET", "/api/stats")
    assert (found["complete"], found["total"]["resumed"]) == (False, 2)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=120000&to=60000", "/query/from"),
        ("from=0&to=1700000000000", "/query/step"),
        ("step=1", "/query/step"),
        ("from=yesterday", "/query/from"),
    ],
)
async def test_a_time_that_makes_no_sense_is_refused(
    surface: Surface, query: str, field: str
) -> None:
    refused = await surface.refused("GET", f"/api/stats?{query}")
    assert refused == (400, "invalid_parameter", field)
