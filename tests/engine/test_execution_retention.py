"""Executions go some days after their end, and a folder under steady load stops growing."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hookline_common import collections, topics
from hookline_common.adapters.embedded.connections import pragma
from hookline_common.adapters.embedded.documents import EmbeddedDocuments
from hookline_common.adapters.embedded.file import EmbeddedFile
from hookline_common.adapters.embedded.log import EmbeddedLog
from hookline_common.collections import (
    BODIES,
    EXECUTIONS,
    TASK_LOGS,
    TASK_PAGES,
    WEBHOOK_EVENTS,
)
from hookline_common.documents import Collection, Document, Documents, Query
from hookline_common.eventlog import Record, Sync
from hookline_common.topics import DAY_MS, RECEIVED
from hookline_engine.execution_retention import ExecutionRetention
from hookline_engine.start_keys import StartKeys
from tests.engine.engine_world import World, engine_on, node, simple
from tests.engine.rest_surface import HandMovedClock, open_stores

DAYS = 30  # the default of HOOKLINE_EXECUTION_RETENTION


@asynccontextmanager
async def world_and_clock(folder: Path) -> AsyncGenerator[tuple[World, HandMovedClock], None]:
    clock = HandMovedClock()
    async with (
        open_stores(folder, clock) as (log, documents),
        engine_on(log, documents, clock) as world,
    ):
        yield world, clock


async def counts(world: World, *kinds: Collection) -> list[int]:
    return [await world.documents.count(kind) for kind in kinds]


async def finished(world: World, text: str = "") -> str:
    """An execution of the workflow `flow` with a task, its log line, and their bodies."""
    workflow_id = await world.start("flow", {"text": text})
    (task,) = await world.call("GET", "/tasks/poll/batch/work", timeout=5000)
    await world.http.post(f"/api/tasks/{task['taskId']}/log", content="a line")
    await world.finish(task, r=text)
    await world.until_status(workflow_id, "COMPLETED")
    return workflow_id


async def test_an_execution_goes_with_all_it_owns_some_days_after_its_end(tmp_path: Path) -> None:
    async with world_and_clock(tmp_path) as (world, clock):
        await world.define("flow", simple("work"), outputParameters={"r": "${work.output.r}"})
        await world.define("parked", node("WAIT", "pause"))
        waiting = await world.start("parked")
        old = await finished(world)
        clock.ms += DAY_MS
        young = await finished(world)
        await world.shell.executions.close()  # clears the outboxes: their effects are out
        clock.ms += (DAYS - 1) * DAY_MS - 1
        await world.shell.sweeps.once()
        assert (await world.workflow(old))["status"] == "COMPLETED"
        clock.ms += 1
        await world.shell.sweeps.once()
        assert await world.refused("GET", f"/workflow/{old}") == (404, "workflow_not_found")
        assert (await world.workflow(young))["output"] == {"r": ""}
        assert (await world.workflow(waiting))["status"] == "RUNNING"
        kinds = (BODIES, TASK_PAGES, TASK_LOGS)
        for kind in kinds:
            page = await world.documents.find(kind, Query(limit=1000))
            assert [one.id for one in page.documents if old in one.id] == []
        assert await counts(world, EXECUTIONS, TASK_LOGS) == [2, 1]


async def test_a_sub_workflow_stays_as_long_as_its_parent(tmp_path: Path) -> None:
    async with world_and_clock(tmp_path) as (world, clock):
        await world.define("inner", node("SET_VARIABLE", "set", inputParameters={"a": 1}))
        child = node("SUB_WORKFLOW", "child", subWorkflowParam={"name": "inner"})
        await world.define("outer", child, simple("work"))
        outer = await world.start("outer")
        (task,) = await world.call("GET", "/tasks/poll/batch/work", timeout=5000)
        shown = await world.workflow(outer)
        inner = shown["tasks"][0]["subWorkflowId"]
        await world.shell.executions.close()
        clock.ms += DAYS * DAY_MS
        await world.shell.sweeps.once()
        assert (await world.workflow(inner))["status"] == "COMPLETED"
        await world.finish(task)
        await world.until_status(outer, "COMPLETED")
        await world.shell.executions.close()
        clock.ms += DAYS * DAY_MS
        await world.shell.sweeps.once()
        await world.shell.sweeps.once()
        assert await counts(world, EXECUTIONS) == [0]


async def test_one_that_was_restarted_meanwhile_stays(tmp_path: Path) -> None:
    """The accident: what somebody has just retried is deleted while it runs."""
    async with world_and_clock(tmp_path) as (world, clock):
        await world.define("flow", simple("work"))
        workflow_id = await finished(world)
        await world.shell.executions.close()
        clock.ms += DAYS * DAY_MS
        store, keys = world.shell.store, StartKeys(world.documents, world.shell.store, clock)
        retention = ExecutionRetention(restarting(world), store, keys, clock, DAYS)
        assert await retention.sweep() == 0
        assert (await world.workflow(workflow_id))["status"] == "RUNNING"


def restarting(world: World) -> Documents:
    """A store on which every execution is restarted just before it is replaced."""
    real = world.documents

    async def replace(
        collection: Collection, given: Sequence[Document], sync: Sync = Sync.LATER
    ) -> frozenset[str]:
        for document in given:
            await world.call("POST", f"/workflow/{document.id}/restart")
        return await real.replace(collection, given, sync)

    store: Any = SimpleNamespace(find=real.find, get=real.get, replace=replace)
    return store


async def test_several_engines_may_do_it_at_once_and_0_days_is_for_ever(tmp_path: Path) -> None:
    async with world_and_clock(tmp_path) as (world, clock):
        await world.define("flow", simple("work"))
        for _ in range(5):
            await finished(world)
        await world.shell.executions.close()
        clock.ms += 3 * DAYS * DAY_MS
        store, keys = world.shell.store, StartKeys(world.documents, world.shell.store, clock)
        never = ExecutionRetention(world.documents, store, keys, clock, 0)
        assert await never.sweep() == 0
        both = [ExecutionRetention(world.documents, store, keys, clock, DAYS) for _ in range(2)]
        assert sum(await asyncio.gather(*(one.sweep() for one in both))) == 5
        assert await counts(world, EXECUTIONS, TASK_LOGS) == [0, 0]


STEP_DAYS = 5
BYTES = 30_000


async def a_few_days(world: World, file: EmbeddedFile, clock: HandMovedClock) -> int:
    """Load as on any other day, then what is done every minute and every quarter of an hour;
    returns the size of the file in bytes.
    """
    for _ in range(8):
        await finished(world, secrets.token_hex(BYTES // 2))
    events = [secrets.token_bytes(BYTES) for _ in range(8)]
    await world.log.append([Record(RECEIVED.name, secrets.token_hex(8), one) for one in events])
    expiry = clock.ms + 30 * DAY_MS
    records = [Document(secrets.token_hex(8), b'{"a":1}' + b" " * BYTES, {}, 0, expiry)]
    await world.documents.insert(WEBHOOK_EVENTS, records)
    await world.shell.executions.close()
    clock.ms += STEP_DAYS * DAY_MS
    await world.shell.sweeps.once()
    clock.ms += 2 * 3_600_000  # what became an orphan goes too
    await world.shell.sweeps.once()
    await file.tidy()
    return pragma(file.reader, "page_count") * pragma(file.reader, "page_size")


async def test_a_folder_under_steady_load_stops_growing(tmp_path: Path) -> None:
    clock = HandMovedClock()
    file = EmbeddedFile(tmp_path / "hookline.db", clock, 2)
    log, documents = await EmbeddedLog.open(file), EmbeddedDocuments(file)
    await log.create_topics(topics.CATALOGUE)
    await documents.prepare(collections.ALL)
    async with engine_on(log, documents, clock) as world:
        await world.define("flow", simple("work"))
        first = await a_few_days(world, file, clock)
        sizes = [await a_few_days(world, file, clock) for _ in range(20)]
    await log.close()
    await documents.close()
    full = max(sizes[:8])
    assert full > first + 1_000_000, "the load is too small to show anything"
    assert max(sizes[8:]) <= full * 1.05, sizes
