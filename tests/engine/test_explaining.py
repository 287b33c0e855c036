"""`GET /webhook-events/{id}/explain`: the webhook of today, and how many waits are looked at."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hookline_common.collections import WAITERS
from hookline_common.documents import Document
from hookline_common.eventrecords import Waiter
from hookline_common.messages import Wait
from hookline_common.webhooks import WebhookConfig
from hookline_engine.explaining import MOST_WAITS_EXAMINED, MOST_WAITS_SHOWN
from tests.engine.recorded_events import T0, History, raw
from tests.engine.rest_surface import Surface, open_stores, open_surface

WEBHOOK = {
    "name": "hook",
    "sourcePlatform": "Custom",
    "headers": {"x-check": "a value that is hard to guess"},
    "receiverWorkflowNamesToVersions": {"flow": 1},
}


@pytest.fixture
async def surface(tmp_path: Path) -> AsyncIterator[Surface]:
    async with open_stores(tmp_path) as (log, documents), open_surface(log, documents) as opened:
        yield opened


async def _webhook(surface: Surface) -> WebhookConfig:
    made = await surface.call("POST", "/api/metadata/webhook", WEBHOOK)
    config = (await surface.config()).webhook(made["id"])
    assert isinstance(config, WebhookConfig)
    return config


async def _event(surface: Surface, hook: WebhookConfig, **more: Any) -> None:
    """An event that came now, as the matcher records one without effect."""
    now = surface.clock.now_ms()
    event = msgspec.structs.replace(raw("e1", {"n": 7}, now), webhook_id=hook.id)
    fields = {
        "incarnation": hook.incarnation,
        "verdict": "unmatched",
        "verified": True,
        "reason": "no_wait",
        "counts_from": now,
        "payload": msgspec.Raw(event.body),
        **more,
    }
    await History(surface.log, surface.documents).recorded(event, **fields)


async def _explained(surface: Surface) -> dict[str, Any]:
    return await surface.call("GET", "/api/webhook-events/e1/explain")


async def _waits(surface: Surface, count: int) -> None:
    """That many open waits, each opened a millisecond after the one before."""
    found: list[Document] = []
    for number in range(count):
        waiter = Waiter(
            task_id=f"t{number:04}",
            workflow_id=f"x{number}",
            run=1,
            task_ref="review",
            iteration=0,
            opened_at=T0 - 10_000 + number,
            execution_started_at=T0 - 20_000,
            wait=Wait("flow", 1, paths=("$.n",), values=("8",)),
        )
        fields = {
            "keys": [],
            "workflow": "flow",
            "state": "open",
            "workflow_id": waiter.workflow_id,
            "opened_at": waiter.opened_at,
        }
        found.append(Document(waiter.task_id, msgspec.json.encode(waiter), fields))
    assert not await surface.documents.insert(WAITERS, found)


async def test_a_webhook_that_is_as_it_was(surface: Surface) -> None:
    hook = await _webhook(surface)
    surface.clock.ms += 1000
    await _event(surface, hook)
    found = await _explained(surface)
    assert found["webhook"] == "present"
    assert [one["workflow"] for one in found["receivers"]] == ["flow"]
    assert not found["receivers"][0]["defined"]
    assert not any("webhook was" in sentence for sentence in found["summary"])


async def test_a_webhook_that_was_changed_since(surface: Surface) -> None:
    hook = await _webhook(surface)
    surface.clock.ms += 1000
    await _event(surface, hook)
    surface.clock.ms += 1000
    changed = {**WEBHOOK, "receiverWorkflowNamesToVersions": {"other": 2}}
    await surface.call("PUT", f"/api/metadata/webhook/{hook.id}", changed)
    found = await _explained(surface)
    assert found["webhook"] == "changed"
    assert "those of today" in found["summary"][-1]
    assert [(one["workflow"], one["version"]) for one in found["receivers"]] == [("other", 2)]


async def test_a_webhook_that_is_gone(surface: Surface) -> None:
    hook = await _webhook(surface)
    await _event(surface, hook)
    await surface.call("DELETE", f"/api/metadata/webhook/{hook.id}")
    found = await _explained(surface)
    assert found["webhook"] == "deleted"
    assert "deleted since" in found["summary"][-1]
    assert (found["receivers"], found["startRules"]) == ([], [])


async def test_a_webhook_that_took_the_place_of_the_events_own(surface: Surface) -> None:
    hook = await _webhook(surface)
    await _event(surface, hook, incarnation=hook.incarnation - 1)
    found = await _explained(surface)
    assert found["webhook"] == "replaced"
    assert "made anew" in found["summary"][-1]


async def test_of_many_waits_the_newest_are_examined_and_the_nearest_shown(
    surface: Surface,
) -> None:
    hook = await _webhook(surface)
    await _event(surface, hook)
    await _waits(surface, MOST_WAITS_EXAMINED + 5)
    (receiver,) = (await _explained(surface))["receivers"]
    assert receiver["openWaits"] == MOST_WAITS_EXAMINED + 5
    assert receiver["examined"] == MOST_WAITS_EXAMINED
    shown = [one["taskId"] for one in receiver["waits"]]
    newest = MOST_WAITS_EXAMINED + 4
    assert shown == [f"t{number:04}" for number in range(newest, newest - MOST_WAITS_SHOWN, -1)]
