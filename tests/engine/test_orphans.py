"""Bodies that no head names go after an hour, and no others (protocols.md G1)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from hookline_common.collections import BODIES, SWEEPS, TASK_PAGES
from hookline_common.documents import All, Condition, Document, Op, Query
from hookline_engine.core.decisions import NewBody
from hookline_engine.core.model import Head
from hookline_engine.execution_store import LONGEST_SAVE_MS, Change, ExecutionStore
from hookline_engine.orphans import KEPT_MS
from tests.engine.engine_world import World, engine_on, node, simple
from tests.engine.faulty_stores import FaultyDocuments
from tests.engine.rest_surface import HandMovedClock, open_stores


@asynccontextmanager
async def world_and_clock(folder: Path) -> AsyncIterator[tuple[World, HandMovedClock]]:
    clock = HandMovedClock()
    async with (
        open_stores(folder, clock) as (log, documents),
        engine_on(log, documents, clock) as world,
    ):
        yield world, clock


async def body_ids(world: World, workflow_id: str) -> set[str]:
    where = Condition("workflow_id", Op.EQ, workflow_id)
    page = await world.documents.find(BODIES, Query(where, limit=10_000))
    return {one.id for one in page.documents}


async def lose(world: World, workflow_id: str) -> str:
    """A save that loses the compare-and-set; the id of the body that it leaves behind."""
    stored = (await world.shell.store.heads([workflow_id]))[workflow_id]
    body = NewBody(f"{workflow_id}-loser:out:1", {"lost": True})
    stale = Change(stored.head, stored.rev + 7, None, bodies=(body,))
    assert await world.shell.store.save([stale]) == {workflow_id}
    return body.id


async def test_what_a_save_that_lost_left_behind_goes_after_an_hour(tmp_path: Path) -> None:
    async with world_and_clock(tmp_path) as (world, clock):
        await world.define("flow", simple("work"), outputParameters={"r": "${work.output.r}"})
        workflow_id = await world.start("flow", {"order": 7})
        await world.call("POST", f"/workflow/{workflow_id}/variables", {"v": 1})
        alive = await body_ids(world, workflow_id)
        orphan = await lose(world, workflow_id)
        clock.ms += KEPT_MS - 1
        assert await world.shell.sweeps.once() == 0
        assert orphan in await body_ids(world, workflow_id)
        clock.ms += 2
        assert await world.shell.sweeps.once() == 1
        assert await body_ids(world, workflow_id) == alive
        await world.finish(await world.poll("work"), r=1)
        shown = await world.workflow(workflow_id)
        assert (shown["status"], shown["input"], shown["output"]) == (
            "COMPLETED",
            {"order": 7},
            {"r": 1},
        )


async def test_bodies_whose_head_was_never_written_go(tmp_path: Path) -> None:
    """As a crash between the two leaves them: of a start, and of a later step."""
    clock = HandMovedClock()
    async with open_stores(tmp_path, clock) as (log, stores):
        documents = FaultyDocuments(stores)
        async with engine_on(log, documents, clock) as world:
            await world.define("flow", simple("work"))
            workflow_id = await world.start("flow")
            task = await world.poll("work")
            before = await everything(world)
            documents.fails = lambda _method, collection: collection == "executions"
            start = {"name": "flow", "input": {"a": 1}}
            await world.refused("POST", "/workflow", start)
            result = {
                "taskId": task["taskId"],
                "workflowInstanceId": workflow_id,
                "status": "COMPLETED",
            }
            await world.refused("POST", "/tasks", result | {"outputData": {"b": 2}})
            documents.fails = lambda _method, _collection: False
            left = await everything(world) - before
            assert len(left) >= 2
            clock.ms += KEPT_MS + 1
            assert await world.shell.sweeps.once() == len(left)
            assert await everything(world) == before
            await world.finish(task, b=2)
            assert (await world.workflow(workflow_id))["output"] == {"b": 2}


async def everything(world: World) -> set[str]:
    page = await world.documents.find(BODIES, Query(All(), limit=10_000))
    return {one.id for one in page.documents}


async def test_a_writer_that_was_frozen_for_an_hour_names_nothing_that_is_gone(
    tmp_path: Path,
) -> None:
    """It read a head that nobody has changed since, and has written its bodies."""
    async with world_and_clock(tmp_path) as (world, clock):
        await world.define("parked", node("WAIT", "pause"))
        workflow_id = await world.start("parked")
        read = (await world.shell.store.heads([workflow_id]))[workflow_id]
        body = NewBody(f"{workflow_id}:out:frozen", {"late": 1})
        fields = {"workflow_id": workflow_id, "created_at": clock.ms}
        await world.documents.insert(BODIES, [Document(body.id, b'{"late":1}', fields)])
        clock.ms += KEPT_MS + 1
        assert await world.shell.sweeps.once() == 1
        thawed = msgspec.structs.replace(read.head, output=body.id)
        assert await world.shell.store.save([Change(thawed, read.rev, None)]) == {workflow_id}
        await world.call("POST", f"/tasks/{workflow_id}/COMPLETED/signal", {})
        assert (await world.workflow(workflow_id))["status"] == "COMPLETED"


class JumpingClock:
    """Each look at it is later than a save may take."""

    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def now_ms(self) -> int:
        self.ms += LONGEST_SAVE_MS + 1
        return self.ms


async def test_a_save_that_took_too_long_writes_no_head(tmp_path: Path) -> None:
    """Not even a new one, which no revision would refuse."""
    async with open_stores(tmp_path) as (_, documents):
        store = ExecutionStore(documents, JumpingClock())
        head = Head("w1", "flow", 1, "")
        assert await store.save([Change(head, 0, None)]) == {"w1"}
        assert await store.heads(["w1"]) == {}


async def test_what_pages_and_sub_workflows_name_stays(tmp_path: Path) -> None:
    async with world_and_clock(tmp_path) as (world, clock):
        step = node("SET_VARIABLE", "step", inputParameters={"n": "${loop.output.iteration}"})
        loop = node("DO_WHILE", "loop", loopCondition="$.loop.iteration < 600;", loopOver=[step])
        await world.define("long", loop, node("WAIT", "pause"))
        await world.define("inner", simple("work"), outputParameters={"r": "${work.output.r}"})
        parameters = {"given": {"deep": [1]}}
        child = node(
            "SUB_WORKFLOW",
            "child",
            subWorkflowParam={"name": "inner"},
            inputParameters=parameters,
        )
        await world.define("outer", child, outputParameters={"r": "${child.output.r}"})
        long = await world.start("long")
        outer = await world.start("outer")
        await world.until_shown(long, lambda shown: len(shown["tasks"]) == 602)
        (task,) = await world.call("GET", "/tasks/poll/batch/work", timeout=5000)
        pages = await world.documents.count(TASK_PAGES)
        assert pages > 0
        before = [await world.workflow(long), await world.workflow(outer)]
        orphan = await lose(world, long)
        clock.ms += KEPT_MS + 1
        # Beside it there are outputs of the loop that newer ones have taken the place of.
        assert await world.shell.sweeps.once() == 3
        assert orphan not in await body_ids(world, long)
        assert await world.documents.count(TASK_PAGES) == pages
        after = [await world.workflow(long), await world.workflow(outer)]
        assert _inputs(before) == _inputs(after)
        await world.finish(task, r=5)
        assert (await world.until_status(outer, "COMPLETED"))["output"] == {"r": 5}


def _inputs(shown: Sequence[dict[str, Any]]) -> list[list[Any]]:
    return [[(task["inputData"], task["outputData"]) for task in one["tasks"]] for one in shown]


async def test_one_engine_sweeps_at_a_time_and_another_goes_on_where_it_ended(
    tmp_path: Path,
) -> None:
    async with world_and_clock(tmp_path) as (world, clock):
        await world.define("flow", simple("work"))
        workflow_id = await world.start("flow")
        await world.shell.sweeps.once()
        await lose(world, workflow_id)
        clock.ms += KEPT_MS + 1
        for name in ("bodies", "task_pages"):
            mine = Query(Condition("name", Op.EQ, name))
            assert await world.documents.claim(SWEEPS, mine, KEPT_MS, "another engine")
        assert await world.shell.sweeps.once() == 0
        clock.ms += KEPT_MS
        assert await world.shell.sweeps.once() == 1


async def test_what_was_replaced_a_moment_ago_stays_for_those_who_are_reading(
    tmp_path: Path,
) -> None:
    async with world_and_clock(tmp_path) as (world, clock):
        await world.define("flow", node("WAIT", "pause"))
        workflow_id = await world.start("flow")
        orphan = await lose(world, workflow_id)
        clock.ms += KEPT_MS + 1
        await world.call("POST", f"/workflow/{workflow_id}/variables", {"v": 1})
        assert await world.shell.sweeps.once() == 0
        assert orphan in await body_ids(world, workflow_id)
