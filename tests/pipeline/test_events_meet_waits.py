"""Events and waits through the whole system: early ones, many waits, loops, time-outs."""

import asyncio
from typing import Any

import pytest

from tests.pipeline.running_system import CHECK, System, fresh, task, wait_task

pytestmark = pytest.mark.asyncio(loop_scope="session")

BY_ORDER = {"$.order": "${workflow.input.order}"}
DELIVERY = {"deliveryId": "$.id"}


async def test_an_event_that_comes_before_its_wait_is_kept_for_it(system: System) -> None:
    """The execution had started; its wait opens only when a worker is done."""
    kind = fresh("work")
    first = task("first", "SIMPLE") | {"name": kind}
    flow, hook = await system.pair(first, wait_task("event", BY_ORDER))
    order = fresh("o")
    waiting = await system.start(flow, {"order": order})
    sent = await system.send(hook, {"order": order})
    record = await system.event(sent.event_id)
    assert (record["verdict"], record["reason"]) == ("unmatched", "no_wait")
    await system.update(await system.poll(kind), "COMPLETED")
    found = await system.ended(waiting)
    assert found["tasks"][1]["outputData"] == {"order": order}
    record = await system.event(sent.event_id, "resumed")
    assert [effect["workflowId"] for effect in record["effects"]] == [waiting]


async def test_a_workflow_started_afterwards_is_not_resumed_by_the_past(system: System) -> None:
    """Unless its wait looks back."""
    flow, hook = await system.pair(wait_task("event", BY_ORDER))
    late = await system.define(wait_task("event", BY_ORDER, lookbackSeconds=60))
    both = {flow: 1, late: 1}
    hook = await system.webhook(receiverWorkflowNamesToVersions=both)
    order = fresh("o")
    sent = await system.send(hook, {"order": order, "n": 1})
    assert await system.verdict(sent) == "unmatched"
    later = await system.start(flow, {"order": order})
    looking_back = await system.start(late, {"order": order})
    found = await system.ended(looking_back)
    assert found["tasks"][0]["outputData"]["n"] == 1
    assert (await system.execution(later))["status"] == "RUNNING"
    await system.send(hook, {"order": order, "n": 2})
    assert (await system.ended(later))["tasks"][0]["outputData"]["n"] == 2


async def test_a_wait_without_early_events_takes_only_what_comes_after_it(system: System) -> None:
    kind = fresh("work")
    first = task("first", "SIMPLE") | {"name": kind}
    flow, hook = await system.pair(first, wait_task("event", BY_ORDER, earlyEvents=False))
    order = fresh("o")
    waiting = await system.start(flow, {"order": order})
    assert await system.verdict(await system.send(hook, {"order": order, "n": 1})) == "unmatched"
    await system.update(await system.poll(kind), "COMPLETED")
    await system.task_in(waiting, "event", "IN_PROGRESS")
    await system.send(hook, {"order": order, "n": 2})
    assert (await system.ended(waiting))["tasks"][1]["outputData"]["n"] == 2


async def test_one_event_resumes_every_task_that_waits_for_it(system: System) -> None:
    flow, hook = await system.pair(wait_task("event", BY_ORDER))
    order = fresh("o")
    waiting = [await system.start(flow, {"order": order}) for _ in range(10)]
    other = await system.start(flow, {"order": fresh("o")})
    sent = await system.send(hook, {"order": order})
    for one in waiting:
        await system.ended(one)
    record = await system.event(sent.event_id)
    assert sorted(effect["workflowId"] for effect in record["effects"]) == sorted(waiting)
    assert {effect["status"] for effect in record["effects"]} == {"applied"}
    assert (await system.execution(other))["status"] == "RUNNING"


async def test_a_duplicate_is_recorded_and_does_nothing(system: System) -> None:
    """It names the first; a start rule does not start again either."""
    started = await system.define(task("note", "SET_VARIABLE", {"seen": True}))
    flow, hook = await system.pair(
        wait_task("event", BY_ORDER), options=DELIVERY, workflowsToStart={started: 1}
    )
    order = fresh("o")
    first_wait = await system.start(flow, {"order": order})
    first = await system.send(hook, {"order": order, "id": "d1"})
    await system.ended(first_wait)
    second_wait = await system.start(flow, {"order": order})
    second = await system.send(hook, {"order": order, "id": "d1"})
    record = await system.event(second.event_id)
    assert (record["verdict"], record["duplicateOf"]) == ("duplicate", first.event_id)
    assert (await system.execution(second_wait))["status"] == "RUNNING"
    assert len(await system.executions_of(started)) == 1


async def test_a_redelivery_of_an_event_that_had_no_effect_takes_effect(system: System) -> None:
    flow, hook = await system.pair(wait_task("event", BY_ORDER), options=DELIVERY)
    order = fresh("o")
    body = {"order": order, "id": "d1"}
    assert await system.verdict(await system.send(hook, body)) == "unmatched"
    waiting = await system.start(flow, {"order": order})
    await system.resumed(await system.send(hook, body))
    await system.ended(waiting)
    assert await system.verdict(await system.send(hook, body)) == "duplicate"


async def test_a_loop_that_waits_gets_each_event_once(system: System) -> None:
    """Also those that came while it was busy with the one before, in the order they came."""
    kind = fresh("work")
    rounds = task(
        "rounds",
        "DO_WHILE",
        loopCondition="$.rounds['iteration'] < 3",
        loopOver=[wait_task("event", BY_ORDER), task("busy", "SIMPLE") | {"name": kind}],
    )
    flow, hook = await system.pair(rounds)
    order = fresh("o")
    looping = await system.start(flow, {"order": order})
    await system.send(hook, {"order": order, "n": 1})
    busy = await system.poll(kind)
    for n in (2, 3):
        early = await system.send(hook, {"order": order, "n": n})
        assert await system.verdict(early) == "unmatched"
    await system.update(busy, "COMPLETED")
    for _ in range(2):
        await system.update(await system.poll(kind), "COMPLETED")
    found = await system.ended(looping)
    waits = [line for line in found["tasks"] if line["taskType"] == "WAIT_FOR_WEBHOOK"]
    assert [line["outputData"]["n"] for line in waits] == [1, 2, 3]


@pytest.mark.parametrize(("policy", "status"), [("COMPLETE", "COMPLETED"), ("FAIL", "FAILED")])
async def test_a_wait_runs_out(system: System, policy: str, status: str) -> None:
    """It completes or fails, as it says; what comes too late meets nothing."""
    wait = wait_task("event", BY_ORDER, timeout="1s", onTimeout=policy)
    flow, hook = await system.pair(wait)
    order = fresh("o")
    waiting = await system.start(flow, {"order": order})
    found = await system.ended(waiting, status)
    line = found["tasks"][0]
    assert (line["status"], line["outputData"]) == (status, {"timedOut": True})
    assert line["endTime"] - line["startTime"] >= 1000
    late = await system.send(hook, {"order": order})
    assert await system.verdict(late) == "unmatched"


MET = {"order": "42", "amount": 100, "state": "paid", "tags": ["new", "big"], "mail": "a@b.example"}
OPERATORS: list[tuple[str, dict[str, Any], Any]] = [
    ("$.state", {"operator": "in", "values": ["paid", "sent"]}, "open"),
    ("$.state", {"operator": "notEquals", "value": "open"}, "open"),
    ("$.amount", {"operator": "greaterThan", "value": 99.5}, 99),
    ("$.amount", {"operator": "greaterThanOrEquals", "value": 100}, 99),
    ("$.amount", {"operator": "lessThan", "value": 101}, 101),
    ("$.amount", {"operator": "lessThanOrEquals", "value": 100}, 101),
    ("$.mail", {"operator": "startsWith", "value": "a@"}, "c@b.example"),
    ("$.mail", {"operator": "endsWith", "value": ".example"}, "a@b.test"),
    ("$.tags", {"operator": "contains", "value": "big"}, ["new"]),
    ("$.mail", {"operator": "equalsIgnoreCase", "value": "A@B.EXAMPLE"}, "a@b.test"),
    ("$.mail", {"operator": "matches", "value": "^[a-z]@b\\..*$"}, "1@b.example"),
    ("$.state", {"operator": "exists"}, None),
]


@pytest.mark.parametrize(
    ("path", "clause", "other"), OPERATORS, ids=[clause["operator"] for _, clause, _ in OPERATORS]
)
async def test_operators_choose_among_those_that_wait_on_the_key(
    system: System, path: str, clause: dict[str, Any], other: Any
) -> None:
    flow, hook = await system.pair(wait_task("event", {**BY_ORDER, path: clause}))
    waiting = await system.start(flow, {"order": "42"})
    field = path.removeprefix("$.")
    unlike = {name: value for name, value in MET.items() if name != field}
    unlike |= {} if other is None else {field: other}
    assert await system.verdict(await system.send(hook, unlike)) == "unmatched"
    await system.resumed(await system.send(hook, MET))
    await system.ended(waiting)


async def test_headers_and_query_parameters_can_be_matched(system: System) -> None:
    matches = {"header:X-Kind": "order", "query:shop": "7", "$.n": 1}
    flow, hook = await system.pair(wait_task("event", matches))
    waiting = await system.start(flow)
    good = {**CHECK, "x-kind": "order"}
    wrong_header = await system.send(hook, {"n": 1}, CHECK | {"x-kind": "mail"}, query="shop=7")
    assert await system.verdict(wrong_header) == "unmatched"
    wrong_query = await system.send(hook, {"n": 1}, good, query="shop=8")
    assert await system.verdict(wrong_query) == "unmatched"
    await system.resumed(await system.send(hook, {"n": 1}, good, query="shop=7"))
    assert (await system.ended(waiting))["tasks"][0]["outputData"] == {"n": 1}


async def test_a_query_parameter_never_stands_in_for_a_field_of_the_body(system: System) -> None:
    """Unless the webhook says so, and then only where the body has no such field."""
    flow, hook = await system.pair(wait_task("event", {"$.n": "1"}))
    merging = await system.webhook(
        receiverWorkflowNamesToVersions={flow: 1}, options={"mergeQuery": True}
    )
    waiting = await system.start(flow)
    assert await system.verdict(await system.send(hook, {"m": 2}, query="n=1")) == "unmatched"
    covered = await system.send(merging, {"n": 2}, query="n=1")
    assert await system.verdict(covered) == "unmatched"
    await system.resumed(await system.send(merging, {"m": 2}, query="n=1"))
    assert (await system.ended(waiting))["tasks"][0]["outputData"] == {"m": 2, "n": "1"}


async def test_a_wait_may_name_the_webhooks_that_may_resume_it(system: System) -> None:
    chosen = fresh("hook")
    flow, hook = await system.pair(wait_task("event", BY_ORDER, webhooks=[chosen]))
    named = await system.webhook(name=chosen, receiverWorkflowNamesToVersions={flow: 1})
    order = fresh("o")
    waiting = await system.start(flow, {"order": order})
    assert await system.verdict(await system.send(hook, {"order": order})) == "unmatched"
    await system.resumed(await system.send(named, {"order": order}))
    await system.ended(waiting)


async def test_a_webhook_resumes_only_the_workflows_it_names(system: System) -> None:
    """By name and version; version 0 is any."""
    flow = await system.define(wait_task("event", BY_ORDER))
    stranger = await system.webhook(receiverWorkflowNamesToVersions={fresh("other"): 1})
    wrong_version = await system.webhook(receiverWorkflowNamesToVersions={flow: 2})
    any_version = await system.webhook(receiverWorkflowNamesToVersions={flow: 0})
    order = fresh("o")
    waiting = await system.start(flow, {"order": order})
    for hook in (stranger, wrong_version):
        assert await system.verdict(await system.send(hook, {"order": order})) == "unmatched"
    await system.resumed(await system.send(any_version, {"order": order}))
    await system.ended(waiting)


async def test_the_output_can_carry_the_event_around_the_payload(system: System) -> None:
    """What proves the sender is not in it."""
    flow, hook = await system.pair(
        wait_task("event", BY_ORDER, include=["event"]), options={"deliveryId": "header:x-id"}
    )
    order = fresh("o")
    waiting = await system.start(flow, {"order": order})
    headers = {**CHECK, "x-id": "d7", "cookie": "a=b", "x-kind": "order"}
    sent = await system.send(hook, {"order": order}, headers, query="shop=7")
    output = (await system.ended(waiting))["tasks"][0]["outputData"]
    envelope = output.pop("_webhook")
    assert output == {"order": order}
    assert envelope["webhookId"] == hook["id"]
    assert envelope["webhookName"] == hook["name"]
    assert envelope["eventId"] == sent.event_id
    assert envelope["deliveryId"] == "d7"
    assert envelope["method"] == "POST"
    assert envelope["query"] == {"shop": "7"}
    assert envelope["headers"]["x-kind"] == "order"
    assert "cookie" not in envelope["headers"]
    assert CHECK["x-check"] not in str(envelope)


async def test_a_wait_for_nothing_in_particular_takes_any_event(system: System) -> None:
    """A WAIT with matches is treated the same way."""
    flow, hook = await system.pair(
        wait_task("any", {}), task("then", "WAIT", {"matches": {"$.n": 2}})
    )
    waiting = await system.start(flow)
    await system.send(hook, {"n": 1})
    await system.task_in(waiting, "then", "IN_PROGRESS")
    await system.send(hook, {"n": 2})
    found = await system.ended(waiting)
    assert [line["outputData"] for line in found["tasks"]] == [{"n": 1}, {"n": 2}]


async def test_a_wait_that_nothing_could_meet_fails_with_its_reason(system: System) -> None:
    flow, _ = await system.pair(wait_task("event", BY_ORDER))
    found = await system.ended(await system.start(flow, {}), "FAILED")
    assert "${workflow.input.order} resolves to nothing" in found["reasonForIncompletion"]


async def test_a_terminated_execution_waits_no_more(system: System) -> None:
    flow, hook = await system.pair(wait_task("event", BY_ORDER))
    order = fresh("o")
    waiting = await system.start(flow, {"order": order})
    await system.delete(f"/workflow/{waiting}", params={"reason": "not needed"})
    (line,) = (await system.ended(waiting, "TERMINATED"))["tasks"]
    await system.closed(line["taskId"])
    assert await system.verdict(await system.send(hook, {"order": order})) == "unmatched"


async def test_a_worker_may_complete_a_waiting_task_in_the_place_of_an_event(
    system: System,
) -> None:
    """Then the wait is closed, and the event that comes later meets nothing."""
    flow, hook = await system.pair(wait_task("event", BY_ORDER))
    order = fresh("o")
    waiting = await system.start(flow, {"order": order})
    line = await system.task_in(waiting, "event", "IN_PROGRESS")
    await system.update(line, "COMPLETED", outputData={"by": "hand"})
    assert (await system.ended(waiting))["tasks"][0]["outputData"] == {"by": "hand"}
    await system.closed(line["taskId"])
    assert await system.verdict(await system.send(hook, {"order": order})) == "unmatched"


async def test_events_at_once_on_distinct_keys_each_meet_their_own_wait(system: System) -> None:
    flow, hook = await system.pair(wait_task("event", BY_ORDER))
    orders = [fresh("o") for _ in range(50)]
    waiting = [await system.start(flow, {"order": order}) for order in orders]
    await asyncio.gather(*(system.send(hook, {"order": order}) for order in reversed(orders)))
    for one, order in zip(waiting, orders, strict=True):
        assert (await system.ended(one))["tasks"][0]["outputData"] == {"order": order}
