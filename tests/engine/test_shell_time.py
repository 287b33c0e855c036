"""Timers of executions: due times, retries and timeouts come by themselves."""

import asyncio
from pathlib import Path

from hookline_common.clock import SystemClock
from tests.engine.engine_world import engine_on, node, open_world, simple
from tests.engine.rest_surface import open_stores


async def test_a_wait_ends_when_its_time_has_come(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("naps", node("WAIT", "nap", inputParameters={"duration": "1s"}))
        begun = asyncio.get_running_loop().time()
        workflow_id = await world.start("naps")
        await world.until_status(workflow_id, "COMPLETED")
        assert 0.9 <= asyncio.get_running_loop().time() - begun < 3


async def test_a_timer_outlives_its_engine(tmp_path: Path) -> None:
    async with open_stores(tmp_path, SystemClock()) as (log, documents):
        async with engine_on(log, documents) as world:
            await world.define("naps", node("WAIT", "nap", inputParameters={"duration": "1s"}))
            workflow_id = await world.start("naps")
        async with engine_on(log, documents) as world:
            await world.until_status(workflow_id, "COMPLETED")


async def test_a_worker_that_says_nothing_times_out_and_another_attempt_follows(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path) as world:
        definition = {
            "name": "work",
            "responseTimeoutSeconds": 1,
            "retryCount": 1,
            "retryDelaySeconds": 0,
        }
        await world.call("POST", "/metadata/taskdefs", [definition])
        await world.define("guarded", simple("work"))
        workflow_id = await world.start("guarded")
        first = await world.poll("work")
        await world.until_shown(workflow_id, lambda shown: len(shown["tasks"]) == 2)
        again = await world.call("GET", "/tasks/poll/batch/work", timeout=5000)
        assert again[0]["retriedTaskId"] == first["taskId"]
        await world.finish(first)  # too late: this attempt is over
        assert (await world.workflow(workflow_id))["status"] == "RUNNING"
        await world.finish(again[0])
        assert (await world.workflow(workflow_id))["status"] == "COMPLETED"


async def test_a_task_put_off_is_handed_out_when_it_becomes_visible(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("off", simple("work"))
        await world.start("off")
        task = await world.poll("work")
        body = {
            "taskId": task["taskId"],
            "workflowInstanceId": task["workflowInstanceId"],
            "status": "IN_PROGRESS",
            "callbackAfterSeconds": 1,
        }
        await world.call("POST", "/tasks", body)
        assert await world.poll("work") is None
        (again,) = await world.call("GET", "/tasks/poll/batch/work", timeout=5000)
        assert again["pollCount"] == 2
