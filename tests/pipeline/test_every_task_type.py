"""Every task type end to end, alone and together, and what can be done to executions."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.pipeline.echo_server import EchoServer, echo_server
from tests.pipeline.running_system import System, eventually, fresh, task, wait_task

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def echo() -> AsyncIterator[EchoServer]:
    """A server for HTTP tasks."""
    async with echo_server() as server:
        yield server


async def _task_def(system: System, **fields: Any) -> str:
    """A task definition of its own; without retries unless it says so."""
    name = fresh("work")
    rules = {"retryCount": 0, "retryDelaySeconds": 0, "responseTimeoutSeconds": 60}
    await system.post("/metadata/taskdefs", [{"name": name, **rules, **fields}])
    return name


def _simple(ref: str, kind: str, inputs: Any = None, **more: Any) -> Any:
    return task(ref, "SIMPLE", inputs, **more) | {"name": kind}


async def test_one_workflow_of_every_shape(system: System, echo: EchoServer) -> None:
    """Straight, branch, parallel, loop, nested, and a webhook at the end."""
    kind = await _task_def(system)
    child = await system.define(
        task("double", "INLINE", {
            "evaluatorType": "javascript",
            "expression": "$.n * 2",
            "n": "${workflow.input.n}",
        }),
        outputParameters={"twice": "${double.output.result}"},
    )  # fmt: skip
    call = {"uri": f"{echo.address}/echo/{fresh('x')}", "method": "POST", "body": {"n": 5}}
    branches = [
        [_simple("work", kind, {"n": "${workflow.input.n}"})],
        [task("call", "HTTP", {"http_request": call})],
        [
            task("nested", "SUB_WORKFLOW", {"n": "${workflow.input.n}"},
                 subWorkflowParam={"name": child, "version": 1}),
        ],
    ]  # fmt: skip
    flow = await system.define(
        task("remember", "SET_VARIABLE", {"total": 0, "who": "${workflow.input.who}"}),
        task(
            "choice",
            "SWITCH",
            {"kind": "${workflow.input.kind}"},
            evaluatorType="value-param",
            expression="kind",
            decisionCases={"order": [task("short", "WAIT", {"duration": "0s"})]},
            defaultCase=[task("never", "TERMINATE", {"terminationStatus": "FAILED"})],
        ),
        task("split", "FORK_JOIN", forkTasks=branches),
        task("meet", "JOIN", joinOn=["work", "call", "nested"]),
        task(
            "rounds",
            "DO_WHILE",
            loopCondition="$.rounds['iteration'] < 3",
            loopOver=[
                task("add", "INLINE", {
                    "evaluatorType": "graaljs",
                    "expression": "$.i + 10",
                    "i": "${rounds.output.iteration}",
                }),
            ],
        ),
        wait_task("event", {"$.who": "${workflow.variables.who}"}),
        outputParameters={
            "worked": "${work.output.n}",
            "called": "${call.output.response.body}",
            "nested": "${nested.output.twice}",
            "last": "${rounds.output.3.add.result}",
            "event": "${event.output.n}",
        },
    )  # fmt: skip
    hook = await system.webhook(receiverWorkflowNamesToVersions={flow: 1})
    who = fresh("ann")
    running = await system.start(flow, {"n": 21, "kind": "order", "who": who})
    polled = await system.poll(kind)
    assert polled["inputData"] == {"n": 21}
    await system.update(polled, "COMPLETED", outputData={"n": 22})
    await system.task_in(running, "event", "IN_PROGRESS")
    await system.send(hook, {"who": who, "n": 1})
    found = await system.ended(running)
    output = found["output"]
    key = output["called"].pop("key")
    assert key in {line["taskId"] for line in found["tasks"]}
    assert output == {
        "worked": 22,
        "called": {"method": "POST", "body": {"n": 5}},
        "nested": 42,
        "last": 13,
        "event": 1,
    }
    types = {line["taskType"] for line in found["tasks"]}
    assert types >= {kind, "SET_VARIABLE", "SWITCH", "WAIT", "FORK", "JOIN", "HTTP"}
    assert types >= {"SUB_WORKFLOW", "DO_WHILE", "INLINE", "WAIT_FOR_WEBHOOK"}
    assert "TERMINATE" not in types


async def test_a_wait_ends_at_its_time(system: System) -> None:
    flow = await system.define(task("pause", "WAIT", {"duration": "1 s"}))
    line = (await system.ended(await system.start(flow)))["tasks"][0]
    assert 1000 <= line["endTime"] - line["startTime"] < 10_000


async def test_a_wait_without_a_time_ends_by_a_signal(system: System) -> None:
    flow = await system.define(task("hold", "WAIT"))
    held = await system.start(flow)
    await system.post(f"/tasks/{held}/COMPLETED/signal", {"by": "hand"})
    assert (await system.ended(held))["tasks"][0]["outputData"] == {"by": "hand"}


async def test_terminate_ends_the_execution_with_its_status_and_output(system: System) -> None:
    end = {
        "terminationStatus": "FAILED",
        "terminationReason": "no stock",
        "workflowOutput": {"left": "${workflow.input.left}"},
    }
    flow = await system.define(task("stop", "TERMINATE", end), task("never", "WAIT"))
    found = await system.ended(await system.start(flow, {"left": 0}), "FAILED")
    assert found["output"] == {"left": 0}
    assert "no stock" in found["reasonForIncompletion"]


async def test_an_http_task_is_tried_again_with_the_delay_of_its_definition(
    system: System, echo: EchoServer
) -> None:
    kind = await _task_def(system, retryCount=2, retryDelaySeconds=1)
    path = f"/flaky/{fresh('x')}"
    call = {"http_request": {"uri": echo.address + path, "method": "GET"}}
    flow = await system.define(task("call", "HTTP", call) | {"name": kind})
    found = await system.ended(await system.start(flow))
    first, second = found["tasks"]
    assert (first["status"], second["status"]) == ("FAILED", "COMPLETED")
    assert second["retriedTaskId"] == first["taskId"]
    assert second["startTime"] - first["endTime"] >= 900
    assert echo.calls[path] == 2


async def test_a_worker_that_fails_is_tried_again_with_growing_delays(system: System) -> None:
    kind = await _task_def(system, retryCount=2, retryDelaySeconds=1, retryLogic="LINEAR_BACKOFF")
    flow = await system.define(_simple("work", kind))
    running = await system.start(flow)
    for _ in range(2):
        await system.update(await system.poll(kind), "FAILED", reasonForIncompletion="broken")
    await system.update(await system.poll(kind), "COMPLETED")
    lines = (await system.ended(running))["tasks"]
    assert [line["status"] for line in lines] == ["FAILED", "FAILED", "COMPLETED"]
    assert [line["startDelayInSeconds"] for line in lines] == [0, 1, 2]


async def test_a_worker_that_gives_up_for_good_is_not_tried_again(system: System) -> None:
    kind = await _task_def(system, retryCount=3)
    running = await system.start(await system.define(_simple("work", kind)))
    polled = await system.poll(kind)
    await system.update(polled, "FAILED_WITH_TERMINAL_ERROR", reasonForIncompletion="no such order")
    found = await system.ended(running, "FAILED")
    assert len(found["tasks"]) == 1
    assert "no such order" in found["reasonForIncompletion"]


async def test_a_worker_that_does_not_answer_in_time_is_replaced(system: System) -> None:
    """And what it says afterwards changes nothing."""
    kind = await _task_def(system, retryCount=1, responseTimeoutSeconds=1)
    running = await system.start(await system.define(_simple("work", kind)))
    lost = await system.poll(kind)
    again = await system.poll(kind)
    assert (again["taskId"], again["retryCount"]) != (lost["taskId"], lost["retryCount"])
    await system.update(lost, "COMPLETED", outputData={"by": "the lost one"})
    await system.update(again, "COMPLETED", outputData={"by": "the second"})
    first, second = (await system.ended(running))["tasks"]
    assert (first["status"], second["status"]) == ("TIMED_OUT", "COMPLETED")
    assert second["outputData"] == {"by": "the second"}


async def test_a_failed_execution_starts_its_failure_workflow(system: System) -> None:
    kind = await _task_def(system)
    failure = await system.define(task("note", "SET_VARIABLE", {"seen": True}))
    flow = await system.define(_simple("work", kind), failureWorkflow=failure)
    running = await system.start(flow, {"n": 1})
    await system.update(await system.poll(kind), "FAILED", reasonForIncompletion="broken")
    await system.ended(running, "FAILED")

    async def look() -> list[dict[str, Any]]:
        return await system.executions_of(failure)

    begun = await eventually(look, "the failure workflow")
    assert len(begun) == 1
    found = await system.ended(begun[0]["workflowId"])
    assert found["input"]["workflowId"] == running
    assert "broken" in found["input"]["reason"]


async def _with_child(system: System) -> tuple[str, str, str]:
    """A parent that runs a child, which waits for a worker: kind, parent, child."""
    kind = await _task_def(system)
    child = await system.define(
        _simple("work", kind), outputParameters={"done": "${work.output.done}"}
    )
    parent = await system.define(
        task("nested", "SUB_WORKFLOW", {"n": 1}, subWorkflowParam={"name": child})
    )
    running = await system.start(parent)
    child_id = (await system.task_in(running, "nested", "IN_PROGRESS"))["subWorkflowId"]

    async def there() -> bool:  # it is started through the log
        return (await system.http.get(f"/workflow/{child_id}")).status_code == 200

    await eventually(there, "the child")
    return kind, running, child_id


async def test_a_sub_workflow_that_completes_completes_its_task(system: System) -> None:
    kind, running, child = await _with_child(system)
    await system.update(await system.poll(kind), "COMPLETED", outputData={"done": 7})
    assert (await system.ended(child))["parentWorkflowId"] == running
    found = await system.ended(running)
    assert found["tasks"][0]["outputData"] == {"subWorkflowId": child, "done": 7}


async def test_a_sub_workflow_that_fails_fails_its_parent_until_it_is_retried(
    system: System,
) -> None:
    kind, running, child = await _with_child(system)
    await system.update(await system.poll(kind), "FAILED", reasonForIncompletion="broken")
    await system.ended(child, "FAILED")
    found = await system.ended(running, "FAILED")
    assert "broken" in found["reasonForIncompletion"]
    await system.post(f"/workflow/{child}/retry", expected=204)
    await system.update(await system.poll(kind), "COMPLETED", outputData={"done": 8})
    await system.ended(child)
    assert (await system.ended(running))["tasks"][0]["outputData"]["done"] == 8


async def test_a_terminated_sub_workflow_terminates_its_parent_and_the_other_way_round(
    system: System,
) -> None:
    _, running, child = await _with_child(system)
    await system.delete(f"/workflow/{child}", params={"reason": "not needed"})
    await system.ended(child, "TERMINATED")
    found = await system.ended(running, "TERMINATED")
    assert found["tasks"][0]["status"] == "CANCELED"
    _, running, child = await _with_child(system)
    await system.delete(f"/workflow/{running}")
    await system.ended(running, "TERMINATED")
    await system.ended(child, "TERMINATED")


async def test_a_paused_execution_schedules_nothing_until_it_goes_on(system: System) -> None:
    kind = await _task_def(system)
    flow = await system.define(_simple("one", kind), task("two", "SET_VARIABLE", {"a": 1}))
    running = await system.start(flow)
    await system.put(f"/workflow/{running}/pause")
    await system.update(await system.poll(kind), "COMPLETED")
    found = await system.execution(running)
    assert (found["status"], len(found["tasks"])) == ("PAUSED", 1)
    await system.put(f"/workflow/{running}/resume")
    assert len((await system.ended(running))["tasks"]) == 2
    refused = await system.put(f"/workflow/{running}/pause", expected=409)
    assert refused["code"]


async def test_an_event_for_a_paused_execution_is_taken_and_acted_on_later(
    system: System,
) -> None:
    flow, hook = await system.pair(
        wait_task("event", {"$.order": "${workflow.input.order}"}),
        task("then", "SET_VARIABLE", {"a": 1}),
    )
    order = fresh("o")
    running = await system.start(flow, {"order": order})
    await system.put(f"/workflow/{running}/pause")
    sent = await system.send(hook, {"order": order})
    await system.resumed(sent)
    found = await system.execution(running)
    assert (found["status"], found["tasks"][0]["status"]) == ("PAUSED", "COMPLETED")
    await system.put(f"/workflow/{running}/resume")
    await system.ended(running)


async def test_a_failed_execution_can_be_retried_and_restarted(system: System) -> None:
    kind = await _task_def(system)
    running = await system.start(await system.define(_simple("work", kind)), {"n": 1})
    await system.update(await system.poll(kind), "FAILED")
    await system.ended(running, "FAILED")
    await system.post(f"/workflow/{running}/retry", expected=204)
    await system.update(await system.poll(kind), "COMPLETED")
    found = await system.ended(running)
    assert [line["status"] for line in found["tasks"]] == ["FAILED", "COMPLETED"]
    await system.post(f"/workflow/{running}/restart", expected=204)
    await system.update(await system.poll(kind), "COMPLETED", outputData={"again": True})
    found = await system.ended(running)
    assert [line["outputData"] for line in found["tasks"]] == [{"again": True}]
    assert found["input"] == {"n": 1}


async def test_a_restarted_execution_waits_anew_and_does_not_take_the_same_event(
    system: System,
) -> None:
    flow, hook = await system.pair(wait_task("event", {"$.order": "${workflow.input.order}"}))
    order = fresh("o")
    running = await system.start(flow, {"order": order})
    await system.send(hook, {"order": order, "n": 1})
    await system.ended(running)
    await system.post(f"/workflow/{running}/restart", expected=204)
    await system.task_in(running, "event", "IN_PROGRESS")
    await system.send(hook, {"order": order, "n": 2})
    assert (await system.ended(running))["tasks"][0]["outputData"]["n"] == 2


async def test_many_executions_are_steered_at_once(system: System) -> None:
    """One id that is not there is told apart from those that are."""
    flow = await system.define(task("hold", "WAIT"))
    running = [await system.start(flow) for _ in range(5)]
    ids = [*running, "no-such-id"]

    async def bulk(method: str, what: str) -> None:
        answer = await system.call(method, f"/workflow/bulk/{what}", json=ids)
        assert answer["bulkSuccessfulResults"] == running
        assert list(answer["bulkErrorResults"]) == ["no-such-id"]

    await bulk("PUT", "pause")
    assert {one["status"] for one in await system.executions_of(flow)} == {"PAUSED"}
    await bulk("PUT", "resume")
    await bulk("POST", "terminate")
    for one in running:
        await system.ended(one, "TERMINATED")
    await bulk("POST", "restart")
    await bulk("POST", "terminate")
    await bulk("POST", "retry")
    for one in running:
        await system.post(f"/tasks/{one}/COMPLETED/signal", {})
        await system.ended(one)
    await bulk("DELETE", "remove")
    assert await system.executions_of(flow) == []
    await system.get(f"/workflow/{running[0]}", expected=404)


async def test_an_optional_task_that_fails_does_not_stop_the_workflow(system: System) -> None:
    kind = await _task_def(system)
    flow = await system.define(
        _simple("work", kind, optional=True), task("then", "SET_VARIABLE", {"a": 1})
    )
    running = await system.start(flow)
    await system.update(await system.poll(kind), "FAILED")
    lines = (await system.ended(running))["tasks"]
    assert [line["status"] for line in lines] == ["COMPLETED_WITH_ERRORS", "COMPLETED"]


async def test_a_task_of_an_unknown_type_is_a_workers_queue(system: System) -> None:
    kind = fresh("MY_TYPE")
    running = await system.start(await system.define(task("odd", kind) | {"name": kind}))
    polled = await system.poll(kind)
    assert (await system.get("/tasks/queue/sizes", params={"taskType": kind}))[kind] == 0
    await system.update(polled, "COMPLETED", outputData={"n": 1})
    assert (await system.ended(running))["tasks"][0]["outputData"] == {"n": 1}


async def test_tasks_go_to_the_workers_of_their_domain(system: System) -> None:
    kind = await _task_def(system)
    flow = await system.define(_simple("work", kind))
    running = await system.start(flow, taskToDomain={kind: "north"})
    poll = f"/tasks/poll/{kind}"
    await system.get(poll, expected=204, params={"workerid": "w", "domain": "south"})

    async def taken() -> Any:
        answer = await system.http.get(poll, params={"workerid": "w", "domain": "north"})
        return answer.json() if answer.status_code == 200 else None

    polled = await eventually(taken, "a task of the domain")
    assert polled["domain"] == "north"
    await system.update(polled, "COMPLETED")
    await system.ended(running)
