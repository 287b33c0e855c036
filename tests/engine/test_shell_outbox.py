"""State changes and their effects cannot come apart (invariant 7, G2)."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hookline_common import topics
from hookline_common.clock import SystemClock
from hookline_common.collections import EXECUTIONS
from hookline_common.documents import Condition, Documents, Op, Query
from hookline_common.eventlog import EventLog
from hookline_common.messages import WAITS_CODEC, WaitOpened
from tests.engine.engine_world import engine_on, eventually, node, simple
from tests.engine.faulty_stores import FaultyDocuments, FaultyLog
from tests.engine.rest_surface import open_stores

WAITING = node("WAIT_FOR_WEBHOOK", "hook", inputParameters={"matches": {"$.a": "1"}})


async def test_a_log_that_cannot_take_effects_fails_no_call_and_gets_them_later(
    tmp_path: Path,
) -> None:
    async with open_stores(tmp_path, SystemClock()) as (log, documents):
        faulty: Any = FaultyLog(log)
        async with engine_on(faulty, documents) as world:
            await world.define("waits", WAITING)
            faulty.broken = True
            workflow_id = await world.start("waits")
            assert await _opened(log) == []
            assert await _pending(documents) == [workflow_id]
            faulty.broken = False
            await eventually(lambda: _has_opened(log, workflow_id))  # the sweep comes by itself
            await eventually(lambda: _nothing_pending(documents))


@pytest.mark.parametrize(
    "step",
    [("insert", "task_queue"), ("insert", "bodies"), ("insert", "executions")],
)
async def test_a_crash_at_a_step_of_a_start_leaves_nothing_half_done(
    tmp_path: Path, step: tuple[str, str]
) -> None:
    async with open_stores(tmp_path, SystemClock()) as (log, documents):
        faulty: Any = FaultyDocuments(documents)
        async with engine_on(log, faulty) as world:
            await world.define("steps", simple("one"))
            faulty.fails = lambda *at: at == step
            answer = await world.http.post("/api/workflow", json={"name": "steps"})
            assert answer.status_code == 503
            assert answer.json()["retryable"] is True
        started = await _all(documents)
        async with engine_on(log, documents) as world:
            if not started:  # the state was not saved, and nothing else is there
                assert await world.poll("one") is None
                return
            async with asyncio.timeout(10):  # it was saved, and a new engine does the rest
                while (task := await world.poll("one")) is None:
                    pass
            await world.finish(task)
            assert (await world.workflow(started[0]))["status"] == "COMPLETED"


async def test_a_store_that_cannot_take_an_entry_gets_it_later_without_a_restart(
    tmp_path: Path,
) -> None:
    async with open_stores(tmp_path, SystemClock()) as (log, documents):
        faulty: Any = FaultyDocuments(documents)
        async with engine_on(log, faulty) as world:
            await world.define("steps", simple("one"))
            faulty.fails = lambda *at: at == ("insert", "task_queue")
            assert (
                await world.http.post("/api/workflow", json={"name": "steps"})
            ).status_code == 503
            faulty.fails = lambda *_: False
            (task,) = await world.call("GET", "/tasks/poll/batch/one", timeout=5000)
            await world.finish(task)
            assert (await world.workflow(task["workflowInstanceId"]))["status"] == "COMPLETED"


async def test_a_crash_between_save_and_clear_repeats_effects_harmlessly(tmp_path: Path) -> None:
    async with open_stores(tmp_path, SystemClock()) as (log, documents):
        faulty: Any = FaultyDocuments(documents)
        async with engine_on(log, faulty) as world:
            await world.define("steps", simple("one"))
            # The first replace of the head clears its outbox.
            faulty.fails = lambda *at: at == ("replace", "executions")
            await world.http.post("/api/workflow", json={"name": "steps"})
        (workflow_id,) = await _pending(documents)
        async with engine_on(log, documents) as world:
            await eventually(lambda: _nothing_pending(documents))
            await world.finish(await world.poll("one"))
            assert await world.poll("one") is None
            shown = await world.workflow(workflow_id)
            assert shown["status"] == "COMPLETED"
            assert len(shown["tasks"]) == 1


async def test_a_lost_reply_to_a_hand_off_gives_the_task_to_nobody_else(tmp_path: Path) -> None:
    async with open_stores(tmp_path, SystemClock()) as (log, documents):
        faulty: Any = FaultyDocuments(documents)
        async with engine_on(log, faulty) as world:
            await world.define("steps", simple("one"))
            workflow_id = await world.start("steps")
            faulty.after = lambda *at: at == ("replace", "executions")
            assert (await world.http.get("/api/tasks/poll/one")).status_code == 503
            faulty.after = lambda *_: False
            assert await world.poll("one") is None
            task = (await world.workflow(workflow_id))["tasks"][0]
            assert task["status"] == "IN_PROGRESS"  # guarded by its response timeout
            assert task["pollCount"] == 1


async def _pending(documents: Documents) -> list[str]:
    """Executions whose outbox is not empty."""
    page = await documents.find(EXECUTIONS, Query(Condition("outbox_since", Op.GT, 0)))
    return [document.id for document in page.documents]


async def _nothing_pending(documents: Documents) -> bool:
    return not await _pending(documents)


async def _has_opened(log: EventLog, workflow_id: str) -> bool:
    return await _opened(log) == [workflow_id]


async def _all(documents: Documents) -> list[str]:
    return [document.id for document in (await documents.find(EXECUTIONS, Query())).documents]


async def _opened(log: EventLog) -> list[str]:
    """Executions that have opened a wait, each once however often it was said."""
    found: dict[str, None] = {}
    for partition in range(await log.partitions(topics.WAITS.name)):
        for delivered in await log.read(topics.WAITS.name, partition, 0, 100):
            message = WAITS_CODEC.decode(delivered.record.value)
            if isinstance(message, WaitOpened):
                found[message.workflow_id] = None
    return list(found)
