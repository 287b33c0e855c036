"""Rerun and skip over HTTP, in every form that they come in."""

from pathlib import Path
from typing import Any

import pytest

from hookline_engine.rest.flow_changes import written_skip
from tests.engine.engine_world import World, node, open_world, simple


async def _ended(world: World, *, kept: bool = True) -> dict[str, Any]:
    """An execution of two tasks that has completed, as the API shows it."""
    await world.define("steps", simple("one"), simple("two"))
    workflow_id = await world.start("steps", {"v": 1})
    await world.finish(await world.poll("one"))
    if kept:
        await world.finish(await world.poll("two"))
    return await world.workflow(workflow_id)


async def test_a_rerun_without_a_task_begins_anew_and_answers_the_bare_id(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        workflow_id = (await _ended(world))["workflowId"]
        body = {"workflowInput": {"v": 2}, "correlationId": "c"}
        answer = await world.http.post(f"/api/workflow/{workflow_id}/rerun", json=body)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.text == workflow_id
        shown = await world.workflow(workflow_id)
        assert (shown["status"], shown["input"], shown["correlationId"]) == (
            "RUNNING", {"v": 2}, "c",
        )  # fmt: skip
        assert [task["referenceTaskName"] for task in shown["tasks"]] == ["one"]
        assert (await world.poll("one"))["workflowInstanceId"] == workflow_id


async def test_a_rerun_from_a_task_runs_it_with_the_input_given(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        shown = await _ended(world)
        path = f"/workflow/{shown['workflowId']}/rerun"
        old = shown["tasks"][1]["taskId"]
        await world.call("POST", path, {"reRunFromTaskId": old, "taskInput": {"mine": True}})
        task = await world.poll("two")
        assert (task["inputData"], task["retryCount"]) == ({"mine": True}, 1)
        assert task["retriedTaskId"] == old
        await world.finish(task)
        assert (await world.workflow(shown["workflowId"]))["status"] == "COMPLETED"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"reRunFromTaskId": "nothing"}, (400, "unknown_task")),
        ({"reRunFromTaskId": "no-such-one"}, (400, "unknown_task")),
        ({"reRunFromTaskId": 5, "taskInput": []}, (400, "wrong_type")),
        ({"taskInput": {}}, (400, "invalid_value")),
        ({"workflowInput": "x"}, (400, "wrong_type")),
    ],
)
async def test_a_rerun_that_cannot_be(tmp_path: Path, body: Any, expected: Any) -> None:
    async with open_world(tmp_path) as world:
        shown = await _ended(world)
        assert await world.refused("POST", f"/workflow/{shown['workflowId']}/rerun", body) == (
            expected
        )
        assert (await world.workflow(shown["workflowId"]))["status"] == "COMPLETED"


async def test_a_rerun_of_what_runs_or_is_not_there(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        shown = await _ended(world, kept=False)
        path = f"/workflow/{shown['workflowId']}/rerun"
        assert await world.refused("POST", path, {}) == (409, "not_terminal")
        assert await world.refused("POST", "/workflow/nope/rerun", {}) == (
            404, "workflow_not_found",
        )  # fmt: skip


async def _nested(world: World) -> tuple[str, dict[str, Any]]:
    """An execution that has completed over two levels of sub-workflows; the innermost."""
    for name, inner in (("outer", "middle"), ("middle", "inner")):
        child = node("SUB_WORKFLOW", "child", subWorkflowParam={"name": inner, "version": 1})
        await world.define(name, child, simple(f"after_{inner}"))
    workflow_id = await world.start("outer")
    middle = await _child(world, workflow_id)
    inner_id = await _child(world, middle)
    for task in ("work", "after_inner", "after_middle"):
        await _work(world, task)
    await world.until_status(workflow_id, "COMPLETED")
    return workflow_id, await world.workflow(inner_id)


async def _child(world: World, workflow_id: str) -> str:
    shown = await world.until_shown(
        workflow_id, lambda found: bool(found["tasks"][0].get("subWorkflowId"))
    )
    child_id = shown["tasks"][0]["subWorkflowId"]
    await world.until_status_or_absent(child_id, "RUNNING")
    return child_id


async def _work(world: World, task_type: str) -> None:
    task = None
    while task is None:
        task = await world.poll(task_type, timeout=100)
    await world.finish(task)


async def test_a_task_deep_in_sub_workflows_makes_all_above_it_wait_again(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("inner", simple("work"))
        workflow_id, inner = await _nested(world)
        body = {"reRunFromTaskId": inner["tasks"][0]["taskId"]}
        await world.call("POST", f"/workflow/{workflow_id}/rerun", body)
        top = await world.workflow(workflow_id)
        assert top["status"] == "RUNNING"
        assert [task["status"] for task in top["tasks"]] == ["IN_PROGRESS"]
        for task in ("work", "after_inner", "after_middle"):
            await _work(world, task)
        await world.until_status(workflow_id, "COMPLETED")


async def test_a_task_of_a_sub_workflow_takes_no_new_input_for_the_parent(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("inner", simple("work"))
        workflow_id, inner = await _nested(world)
        body = {"reRunFromTaskId": inner["tasks"][0]["taskId"], "workflowInput": {}}
        refused = await world.refused("POST", f"/workflow/{workflow_id}/rerun", body)
        assert refused == (400, "invalid_value")
        assert (await world.workflow(workflow_id))["status"] == "COMPLETED"


async def test_a_skipped_task_is_stepped_over_with_its_output(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("steps", simple("one"), simple("two"))
        workflow_id = await world.start("steps")
        body = {"taskInput": {"a": 1}, "taskOutput": {"b": 2}}
        path = f"/api/workflow/{workflow_id}/skiptask/two"
        answer = await world.http.put(path, json=body)
        assert (answer.status_code, answer.content) == (200, b"")
        (skipped,) = [
            task
            for task in (await world.workflow(workflow_id))["tasks"]
            if task["status"] == "SKIPPED"
        ]
        assert (skipped["inputData"], skipped["outputData"]) == ({"a": 1}, {"b": 2})
        await world.finish(await world.poll("one"))
        assert (await world.workflow(workflow_id))["status"] == "COMPLETED"


async def test_a_skip_that_cannot_be(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        workflow_id = (await _ended(world, kept=False))["workflowId"]
        path = f"/workflow/{workflow_id}/skiptask"
        assert await world.refused("PUT", f"{path}/two") == (409, "task_reached")
        assert await world.refused("PUT", f"{path}/nope") == (400, "unknown_reference")
        assert await world.refused("PUT", f"{path}/two", {"taskInput": 5}) == (400, "wrong_type")
        await world.finish(await world.poll("two"))
        assert await world.refused("PUT", f"{path}/two") == (409, "not_running")
        assert (await world.refused("PUT", "/workflow/nope/skiptask/two"))[0] == 404


async def test_a_skip_as_the_sdk_writes_it_into_the_query(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("steps", simple("one"), simple("two"))
        workflow_id = await world.start("steps")
        path = f"/workflow/{workflow_id}/skiptask/two"
        await world.call("PUT", path, {}, skipTaskRequest="{'taskOutput': {'ok': True, 'n': None}}")
        shown = (await world.workflow(workflow_id))["tasks"]
        assert {"ok": True, "n": None} in [task["outputData"] for task in shown]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ('{"taskInput": {"a": true}}', {"taskInput": {"a": True}}),
        ("{'taskInput': {'a': (1, None)}}", {"taskInput": {"a": [1, None]}}),
        ("None", {}),
        ("[1]", {}),
        ("__import__('os').getcwd()", {}),
        ("{'a': 1j}", {}),
        ("(" * 5000, {}),
    ],
)
def test_what_is_written_into_the_query(text: str, expected: Any) -> None:
    assert written_skip(text) == expected
