"""concurrentExecLimit: so many tasks of a type in progress at once, whoever polls (D35, D36)."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from hookline_common.clock import SystemClock
from hookline_engine.core.commands import HandOut
from hookline_engine.drafts import Order
from tests.engine.engine_world import World, engine_on, eventually, open_world, simple
from tests.engine.faulty_stores import FaultyDocuments
from tests.engine.limits_world import (
    batch,
    clocked_stores,
    clocked_world,
    limit_tasks,
    look_again,
    next_task,
    none_comes,
)
from tests.engine.rest_surface import HandMovedClock, open_stores
from tests.engine.test_shell_http_tasks import http, listening


async def started(world: World, count: int) -> list[str]:
    """As many executions, each with one task."""
    return [await world.start("flow") for _ in range(count)]


async def started_in_turn(world: World, clock: HandMovedClock, count: int) -> list[str]:
    """As `started`, each a millisecond after the one before."""
    ids: list[str] = []
    for _ in range(count):
        ids.append(await world.start("flow"))
        clock.ms += 1
    return ids


async def test_no_more_than_the_limit_are_handed_out_over_polls_and_batches(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path) as world:
        await limit_tasks(world, concurrentExecLimit=2)
        await world.define("flow", simple("work"))
        await started(world, 5)
        first = await batch(world, 5)
        assert len(first) == 2
        assert await world.poll("work") is None
        assert await none_comes(world)
        assert await world.call("GET", "/tasks/queue/sizes", taskType="work") == {"work": 3}
        await world.finish(first[0])
        third = await next_task(world)
        assert await none_comes(world)
        for task in (first[1], third):
            await world.finish(task)
        rest = [await next_task(world) for _ in range(2)]
        assert len({task["taskId"] for task in (*first, third, *rest)}) == 5


async def test_the_oldest_comes_next_and_a_higher_priority_first(tmp_path: Path) -> None:
    async with clocked_world(tmp_path) as (world, clock):
        await limit_tasks(world, concurrentExecLimit=1)
        await world.define("flow", simple("work"))
        ids = await started_in_turn(world, clock, 4)
        task = await next_task(world)
        assert await none_comes(world)  # the others are hidden now
        late = await world.start("flow")
        urgent = await world.start("flow", priority=50)
        assert await none_comes(world)
        order = [task["workflowInstanceId"]]
        while len(order) < 6:
            await world.finish(task)
            task = await next_task(world)
            order.append(task["workflowInstanceId"])
        assert order == [ids[0], urgent, *ids[1:], late]


async def test_two_engines_on_one_store_keep_one_limit(tmp_path: Path) -> None:
    async with (
        open_stores(tmp_path, SystemClock()) as (log, documents),
        engine_on(log, documents) as one,
        engine_on(log, documents) as other,
    ):
        await limit_tasks(one, concurrentExecLimit=3)
        await one.define("flow", simple("work"))
        ids = await started(one, 12)
        in_progress: list[Any] = []
        done = 0
        while done < len(ids):
            polls = [batch(world, 2) for world in (one, other, one, other)]
            in_progress += [task for found in await asyncio.gather(*polls) for task in found]
            assert len(in_progress) <= 3
            if in_progress:
                await other.finish(in_progress.pop(0))
                done += 1
        for workflow_id in ids:
            assert (await other.workflow(workflow_id))["status"] == "COMPLETED"


async def _completed(world: World, task: Any) -> None:
    await world.finish(task)


async def _failed(world: World, task: Any) -> None:
    await world.finish(task, "FAILED")


async def _put_off(world: World, task: Any) -> None:
    body = {
        "taskId": task["taskId"],
        "workflowInstanceId": task["workflowInstanceId"],
        "status": "IN_PROGRESS",
        "callbackAfterSeconds": 3600,
    }
    await world.call("POST", "/tasks", body)


async def _terminated(world: World, task: Any) -> None:
    await world.call("DELETE", f"/workflow/{task['workflowInstanceId']}")


async def _removed(world: World, task: Any) -> None:
    await world.call("DELETE", f"/workflow/{task['workflowInstanceId']}/remove")


async def _timed_out(_: World, __: Any) -> None:
    """The worker says nothing for longer than responseTimeoutSeconds."""


@pytest.mark.parametrize("ends", [_completed, _failed, _put_off, _terminated, _removed, _timed_out])
async def test_however_a_task_leaves_its_worker_the_next_one_gets_the_place(
    tmp_path: Path, ends: Callable[[World, Any], Awaitable[None]]
) -> None:
    async with open_world(tmp_path) as world:
        timeout = 1 if ends is _timed_out else 600
        await limit_tasks(world, concurrentExecLimit=1, responseTimeoutSeconds=timeout)
        await world.define("flow", simple("work"))
        await started(world, 2)
        task = await next_task(world)
        if ends is not _timed_out:
            assert await none_comes(world)
        await ends(world, task)
        assert (await next_task(world))["taskId"] != task["taskId"]


async def test_a_second_attempt_needs_a_place_of_its_own(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await limit_tasks(world, concurrentExecLimit=1, retryCount=1, retryDelaySeconds=0)
        await world.define("flow", simple("work"))
        await started(world, 2)
        task = await next_task(world)
        assert await none_comes(world)
        await world.finish(task, "FAILED")
        seen = {(await next_task(world))["taskId"]}
        assert await none_comes(world)
        assert task["taskId"] not in seen


async def test_a_raised_limit_lets_in_who_is_hidden(tmp_path: Path) -> None:
    """Executions keep their definitions, but limits are read as they are now (D36)."""
    async with open_world(tmp_path) as world:
        await limit_tasks(world, concurrentExecLimit=1)
        await world.define("flow", simple("work"))
        await started(world, 5)
        await next_task(world)
        assert await none_comes(world)
        await limit_tasks(world, concurrentExecLimit=3)
        for _ in range(2):
            await next_task(world)
        assert await none_comes(world)
        await world.call("DELETE", "/metadata/taskdefs/work")
        for _ in range(2):
            await next_task(world)


async def test_a_limit_raised_through_another_engine_is_found(tmp_path: Path) -> None:
    async with (
        clocked_stores(tmp_path) as (log, documents, clock),
        engine_on(log, documents, clock) as one,
    ):
        await limit_tasks(one, concurrentExecLimit=1)
        await one.define("flow", simple("work"))
        await started(one, 2)
        await next_task(one)
        assert await none_comes(one)
        async with engine_on(log, documents, clock) as other:
            await limit_tasks(other, concurrentExecLimit=2)
        clock.ms += 5_000
        look_again(one)
        await next_task(one)


async def test_a_limit_holds_for_calls_that_the_engine_makes_itself(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world, listening() as server:
        await limit_tasks(world, "call", concurrentExecLimit=2)
        await world.define("flow", http(server.port))
        server.held.clear()
        ids = await started(world, 5)

        async def others_are_hidden() -> bool:
            return len(server.requests) == 2 and await _hidden(world, "@HTTP") == 3

        await eventually(others_are_hidden)
        server.held.set()
        for workflow_id in ids:
            await world.until_status(workflow_id, "COMPLETED")
        assert len(server.requests) == 5


async def _hidden(world: World, queue: str) -> int:
    """How many tasks of the queue stand in line for a place."""
    entries = await world.shell.queue.sizes()
    free = await world.shell.queue.claim(queue, 50, "a look", lease_ms=0)
    return entries.get(queue.removeprefix("@"), 0) - len(free) - 2  # two are held by their calls


async def test_a_place_that_was_freed_before_a_crash_is_given_on_after_it(tmp_path: Path) -> None:
    async with open_stores(tmp_path, SystemClock()) as (log, documents):
        faulty: Any = FaultyDocuments(documents)
        async with engine_on(log, faulty) as world:
            await limit_tasks(world, concurrentExecLimit=1)
            await world.define("flow", simple("work"))
            await started(world, 2)
            task = await next_task(world)
            assert await none_comes(world)
            # The place is free, and the store is gone before the next entry is shown.
            faulty.fails = lambda method, name: (method, name) == ("replace", "task_queue")
            body = {
                "taskId": task["taskId"],
                "workflowInstanceId": task["workflowInstanceId"],
                "status": "COMPLETED",
            }
            answer = await world.http.post("/api/tasks", json=body)
            assert answer.status_code == 503
        async with engine_on(log, documents) as world:
            assert (await next_task(world))["taskId"] != task["taskId"]


async def test_a_poll_that_was_cut_off_takes_no_second_place(tmp_path: Path) -> None:
    """Its entry comes back when the lease ends, and has its place still."""
    async with clocked_stores(tmp_path) as (log, documents, clock):
        faulty: Any = FaultyDocuments(documents)
        async with engine_on(log, faulty, clock) as world:
            await limit_tasks(world, concurrentExecLimit=1)
            await world.define("flow", simple("work"))
            first, _ = await started_in_turn(world, clock, 2)
            faulty.fails = lambda method, name: (method, name) == ("replace", "executions")
            assert (await world.http.get("/api/tasks/poll/work")).status_code == 503
            faulty.fails = lambda _method, _name: False
            assert await none_comes(world)
            clock.ms += 10_000
            assert (await next_task(world))["workflowInstanceId"] == first
            assert await none_comes(world)


async def test_an_entry_that_outlived_its_task_gives_its_place_back(tmp_path: Path) -> None:
    async with clocked_stores(tmp_path) as (log, documents, clock):
        faulty: Any = FaultyDocuments(documents)
        async with engine_on(log, faulty, clock) as world:
            await limit_tasks(world, concurrentExecLimit=1)
            await world.define("flow", simple("work"))
            first, second = await started_in_turn(world, clock, 2)
            faulty.fails = lambda method, name: (method, name) == ("delete", "task_queue")
            assert (await world.http.delete(f"/api/workflow/{first}")).status_code == 503
            faulty.fails = lambda _method, _name: False
            assert (await next_task(world))["workflowInstanceId"] == second


async def test_an_entry_that_outlived_its_hand_off_keeps_the_place(tmp_path: Path) -> None:
    async with clocked_stores(tmp_path) as (log, documents, clock):
        faulty: Any = FaultyDocuments(documents)
        async with engine_on(log, faulty, clock) as world:
            await limit_tasks(world, concurrentExecLimit=1)
            await world.define("flow", simple("work"))
            first, second = await started_in_turn(world, clock, 2)
            faulty.fails = lambda method, name: (method, name) == ("delete", "task_queue")
            assert (await world.http.get("/api/tasks/poll/work")).status_code == 503
            faulty.fails = lambda _method, _name: False
            (task,) = (await world.workflow(first))["tasks"]
            assert task["status"] == "IN_PROGRESS"
            clock.ms += 10_000
            assert await none_comes(world)
            await world.finish(task)
            assert (await next_task(world))["workflowInstanceId"] == second


async def test_a_place_whose_task_ended_before_its_hand_off_was_saved_is_found(
    tmp_path: Path,
) -> None:
    async with clocked_stores(tmp_path) as (log, documents, clock):
        faulty: Any = FaultyDocuments(documents)
        async with engine_on(log, faulty, clock) as world:
            await limit_tasks(world, concurrentExecLimit=1)
            await world.define("flow", simple("work"))
            first, second = await started_in_turn(world, clock, 2)
            faulty.fails = lambda method, name: (method, name) == ("replace", "executions")
            assert (await world.http.get("/api/tasks/poll/work")).status_code == 503
            faulty.fails = lambda _method, _name: False
            await world.call("DELETE", f"/workflow/{first}")
            assert await none_comes(world)
            clock.ms += 30_000
            look_again(world)
            assert (await next_task(world))["workflowInstanceId"] == second


async def test_a_hand_off_that_hangs_too_long_comes_too_late(tmp_path: Path) -> None:
    """Its place goes to others, so it must not be saved any more."""
    async with clocked_stores(tmp_path) as (log, documents, clock):
        faulty: Any = FaultyDocuments(documents)
        async with engine_on(log, faulty, clock) as world:
            await limit_tasks(world, concurrentExecLimit=1)
            await world.define("flow", simple("work"))
            first, _ = await started_in_turn(world, clock, 2)
            task_id = (await world.workflow(first))["tasks"][0]["taskId"]
            faulty.fails = lambda method, name: (method, name) == ("replace", "executions")
            assert (await world.http.get("/api/tasks/poll/work")).status_code == 503
            faulty.fails = lambda _method, _name: False
            assert await none_comes(world)
            clock.ms += 30_000
            look_again(world)

            async def is_void() -> bool:
                head = await world.shell.store.head(first)
                assert head is not None
                return head.tasks["work"].hand_off == 2

            await eventually(is_void)
            late = HandOut(task_id, 1, "late", slotted=True)
            (result,) = await world.shell.executions.apply([Order(first, late)])
            assert getattr(result, "refusal", None) is not None
            for _ in range(2):
                task = await next_task(world)
                assert await none_comes(world)
                await world.finish(task)
