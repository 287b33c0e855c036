"""Commands of the log: events resume and start, once, and hear what became of it."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from hookline_common import topics
from hookline_common.collections import WEBHOOK_EVENTS
from hookline_common.documents import Document
from hookline_common.eventlog import EventLog, Record
from hookline_common.messages import (
    COMMANDS_CODEC,
    OUTCOMES_CODEC,
    Command,
    CompleteTask,
    EffectApplied,
    EffectRefused,
    EventRef,
    StartWorkflow,
)
from tests.engine.engine_world import World, eventually, node, open_world, simple

WAITING = node("WAIT_FOR_WEBHOOK", "hook", inputParameters={"matches": {"$.a": "1"}})


async def test_an_event_completes_a_waiting_task_once(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        workflow_id, command = await _waiting(world)
        await _send(world.log, command, command)
        shown = await world.until_status(workflow_id, "COMPLETED")
        assert shown["tasks"][0]["outputData"] == {"a": 1}
        (first, *_) = await _outcomes(world.log, 1)
        assert isinstance(first, EffectApplied)
        assert first.effect_id == command.effect_id
        other = msgspec.structs.replace(command, effect_id="another", event=_event("e2"))
        await _send(world.log, other)
        refused = await _refusal(world.log, "another")
        assert refused.code == "execution_ended"


async def test_a_large_payload_is_read_from_the_event(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        workflow_id, command = await _waiting(world)
        stored = Document("e1", b'{"id":"e1","payload":{"big":true}}')
        await world.documents.insert(WEBHOOK_EVENTS, [stored])
        await _send(world.log, msgspec.structs.replace(command, payload=None))
        shown = await world.until_status(workflow_id, "COMPLETED")
        assert shown["tasks"][0]["outputData"] == {"big": True}


async def test_an_event_starts_one_workflow_however_often_it_comes(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("started", simple("work"))
        command = _start("wf-1", "started", "x1")
        await _send(world.log, command, command, _start("wf-2", "nowhere", "x2"))
        shown = await world.until_status_or_absent("wf-1", "RUNNING")
        assert shown["event"] == "hook:e1"
        assert shown["input"] == {"a": 1}
        assert shown["correlationId"] == "d1"
        refused = await _refusal(world.log, "x2")
        assert refused.code == "workflow_def_not_found"
        assert await world.call("GET", "/tasks/queue/sizes", taskType="work") == {"work": 1}
        assert not [
            one
            for one in await _outcomes(world.log, 2)
            if isinstance(one, EffectRefused) and one.effect_id == "x1"
        ]


async def test_a_given_key_is_used_by_the_strategy(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("keyed", simple("work"))
        first = _start("wf-1", "keyed", "x1", key="order-7", key_given=True)
        second = msgspec.structs.replace(first, effect_id="x2", event=_event("e2"))
        existing = msgspec.structs.replace(
            second, effect_id="x3", event=_event("e3"), strategy="RETURN_EXISTING"
        )
        await _send(world.log, first, second, existing)
        refused = await _refusal(world.log, "x2")
        assert refused.code == "idempotency_key_used"
        assert "wf-1" in refused.reason
        applied = await _outcome(world.log, "x3")
        assert isinstance(applied, EffectApplied)
        assert applied.workflow_id == "wf-1"
        assert applied.status == "existing"


async def test_a_sub_workflow_runs_and_its_output_reaches_the_parent(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("inner", simple("work"), outputParameters={"r": "${work.output.r}"})
        child = node("SUB_WORKFLOW", "child", subWorkflowParam={"name": "inner"})
        await world.define("outer", child, outputParameters={"r": "${child.output.r}"})
        workflow_id = await world.start("outer")
        (task,) = await world.call("GET", "/tasks/poll/batch/work", timeout=5000)
        await world.finish(task, r=5)
        shown = await world.until_status(workflow_id, "COMPLETED")
        assert shown["output"] == {"r": 5}


async def test_terminating_the_parent_terminates_the_child(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("inner", simple("work"))
        await world.define(
            "outer", node("SUB_WORKFLOW", "child", subWorkflowParam={"name": "inner"})
        )
        workflow_id = await world.start("outer")
        (task,) = await world.call("GET", "/tasks/poll/batch/work", timeout=5000)
        await world.call("DELETE", f"/workflow/{workflow_id}")
        await world.until_status(task["workflowInstanceId"], "TERMINATED")


async def test_a_failure_workflow_gets_what_failed(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("rescue", simple("look"))
        await world.define("breaks", simple("work"), failureWorkflow="rescue")
        workflow_id = await world.start("breaks", {"a": 1})
        await world.finish(await world.poll("work"), "FAILED_WITH_TERMINAL_ERROR")
        (task,) = await world.call("GET", "/tasks/poll/batch/look", timeout=5000)
        given = (await world.workflow(task["workflowInstanceId"]))["input"]
        assert given["a"] == 1
        assert given["workflowId"] == workflow_id
        assert given["failedWorkflow"]["status"] == "FAILED"


async def test_a_command_for_an_execution_that_is_not_there_is_kept(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        _, command = await _waiting(world)
        lost = msgspec.structs.replace(command, workflow_id="wf-9", task_id="wf-9-abc")
        await _send(world.log, lost)
        await eventually(lambda: _is_kept_twice(world.log))
        old = (("hookline_first_seen", b"1"),)
        await world.log.append(
            [Record(topics.COMMANDS.name, "wf-9", COMMANDS_CODEC.encode(lost), old)]
        )
        assert (await _refusal(world.log, command.effect_id)).code == "workflow_not_found"


async def _waiting(world: World) -> tuple[str, CompleteTask]:
    await world.define("waits", WAITING)
    workflow_id = await world.start("waits")
    task_id = (await world.workflow(workflow_id))["tasks"][0]["taskId"]
    payload = msgspec.Raw(b'{"a":1}')
    return workflow_id, CompleteTask(workflow_id, task_id, 1, "x1", _event("e1"), payload)


def _event(event_id: str) -> EventRef:
    return EventRef(event_id, "h1", "hook", 1_700_000_000_000, "d1")


def _start(workflow_id: str, name: str, effect_id: str, **fields: Any) -> StartWorkflow:
    given = {
        "key": "k",
        "key_given": False,
        "correlation_id": "d1",
        "payload": msgspec.Raw(b'{"a":1}'),
        **fields,
    }
    return StartWorkflow(workflow_id, name, 0, effect_id, _event("e1"), **given)


async def _send(log: EventLog, *commands: Command) -> None:
    await log.append(
        [
            Record(topics.COMMANDS.name, command.workflow_id, COMMANDS_CODEC.encode(command))
            for command in commands
        ]
    )


async def _outcomes(log: EventLog, least: int) -> list[Any]:
    async with asyncio.timeout(10):
        while True:
            found = [OUTCOMES_CODEC.decode(one) for one in await _values(log, topics.OUTCOMES.name)]
            if len(found) >= least:
                return found
            await asyncio.sleep(0.01)


async def _outcome(log: EventLog, effect_id: str, after: int = 0) -> Any:
    """What came of an effect; `after` so many others about it."""
    async with asyncio.timeout(10):
        while True:
            found = [one for one in await _outcomes(log, 0) if one.effect_id == effect_id]
            if len(found) > after:
                return found[after]
            await asyncio.sleep(0.01)


async def _refusal(log: EventLog, effect_id: str) -> EffectRefused:
    found = await _outcome(log, effect_id)
    assert isinstance(found, EffectRefused)
    return found


async def _kept(log: EventLog) -> list[bytes]:
    commands = await _values(log, topics.COMMANDS.name)
    return [value for value in commands if b'"wf-9"' in value]


async def _is_kept_twice(log: EventLog) -> bool:
    return len(await _kept(log)) >= 2


async def _values(log: EventLog, topic: str) -> list[bytes]:
    values: list[bytes] = []
    for partition in range(await log.partitions(topic)):
        found = await log.read(topic, partition, 0, 500)
        values += [delivered.record.value or b"" for delivered in found]
    return values


async def test_a_repeated_start_does_not_bring_back_what_was_removed(tmp_path: Path) -> None:
    """As when the group is moved back in the log, by the delivery's key and by a given one."""
    async with open_world(tmp_path) as world:
        await world.define("started", simple("work"))
        keyed = _start("wf-2", "started", "x2", key="order-7", key_given=True)
        commands = [_start("wf-1", "started", "x1"), keyed]
        await _send(world.log, *commands)
        for workflow_id in ("wf-1", "wf-2"):
            await world.until_status_or_absent(workflow_id, "RUNNING")
            await world.call("DELETE", f"/workflow/{workflow_id}/remove")
        await _send(world.log, *commands)
        for command in commands:
            again = await _outcome(world.log, command.effect_id, after=1)
            assert isinstance(again, EffectApplied)
            assert (again.workflow_id, again.status) == (command.workflow_id, "existing")
        for workflow_id in ("wf-1", "wf-2"):
            assert (await world.http.get(f"/api/workflow/{workflow_id}")).status_code == 404


async def test_an_event_over_a_limit_that_rejects_is_refused_and_a_repeated_start_is_not(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path) as world:
        config = {"rateLimitKey": "", "concurrentExecLimit": 1, "policy": "REJECT"}
        await world.define("started", simple("work"), rateLimitConfig=config)
        first = _start("wf-1", "started", "x1")
        await _send(world.log, first, first)
        for after in range(2):
            assert isinstance(await _outcome(world.log, "x1", after), EffectApplied)
        await _send(world.log, _start("wf-2", "started", "x2"))
        assert (await _refusal(world.log, "x2")).code == "workflow_limit_reached"
        await world.finish(await world.poll("work"))
        await _send(world.log, _start("wf-3", "started", "x3"), first)
        assert isinstance(await _outcome(world.log, "x3"), EffectApplied)
        assert isinstance(await _outcome(world.log, "x1", after=2), EffectApplied)
