"""`onStateChange` of a node: told on `workflow.events`, never felt by the flow (D12)."""

from pathlib import Path
from typing import Any

import pytest

from hookline_common import topics
from hookline_common.messages import EVENTS_CODEC, StateChange, WorkflowEvent
from hookline_engine.core import effects as fx
from tests.engine.core_player import Player, definition, inline, node
from tests.engine.engine_world import eventually, open_world, simple
from tests.engine.rest_surface import open_stores, open_surface

ALL = "onScheduled, onStart,onSuccess,onFailed,onCancelled"


def told(player: Player) -> list[StateChange]:
    events = [one.message for one in player.sent(fx.Feed) if one.message.state_change]
    assert {event.kind for event in events} <= {"TaskStateChanged"}
    return [event.state_change for event in events if event.state_change is not None]


def watched(ref: str, payload: Any = None, **fields: Any) -> dict[str, Any]:
    return node(ref, onStateChange={ALL: [{"type": "seen", "payload": payload or {}}]}, **fields)


def flow(*tasks: dict[str, Any], **rules: Any) -> Player:
    return Player(definition(*tasks), task_defs={"a": {"retryCount": 0, **rules}}).start({"x": 1})


def test_each_transition_is_told_in_order() -> None:
    player = flow(watched("a"))
    assert [one.on for one in told(player)] == ["onScheduled"]
    player.poll("a")
    player.update("a", output={"r": 1})
    assert [one.on for one in told(player)] == ["onScheduled", "onStart", "onSuccess"]
    assert {one.type for one in told(player)} == {"seen"}


@pytest.mark.parametrize(
    ("status", "on"),
    [("FAILED", "onFailed"), ("FAILED_WITH_TERMINAL_ERROR", "onFailed"),
     ("CANCELED", "onCancelled")],
)  # fmt: skip
def test_ends_without_success_are_told(status: str, on: str) -> None:
    player = flow(watched("a"))
    player.work("a", status)
    assert told(player)[-1].on == on


def test_a_timeout_is_a_failure() -> None:
    player = flow(watched("a"), responseTimeoutSeconds=5)
    player.poll("a")
    player.after(5)
    assert told(player)[-1].on == "onFailed"


def test_only_the_named_transitions_are_told() -> None:
    changes = {"onSuccess": [{"type": "done"}, {"type": "more"}], "onFailed": [{"type": "bad"}]}
    player = flow(node("a", onStateChange=changes))
    player.work("a")
    assert [one.type for one in told(player)] == ["done", "more"]


def test_the_payload_sees_the_execution_as_it_was_then() -> None:
    payload = {"out": "${a.output.r}", "in": "${workflow.input.x}", "status": "${a.status}"}
    player = flow(watched("a", payload), retryCount=1, retryDelaySeconds=0)
    player.work("a", "FAILED", r=1)
    failed = told(player)[-2]
    assert (failed.on, failed.payload) == ("onFailed", {"out": 1, "in": 1, "status": "FAILED"})
    assert (told(player)[-1].on, player.line("a").attempt) == ("onScheduled", 1)


def test_tasks_of_the_engine_begin_and_end_too() -> None:
    task = {**inline("i", "1"), "onStateChange": {ALL: [{"type": "seen"}]}}
    player = Player(definition(task)).start()
    assert [one.on for one in told(player)] == ["onScheduled", "onStart", "onSuccess"]


def test_a_payload_that_is_too_large_is_told_without_it_and_the_flow_goes_on() -> None:
    player = flow(watched("a", {"all": "${a.output}"}), node("b"))
    player.work("a", big="x" * 70_000)
    event = next(
        one.message
        for one in reversed(player.sent(fx.Feed))
        if one.message.state_change and one.message.state_change.on == "onSuccess"
    )
    assert event.state_change.payload == {}
    assert "larger than" in event.reason
    assert player.line("b").status == "SCHEDULED"


def test_secrets_in_a_payload_stay_as_they_are_written() -> None:
    player = flow(watched("a", {"s": "${workflow.secrets.key}"}))
    assert told(player)[0].payload == {"s": "${workflow.secrets.key}"}


async def test_what_cannot_be_told_is_refused_when_the_definition_is_saved(
    tmp_path: Path,
) -> None:
    async with (
        open_stores(tmp_path) as (log, documents),
        open_surface(log, documents) as surface,
    ):

        async def refused(changes: Any) -> Any:
            flow = {"name": "f", "tasks": [simple("a", onStateChange=changes)]}
            answer = await surface.refused("POST", "/api/metadata/workflow", flow)
            assert answer[:2] == (400, "validation_failed")
            return answer[2]

        assert await refused({"onSucces": [{"type": "x"}]}) == "/tasks/0/onStateChange/onSucces"
        place = "/tasks/0/onStateChange/onStart/0"
        assert await refused({"onStart": [{"payload": {}}]}) == f"{place}/type"
        unknown = {"onStart": [{"type": "x", "payload": {"a": "${nowhere.output}"}}]}
        assert await refused(unknown) == f"{place}/payload/a"


async def test_it_comes_out_on_the_public_feed(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        change = {"onSuccess": [{"type": "paid", "payload": {"r": "${work.output.r}"}}]}
        await world.define("flow", simple("work", onStateChange=change))
        workflow_id = await world.start("flow")
        await world.finish(await world.poll("work"), r=5)
        found: list[WorkflowEvent] = []

        async def published() -> bool:
            name = topics.EVENTS.name
            for partition in range(await world.log.partitions(name)):
                for delivered in await world.log.read(name, partition, 0, 100):
                    event = EVENTS_CODEC.decode(delivered.record.value)
                    if event.state_change is not None:
                        found.append(event)
            return bool(found)

        await eventually(published)
        (event,) = found
        assert event.state_change == StateChange(on="onSuccess", type="paid", payload={"r": 5})
        assert (event.workflow_id, event.task_ref) == (workflow_id, "work")
