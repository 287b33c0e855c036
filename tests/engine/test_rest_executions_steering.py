"""Operations on executions over HTTP, and their errors."""

from pathlib import Path

from tests.engine.engine_world import World, node, open_world, simple


async def test_pause_holds_and_resume_goes_on(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        workflow_id = await _two_steps(world)
        await world.call("PUT", f"/workflow/{workflow_id}/pause")
        await world.finish(await world.poll("one"))
        assert await world.poll("two") is None
        assert (await world.workflow(workflow_id))["status"] == "PAUSED"
        await world.call("PUT", f"/workflow/{workflow_id}/resume")
        assert (await world.workflow(workflow_id))["status"] == "RUNNING"
        assert (await world.poll("two"))["referenceTaskName"] == "two"
        assert await world.refused("PUT", f"/workflow/{workflow_id}/resume") == (409, "not_paused")


async def test_terminate_ends_it_and_says_why(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        workflow_id = await _two_steps(world)
        await world.call("DELETE", f"/workflow/{workflow_id}", reason="enough")
        shown = await world.workflow(workflow_id)
        assert shown["status"] == "TERMINATED"
        assert shown["reasonForIncompletion"] == "enough"
        assert [task["status"] for task in shown["tasks"]] == ["CANCELED"]
        assert await world.poll("one") is None
        assert await world.refused("PUT", f"/workflow/{workflow_id}/pause") == (
            409,
            "execution_ended",
        )


async def test_restart_begins_again_under_the_same_id(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        workflow_id = await _two_steps(world)
        status, _ = await world.refused("POST", f"/workflow/{workflow_id}/restart")
        assert status == 409
        await world.call("DELETE", f"/workflow/{workflow_id}")
        answer = await world.http.post(f"/api/workflow/{workflow_id}/restart", json={})
        assert answer.status_code == 204
        shown = await world.workflow(workflow_id)
        assert shown["status"] == "RUNNING"
        assert len(shown["tasks"]) == 1
        assert (await world.poll("one"))["workflowInstanceId"] == workflow_id


async def test_restart_with_the_latest_definition_uses_it(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        workflow_id = await _two_steps(world)
        await world.call("DELETE", f"/workflow/{workflow_id}")
        await world.define("steps", simple("other"))
        await world.call("POST", f"/workflow/{workflow_id}/restart", useLatestDefinitions="true")
        assert (await world.poll("other"))["workflowInstanceId"] == workflow_id


async def test_retry_goes_on_from_what_failed(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        workflow_id = await _two_steps(world)
        status, _ = await world.refused("POST", f"/workflow/{workflow_id}/retry")
        assert status == 409
        await world.finish(await world.poll("one"))
        await world.finish(await world.poll("two"), "FAILED_WITH_TERMINAL_ERROR")
        await world.call("POST", f"/workflow/{workflow_id}/retry")
        again = await world.poll("two")
        assert again["retryCount"] == 1
        await world.finish(again)
        assert (await world.workflow(workflow_id))["status"] == "COMPLETED"


async def test_remove_leaves_nothing_behind(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        workflow_id = await _two_steps(world)
        await world.call("DELETE", f"/workflow/{workflow_id}/remove", archiveWorkflow="true")
        assert await world.refused("GET", f"/workflow/{workflow_id}") == (404, "workflow_not_found")
        assert await world.poll("one") is None
        found = await world.call("GET", "/workflow/search", query=f"workflowId={workflow_id}")
        assert found["totalHits"] == 0


async def test_variables_are_merged(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        workflow_id = await _two_steps(world)
        await world.call("POST", f"/workflow/{workflow_id}/variables", {"a": 1})
        shown = await world.call("POST", f"/workflow/{workflow_id}/variables", {"b": 2})
        assert shown["variables"] == {"a": 1, "b": 2}


async def test_bulk_tells_failures_from_successes(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        workflow_id = await _two_steps(world)
        answer = await world.call("PUT", "/workflow/bulk/pause", [workflow_id, "no-such"])
        assert answer["bulkSuccessfulResults"] == [workflow_id]
        assert "no-such" in answer["bulkErrorResults"]["no-such"]
        assert await world.refused("PUT", "/workflow/bulk/pause", []) == (400, "no_ids")


async def test_execute_answers_when_the_workflow_ends_or_blocks(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("quick", node("SET_VARIABLE", "set", inputParameters={"x": 1}))
        run = await world.call("POST", "/workflow/execute/quick/1", {"input": {}})
        assert run["status"] == "COMPLETED"
        assert run["responseType"] == "TARGET_WORKFLOW"
        assert run["signalTimeout"] is False
        await world.define("blocks", node("WAIT", "pause"))
        query = {"returnStrategy": "BLOCKING_TASK", "waitForSeconds": "5"}
        task = await world.call("POST", "/workflow/execute/blocks/0", {"input": {}}, **query)
        assert task["referenceTaskName"] == "pause"
        await world.define("slow", simple("never"))
        timed = await world.call(
            "POST", "/workflow/execute/slow/1", {"input": {}}, waitForSeconds="-1"
        )
        assert timed["signalTimeout"] is True


async def test_what_cannot_be_started_is_refused_with_a_reason(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        assert await world.refused("POST", "/workflow", {"name": "nowhere"}) == (
            404,
            "workflow_def_not_found",
        )
        await world.define("there", simple("work"))
        refused = {
            "input_null": {"name": "there", "input": None},
            "wrong_type": {"name": "there", "input": 3},
            "validation_failed": {"name": "there", "priority": 100},
        }
        for code, body in refused.items():
            assert await world.refused("POST", "/workflow", body) == (400, code)
        assert (await world.refused("POST", "/workflow", {"name": "there", "version": 0}))[0] == 404


async def test_an_inline_definition_is_used_and_not_stored(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        inline = {"name": "inline", "version": 1, "tasks": [simple("work")]}
        workflow_id = await world.start("whatever", workflowDef=inline)
        assert (await world.workflow(workflow_id))["workflowName"] == "inline"
        assert (await world.refused("GET", "/metadata/workflow/inline"))[0] == 404


async def test_correlated_and_running_executions_are_listed(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("steps", simple("one"))
        workflow_id = await world.start("steps", correlationId="c1")
        found = await world.call("POST", "/workflow/steps/correlated", ["c1", "c2"])
        assert [one["workflowId"] for one in found["c1"]] == [workflow_id]
        assert found["c2"] == []
        assert await world.call("GET", "/workflow/running/steps") == [workflow_id]


async def _two_steps(world: World) -> str:
    await world.define("steps", simple("one"), simple("two"))
    return await world.start("steps")
