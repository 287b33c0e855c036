"""The way of an execution over HTTP: start, poll, update, end."""

from pathlib import Path

from tests.engine.engine_world import node, open_world, simple


async def test_a_worker_task_is_started_polled_and_completed(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("greet", simple("hello"), outputParameters={"said": "${hello.output.x}"})
        workflow_id = await world.start("greet", {"a": 1})
        assert (await world.call("GET", "/tasks/queue/sizes", taskType="hello")) == {"hello": 1}
        task = await world.poll("hello", workerid="w1")
        assert task["status"] == "IN_PROGRESS"
        assert task["workerId"] == "w1"
        assert task["pollCount"] == 1
        assert (await world.call("GET", "/tasks/queue/sizes", taskType="hello")) == {"hello": 0}
        assert await world.poll("hello") is None
        await world.finish(task, x="hi")
        done = await world.workflow(workflow_id)
        assert done["status"] == "COMPLETED"
        assert done["output"] == {"said": "hi"}
        assert done["input"] == {"a": 1}
        assert [one["status"] for one in done["tasks"]] == ["COMPLETED"]


async def test_a_workflow_of_built_in_tasks_is_completed_when_start_answers(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        script = {"evaluatorType": "javascript", "expression": "1 + $.n", "n": 41}
        await world.define(
            "sum",
            node("INLINE", "add", inputParameters=script),
            outputParameters={"sum": "${add.output.result}"},
        )
        workflow_id = await world.start("sum")
        status = await world.call("GET", f"/workflow/{workflow_id}/status", includeOutput="true")
        assert status == {
            "workflowId": workflow_id,
            "status": "COMPLETED",
            "output": {"sum": 42},
        }
