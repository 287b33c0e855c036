"""The configuration view: folding by incarnation and revision, freshness, bad records."""

import asyncio

import pytest

from hookline_common.config_view import ConfigView
from hookline_common.errors import LogUnavailable
from hookline_common.eventlog import Record
from hookline_common.messages import CONFIG_CODEC
from hookline_common.webhooks import WebhookConfig, WebhookDeleted, WorkflowPlans
from tests.memory_log import MemoryLog
from tests.saved_webhooks import config_record, new_sealer, saved

SEALER = new_sealer()


class At:
    def __init__(self) -> None:
        self.log = MemoryLog()
        self.view = ConfigView(self.log)

    async def put(self, *records: Record) -> None:
        await self.log.append(records)

    async def names(self) -> list[tuple[int, int]]:
        await self.view.refresh()
        found = self.view.webhook("w1")
        return [] if found is None else [(found.incarnation, found.revision)]


def version(incarnation: int, revision: int) -> Record:
    return config_record(saved(SEALER, "github", incarnation=incarnation, revision=revision))


def plans(revision: int, *paths: tuple[str, ...]) -> Record:
    record = WorkflowPlans("wf", 1, revision, paths)
    return Record("webhooks.config", "plans:wf:1", CONFIG_CODEC.encode(record))


async def test_the_newest_record_counts_whatever_the_order() -> None:
    """Accident prevented: a late write brings a revoked secret back (D1)."""
    at = At()
    await at.put(version(1, 3), version(1, 2))
    assert await at.names() == [(1, 3)]
    await at.put(version(2, 4), version(1, 9))
    assert await at.names() == [(2, 4)]


async def test_a_late_write_does_not_undo_a_deletion() -> None:
    at = At()
    await at.put(version(1, 1), config_record(WebhookDeleted("w1", 1, 2, 0)), version(1, 1))
    await at.view.refresh()
    assert isinstance(at.view.webhook("w1"), WebhookDeleted)
    await at.put(version(2, 3))
    await at.view.refresh()
    assert isinstance(at.view.webhook("w1"), WebhookConfig)


async def test_a_tombstone_forgets() -> None:
    at = At()
    await at.put(version(1, 1), Record("webhooks.config", "w1", None))
    assert await at.names() == []


async def test_plans_are_kept_by_definition_and_revision() -> None:
    at = At()
    await at.put(plans(2, ("$.a",)), plans(1, ("$.old",)))
    await at.view.refresh()
    assert [plan.paths for plan in at.view.plans()] == [(("$.a",),)]
    await at.put(Record("webhooks.config", "plans:wf:1", None))
    await at.view.refresh()
    assert at.view.plans() == ()


async def test_a_record_that_cannot_be_read_stops_nothing() -> None:
    at = At()
    await at.put(version(1, 1), Record("webhooks.config", "w2", b"{"), version(1, 2))
    assert await at.names() == [(1, 2)]
    assert any("w2" in problem for problem in at.view.problems())
    await at.put(config_record(saved(SEALER, "github", webhook_id="w2")))
    await at.view.refresh()
    assert at.view.problems() == []
    assert at.view.webhook("w2") is not None


async def test_what_was_acknowledged_before_a_refresh_is_in_it() -> None:
    """A read under way may have asked for the end too early for a caller that came later."""
    at = At()
    first = asyncio.create_task(at.view.refresh())
    await asyncio.sleep(0)
    await at.put(version(1, 1))
    second = asyncio.create_task(at.view.refresh())
    await second
    assert at.view.webhook("w1") is not None
    await first


async def test_refreshes_that_come_together_share_one_read() -> None:
    at = At()
    await at.view.refresh()
    begun = at.view._begun
    await asyncio.gather(*(at.view.refresh() for _ in range(100)))
    assert at.view._begun - begun <= 2


async def test_a_log_that_cannot_answer_is_said() -> None:
    at = At()
    await at.put(version(1, 1))
    assert not at.view.known
    at.log.failing = LogUnavailable()
    with pytest.raises(LogUnavailable):
        await at.view.refresh()
    assert not at.view.known
    at.log.failing = None
    assert await at.names() == [(1, 1)]
    assert at.view.known
