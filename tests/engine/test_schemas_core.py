"""What decide makes of schemas: inputs before anything is queued, outputs on the way out (D10)."""

from typing import Any

import pytest

from hookline_engine.core import effects as fx
from hookline_engine.definitions.snapshots import freeze
from tests.engine.core_player import Player, definition, inline, node

NUMBER = {"type": "JSON", "data": {"properties": {"n": {"type": "integer"}}, "required": ["n"]}}


def player(task: dict[str, Any], *more: Any, **fields: Any) -> Player:
    given = {"inputParameters": {"n": "${workflow.input.n}"}}
    return Player(
        definition(node("a", **given), *more, **fields),
        task_defs={"a": {"retryCount": 2, "retryDelaySeconds": 0, **task}},
    )


def test_an_input_that_does_not_fit_fails_the_task_before_it_is_queued() -> None:
    played = player({"inputSchema": NUMBER, "enforceSchema": True}).start({"n": "seven"})
    assert played.status == "FAILED"
    assert played.line("a").status == "FAILED_WITH_TERMINAL_ERROR"
    assert played.line("a").reason == "the input does not fit its schema: /n must be integer"
    assert not played.sent(fx.EnqueueTask)
    assert len(played.lines()) == 1, "another attempt would fail too"


def test_an_input_that_fits_is_queued() -> None:
    played = player({"inputSchema": NUMBER, "enforceSchema": True}).start({"n": 7})
    assert len(played.sent(fx.EnqueueTask)) == 1


def test_an_output_that_does_not_fit_fails_the_task_and_stays_to_be_seen() -> None:
    played = player({"outputSchema": NUMBER, "enforceSchema": True}).start()
    played.work("a", n="seven", extra=1)
    assert played.line("a").status == "FAILED_WITH_TERMINAL_ERROR"
    assert played.line("a").reason == "the output does not fit its schema: /n must be integer"
    assert played.output("a") == {"n": "seven", "extra": 1}
    assert played.status == "FAILED"


def test_a_failure_needs_no_output_that_fits() -> None:
    played = player({"outputSchema": NUMBER, "enforceSchema": True}).start()
    played.work("a", "FAILED", why="no")
    assert played.line("a").attempt == 1, "it is tried again as ever"
    played.work("a", n=1)
    assert played.status == "COMPLETED"


@pytest.mark.parametrize(
    "task",
    [
        {"inputSchema": NUMBER, "outputSchema": NUMBER},  # enforceSchema is false by default
        {"inputSchema": {**NUMBER, "type": "AVRO"}, "enforceSchema": True},
        {"outputSchema": {**NUMBER, "type": "PROTOBUF"}, "enforceSchema": True},
    ],
)
def test_what_is_not_enforced_or_not_json_is_let_through(task: dict[str, Any]) -> None:
    played = player(task).start({"n": "seven"})
    played.work("a", n="seven")
    assert played.status == "COMPLETED"


def test_an_optional_task_that_does_not_fit_lets_the_flow_go_on() -> None:
    task = node("a", optional=True, inputParameters={"n": "x"})
    rules = {"a": {"inputSchema": NUMBER, "enforceSchema": True}}
    played = Player(definition(task, node("b")), task_defs=rules).start()
    assert played.statuses() == {"a": "COMPLETED_WITH_ERRORS", "b": "SCHEDULED"}


def test_tasks_that_the_engine_runs_itself_are_checked_too() -> None:
    rules = {"i": {"outputSchema": NUMBER, "enforceSchema": True, "retryCount": 0}}
    played = Player(definition(inline("i", "1 + 1")), task_defs=rules).start()
    assert played.line("i").status == "FAILED_WITH_TERMINAL_ERROR"


def test_an_event_whose_payload_does_not_fit_fails_its_wait() -> None:
    wait = node("w", "WAIT_FOR_WEBHOOK", inputParameters={"matches": {"$.k": "1"}})
    rules = {"w": {"outputSchema": NUMBER, "enforceSchema": True, "retryCount": 0}}
    played = Player(definition(wait), task_defs=rules).start()
    played.event("w", {"k": "1"})
    assert (
        played.line("w").reason
        == "the output does not fit its schema: (whole) 'n' is a required property"
    )
    assert played.status == "FAILED"


def test_an_output_of_the_workflow_that_does_not_fit_fails_it() -> None:
    flow = definition(
        node("a"),
        outputParameters={"n": "${a.output.n}"},
        outputSchema=NUMBER,
        failureWorkflow="repair",
    )
    played = Player(flow).start()
    played.work("a", n="seven")
    assert played.status == "FAILED"
    assert played.head is not None
    assert played.head.reason == (
        "the output of the workflow does not fit its schema: /n must be integer"
    )
    assert played.output()["n"] == "seven"
    assert len(played.sent(fx.StartFailureWorkflow)) == 1
    again = Player(flow).start()
    again.work("a", n=7)
    assert again.status == "COMPLETED"


def test_the_output_of_a_terminate_task_is_the_workflows() -> None:
    end = {"terminationStatus": "COMPLETED", "workflowOutput": {"n": "${workflow.input.n}"}}
    flow = definition(node("t", "TERMINATE", inputParameters=end), outputSchema=NUMBER)
    assert Player(flow).start({"n": 1}).status == "COMPLETED"
    assert Player(flow).start({"n": "1"}).status == "FAILED"
    assert Player(flow).start({"n": "1"}).output() == {"n": "1"}


def test_a_workflow_that_fails_owes_no_output_that_fits() -> None:
    flow = definition(node("a"), outputSchema=NUMBER)
    played = Player(flow, task_defs={"a": {"retryCount": 0}}).start()
    played.work("a", "FAILED_WITH_TERMINAL_ERROR")
    assert played.head is not None
    assert "schema" not in (played.head.reason or "")


def test_a_definition_without_schemas_costs_no_thread() -> None:
    assert not freeze(definition(node("a")), {}, {}).has_scripts
    assert freeze(definition(node("a"), outputSchema=NUMBER), {}, {}).has_scripts
