"""Several engines on one store, and several callers of one engine."""

import asyncio
from pathlib import Path
from typing import Any

from hookline_common.clock import SystemClock
from tests.engine.engine_world import engine_on, node, open_world, simple
from tests.engine.rest_surface import open_stores


async def test_two_engines_race_for_tasks_and_each_is_handed_out_once(tmp_path: Path) -> None:
    async with (
        open_stores(tmp_path, SystemClock()) as (log, documents),
        engine_on(log, documents) as one,
        engine_on(log, documents) as other,
    ):
        await one.define("many", simple("work"))
        ids = [await one.start("many") for _ in range(10)]
        tasks: list[Any] = []
        while len(tasks) < len(ids):
            polls = [world.poll("work") for world in (one, other, one, other)]
            tasks += [task for task in await asyncio.gather(*polls) if task is not None]
        assert len({task["taskId"] for task in tasks}) == len(tasks) == len(ids)
        await asyncio.gather(*(world.finish(task) for task in tasks for world in (one, other)))
        for workflow_id in ids:
            assert (await other.workflow(workflow_id))["status"] == "COMPLETED"


async def test_two_engines_that_change_one_execution_lose_nothing(tmp_path: Path) -> None:
    async with (
        open_stores(tmp_path, SystemClock()) as (log, documents),
        engine_on(log, documents) as one,
        engine_on(log, documents) as other,
    ):
        await one.define("shared", node("WAIT", "pause"))
        workflow_id = await one.start("shared")
        path = f"/workflow/{workflow_id}/variables"
        await asyncio.gather(
            *(
                world.call("POST", path, {f"{name}{n}": n})
                for n in range(10)
                for name, world in (("a", one), ("b", other))
            )
        )
        assert len((await one.workflow(workflow_id))["variables"]) == 20


async def test_results_that_come_at_once_are_all_applied(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        branches = [[simple(f"work{n}")] for n in range(8)]
        join = node("JOIN", "join", joinOn=[f"work{n}" for n in range(8)])
        await world.define("fork", node("FORK_JOIN", "fork", forkTasks=branches), join)
        workflow_id = await world.start("fork")
        tasks = [await world.poll(f"work{n}") for n in range(8)]
        await asyncio.gather(*(world.finish(task, n=1) for task in tasks))
        assert (await world.workflow(workflow_id))["status"] == "COMPLETED"


async def test_an_idempotency_key_starts_one_execution(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("once", simple("work"))
        body = {
            "name": "once",
            "idempotencyKey": "k",
            "idempotencyStrategy": "RETURN_EXISTING",
        }
        ids = await asyncio.gather(*(world.call("POST", "/workflow", body) for _ in range(5)))
        assert len(set(ids)) == 1
        assert await world.refused(
            "POST", "/workflow", {**body, "idempotencyStrategy": "FAIL"}
        ) == (
            409,
            "idempotency_key_used",
        )
        on_running = {**body, "idempotencyStrategy": "FAIL_ON_RUNNING"}
        assert (await world.refused("POST", "/workflow", on_running))[0] == 409
        await world.finish(await world.poll("work"))
        second = await world.call("POST", "/workflow", on_running)
        assert second != ids[0]
        assert (await world.refused("POST", "/workflow", on_running))[0] == 409


async def test_engines_claim_one_key_between_them(tmp_path: Path) -> None:
    async with (
        open_stores(tmp_path, SystemClock()) as (log, documents),
        engine_on(log, documents) as one,
        engine_on(log, documents) as other,
    ):
        await one.define("once", simple("work"))
        body = {
            "name": "once",
            "idempotencyKey": "k",
            "idempotencyStrategy": "RETURN_EXISTING",
        }
        calls = [world.call("POST", "/workflow", body) for world in (one, other) * 3]
        assert len(set(await asyncio.gather(*calls))) == 1
        assert await one.call("GET", "/tasks/queue/sizes", taskType="work") == {"work": 1}
