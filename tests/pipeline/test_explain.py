"""`GET /webhook-events/{id}/explain`: each reason why nothing happened, on both backends."""

from typing import Any

import pytest

from tests.pipeline.running_system import System, eventually, fresh, wait_task

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBER = {"$.number": "${workflow.input.number}", "$.state": "approved"}


async def _explained(system: System, event_id: str) -> dict[str, Any]:
    await system.event(event_id)
    return await system.get(f"/webhook-events/{event_id}/explain")


def _sides(clauses: Any) -> dict[str, tuple[Any, Any, bool]]:
    return {one["path"]: (one["expected"], one["actual"], one["holds"]) for one in clauses}


async def test_the_nearest_wait_shows_what_was_expected_and_what_came(system: System) -> None:
    flow, hook = await system.pair(wait_task("review", NUMBER))
    near = await system.start(flow, {"number": 7})
    far = await system.start(flow, {"number": 8})
    for workflow_id in (near, far):
        await system.task_in(workflow_id, "review", "IN_PROGRESS")
    sent = await system.send(hook, {"number": 7, "state": "rejected"})
    assert await system.verdict(sent) == "unmatched"

    async def both() -> Any:
        found = await _explained(system, sent.event_id)
        return found if found["receivers"][0]["openWaits"] == 2 else None

    found = await eventually(both, "both waits being known")
    (receiver,) = found["receivers"]
    assert (receiver["workflow"], receiver["version"], receiver["defined"]) == (flow, 1, True)
    first, second = receiver["waits"]
    assert (first["workflowId"], first["missed"], first["meets"]) == (near, 1, False)
    assert _sides(first["clauses"]) == {
        "$.number": ("7", 7, True),
        "$.state": ("approved", "rejected", False),
    }
    assert (second["workflowId"], second["missed"]) == (far, 2)
    assert {path["path"] for path in receiver["plans"][0]["paths"]} == {"$.number", "$.state"}


async def test_a_resumed_wait_says_who_took_it(system: System) -> None:
    flow, hook = await system.pair(wait_task("review", NUMBER))
    workflow_id = await system.start(flow, {"number": 1})
    await system.task_in(workflow_id, "review", "IN_PROGRESS")
    one = await system.send(hook, {"number": 1, "state": "approved"})
    await system.ended(workflow_id)
    two = await system.send(hook, {"number": 1, "state": "approved"})
    found = await _explained(system, one.event_id)
    assert found["receivers"][0]["waits"][0]["meets"]
    assert any("It resumed 1 execution" in sentence for sentence in found["summary"])
    late = (await _explained(system, two.event_id))["receivers"][0]["waits"][0]
    assert (late["missed"], late["meets"]) == (0, False)
    (obstacle,) = late["obstacles"]
    assert obstacle["code"] == "taken_before"
    assert one.event_id in obstacle["text"]


async def test_a_rejected_event_names_the_check_that_failed(system: System) -> None:
    _, hook = await system.pair(wait_task("end", {"$.never": 1}))
    sent = await system.send(hook, {"a": 1}, {"x-check": "forged"})
    found = await _explained(system, sent.event_id)
    assert found["verdict"] == "rejected"
    failed = [check for check in found["checks"] if not check["ok"]]
    assert failed
    assert found["reason"] in found["summary"][0]
    assert (found["receivers"], found["startRules"]) == ([], [])


async def test_a_duplicate_names_the_event_that_came_first(system: System) -> None:
    flow, hook = await system.pair(wait_task("review", NUMBER), options={"deliveryId": "$.id"})
    workflow_id = await system.start(flow, {"number": 1})
    await system.task_in(workflow_id, "review", "IN_PROGRESS")
    body = {"id": fresh("d"), "number": 1, "state": "approved"}
    one = await system.send(hook, body)
    await system.ended(workflow_id)
    two = await system.send(hook, body)
    found = await _explained(system, two.event_id)
    assert (found["verdict"], found["first"]["id"]) == ("duplicate", one.event_id)
    assert one.event_id in found["summary"][0]


async def test_a_start_rule_says_which_clause_kept_it(system: System) -> None:
    flow = await system.define(wait_task("end", {"$.never": 1}))
    rule = {"workflow": flow, "when": {"$.kind": "order"}}
    hook = await system.webhook(startRules=[rule])
    no = await system.send(hook, {"kind": "invoice"})
    (report,) = (await _explained(system, no.event_id))["startRules"]
    assert _sides(report["clauses"]) == {"$.kind": ("order", "invoice", False)}
    assert (report["holds"], "$.kind" in report["why"]) == (False, True)
    yes = await system.send(hook, {"kind": "order"})
    (report,) = (await _explained(system, yes.event_id))["startRules"]
    (execution,) = await system.executions_of(flow)
    assert (report["holds"], execution["workflowId"] in report["why"]) == (True, True)


async def test_an_early_event_says_how_long_it_is_kept(system: System) -> None:
    flow, hook = await system.pair(wait_task("review", NUMBER))
    sent = await system.send(hook, {"number": 1, "state": "approved"})
    event = await system.event(sent.event_id)
    assert event["early"]["keptUntil"] == event["keptUntil"] > event["receivedAt"]
    assert "kept until" in event["early"]["text"]
    found = await _explained(system, sent.event_id)
    assert found["early"] == event["early"]
    assert found["receivers"][0]["workflow"] == flow


async def test_of_an_unknown_event_there_is_nothing_to_explain(system: System) -> None:
    answer = await system.get("/webhook-events/nowhere/explain", 404)
    assert answer["code"] == "event_not_found"
