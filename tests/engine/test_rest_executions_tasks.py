"""Workers over HTTP: polls, results, domains, leases, logs."""

import asyncio
from pathlib import Path

from tests.engine.engine_world import World, node, open_world, simple


async def test_a_long_poll_is_answered_when_a_task_comes_and_not_later(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("late", simple("work"))
        query = {"timeout": "5000", "count": "3"}
        poll = asyncio.create_task(world.call("GET", "/tasks/poll/batch/work", **query))
        await asyncio.sleep(0)
        begun = asyncio.get_running_loop().time()
        await world.start("late")
        (task,) = await poll
        assert task["referenceTaskName"] == "work"
        assert asyncio.get_running_loop().time() - begun < 2


async def test_a_batch_poll_hands_out_at_most_what_was_asked_for(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("many", simple("work"))
        for _ in range(3):
            await world.start("many")
        first = await world.call("GET", "/tasks/poll/batch/work", count=2, timeout=0)
        second = await world.call("GET", "/tasks/poll/batch/work", count=2, timeout=0)
        assert [len(first), len(second)] == [2, 1]
        assert len({task["taskId"] for task in [*first, *second]}) == 3
        assert await world.refused("GET", "/tasks/poll/batch/work", timeout=6000) == (
            400,
            "invalid_parameter",
        )


async def test_tasks_of_a_higher_priority_are_handed_out_first(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("ranked", simple("work"))
        await world.start("ranked", priority=1)
        urgent = await world.start("ranked", priority=90)
        assert (await world.poll("work"))["workflowInstanceId"] == urgent


async def test_a_result_sent_twice_counts_once(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("once", simple("work"), simple("after"))
        workflow_id = await world.start("once")
        task = await world.poll("work")
        await world.finish(task, n=1)
        await world.finish(task, n=2)
        shown = await world.workflow(workflow_id)
        assert [one["outputData"] for one in shown["tasks"]] == [{"n": 1}, {}]
        assert len(shown["tasks"]) == 2


async def test_update_v2_hands_out_the_next_task_and_never_answers_404(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("pair", simple("work"))
        await world.start("pair")
        await world.start("pair")
        task = await world.poll("work", workerid="w")
        following = await world.call("POST", "/tasks/update-v2", _result(task, workerId="w"))
        assert following["taskId"] != task["taskId"]
        assert following["workerId"] == "w"
        assert await world.call("POST", "/tasks/update-v2", _result(following)) is None
        unknown = {"taskId": "nothing-there", "workflowInstanceId": "nothing", "status": "FAILED"}
        answer = await world.http.post("/api/tasks/update-v2", json=unknown)
        assert answer.status_code == 204
        assert await world.refused("POST", "/tasks", unknown) == (404, "workflow_not_found")
        bad = {"taskId": "x", "workflowInstanceId": "y", "status": "NONSENSE"}
        assert await world.refused("POST", "/tasks/update-v2", bad) == (400, "invalid_status")


async def test_in_progress_puts_the_same_attempt_back(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("again", simple("work"))
        await world.start("again")
        task = await world.poll("work")
        await world.finish(task, "IN_PROGRESS", part=1)
        again = await world.poll("work")
        assert again["taskId"] == task["taskId"]
        assert again["pollCount"] == 2
        assert again["outputData"] == {"part": 1}


async def test_a_lease_extension_moves_the_deadline_and_nothing_else(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("long", simple("work"))
        await world.start("long")
        task = await world.poll("work")
        body = _result(task, status="IN_PROGRESS", extendLease=True, outputData={"x": 1})
        await world.call("POST", "/tasks", body)
        shown = await world.call("GET", f"/tasks/{task['taskId']}")
        assert shown["status"] == "IN_PROGRESS"
        assert shown["outputData"] == {}
        assert shown["pollCount"] == 1
        assert shown["updateTime"] >= task["updateTime"]


async def test_a_failed_task_is_retried_and_a_terminal_error_is_not(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        definition = {"name": "work", "retryCount": 1, "retryDelaySeconds": 0}
        await world.call("POST", "/metadata/taskdefs", [definition])
        await world.define("flaky", simple("work"))
        workflow_id = await world.start("flaky")
        await world.finish(await world.poll("work"), "FAILED")
        second = await world.poll("work")
        assert second["retryCount"] == 1
        await world.finish(second, "FAILED_WITH_TERMINAL_ERROR")
        assert (await world.workflow(workflow_id))["status"] == "FAILED"
        assert await world.poll("work") is None


async def test_a_domain_is_used_while_a_worker_polls_it(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("where", simple("work"))
        assert await world.poll("work", domain="cool") is None
        await world.start("where", taskToDomain={"work": "cool,NO_DOMAIN"})
        await world.start("where", taskToDomain={"work": "other,NO_DOMAIN"})
        inside = await world.poll("work", domain="cool")
        outside = await world.poll("work")
        assert inside["domain"] == "cool"
        assert "domain" not in outside
        polled = await world.call("GET", "/tasks/queue/polldata", taskType="work")
        assert sorted(one.get("domain", "") for one in polled) == ["", "cool"]


async def test_a_task_is_updated_by_its_reference(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("named", simple("job"), node("WAIT", "pause"))
        workflow_id = await world.start("named")
        task_id = await world.call("POST", f"/tasks/{workflow_id}/job/COMPLETED", {"a": 1})
        assert (await world.call("GET", f"/tasks/{task_id}"))["outputData"] == {"a": 1}
        shown = await world.call("POST", f"/tasks/{workflow_id}/pause/COMPLETED/sync", {"b": 2})
        assert shown["status"] == "COMPLETED"
        path = f"/tasks/{workflow_id}/pause/COMPLETED"
        assert await world.refused("POST", path, {}) == (404, "nothing_pending")


async def test_logs_come_back_as_they_were_sent(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("logged", simple("work"))
        await world.start("logged")
        task = await world.poll("work")
        path = f"/tasks/{task['taskId']}/log"
        assert (await world.http.get(f"/api{path}")).status_code == 204
        headers = {"content-type": "application/json"}
        body = 'he said \\"hi\\"\\nbye \\u00e9'
        await world.http.post(f"/api{path}", content=body, headers=headers)
        sent = _result(task, logs=[{"log": "early", "createdTime": 1_600_000_000}])
        await world.call("POST", "/tasks", sent)
        entries = await world.call("GET", path)
        assert [one["log"] for one in entries] == ["early", 'he said "hi"\nbye é']
        assert entries[0]["createdTime"] == 1_600_000_000_000
        assert await world.refused("POST", "/tasks/not-there/log", "x") == (404, "task_not_found")


async def test_a_task_of_another_workflow_is_refused(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("own", simple("work"))
        await world.start("own")
        task = await world.poll("work")
        mixed = _result(task, workflowInstanceId="another")
        assert await world.refused("POST", "/tasks", mixed) == (400, "task_of_another_workflow")


async def test_the_first_waiting_task_is_signalled(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("inner", node("WAIT", "pause"))
        await world.define(
            "outer", node("SUB_WORKFLOW", "child", subWorkflowParam={"name": "inner", "version": 1})
        )
        workflow_id = await world.start("outer")
        await world.until_shown(workflow_id, _child_begun)
        await _child_waits(world, workflow_id)
        path = f"/tasks/{workflow_id}/COMPLETED/signal/sync"
        answer = await world.call("POST", path, {"signal": 1})
        assert answer["responseType"] == "TARGET_WORKFLOW"
        await world.until_status(workflow_id, "COMPLETED")
        assert await world.refused("POST", path, {}) == (404, "nothing_waits")


def _child_begun(shown: dict) -> bool:
    return bool(shown["tasks"] and shown["tasks"][0].get("subWorkflowId"))


async def _child_waits(world: World, workflow_id: str) -> None:
    child_id = (await world.workflow(workflow_id))["tasks"][0]["subWorkflowId"]
    async with asyncio.timeout(10):
        while True:
            answer = await world.http.get(f"/api/workflow/{child_id}")
            if answer.status_code == 200 and answer.json()["tasks"]:
                return
            await asyncio.sleep(0.01)


def _result(task: dict, **fields: object) -> dict:
    return {
        "taskId": task["taskId"],
        "workflowInstanceId": task["workflowInstanceId"],
        "status": "COMPLETED",
        "outputData": {},
        **fields,
    }
