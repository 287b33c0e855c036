"""The decide loop on every shape but loops: straight, branch, parallel, ends."""

import pytest

from hookline_engine.core import effects as fx
from tests.engine.core_player import Player, definition, inline, node


def test_a_simple_task_is_queued_polled_and_completed():
    player = Player(definition(node("a", inputParameters={"x": "${workflow.input.x}"})))
    player.start({"x": 5})
    entry = player.sent(fx.EnqueueTask)[0]
    assert (entry.queue, entry.hand_off, entry.rank, entry.kind) == ("a", 1, 99, "worker")
    assert player.given("a") == {"x": 5}
    handed = player.poll("a")
    assert (handed.status, handed.worker_id, handed.poll_count) == ("IN_PROGRESS", "w1", 1)
    player.update("a", output={"y": 1})
    assert player.status == "COMPLETED"
    assert player.output() == {"y": 1}


def test_a_workflow_of_sync_tasks_is_complete_when_start_returns():
    player = Player(
        definition(
            inline("a", "$.n + 1", n="${workflow.input.n}"),
            node("v", "SET_VARIABLE", inputParameters={"total": "${a.output.result}"}),
            inline("b", "$.t * 2", t="${workflow.variables.total}"),
            outputParameters={"r": "${b.output.result}", "v": "${workflow.variables.total}"},
        )
    ).start({"n": 4})
    assert player.status == "COMPLETED"
    assert player.output() == {"r": 10, "v": 5}


def test_output_is_that_of_the_task_scheduled_last():
    player = Player(definition(node("a"), node("b"))).start()
    player.work("a", x=1)
    player.work("b", y=2)
    assert player.output() == {"y": 2}


def test_input_template_applies_even_to_empty_input():
    player = Player(
        definition(
            node("a", inputParameters={"r": "${workflow.input.region}"}),
            inputTemplate={"region": "eu"},
        )
    ).start({})
    assert player.given("a") == {"r": "eu"}
    other = Player(player.snapshot.definition).start({"region": None, "z": 1})
    assert other.given("a") == {"r": "eu"}


@pytest.mark.parametrize(
    ("value", "chosen"),
    [("x", "in_x"), ("y", "other"), (None, "other"), (2, "two"), (2.0, "two"), (True, "yes")],
)
def test_switch_chooses_by_the_text_of_the_value(value: object, chosen: str):
    cases = {"x": [node("in_x")], "2": [node("two")], "true": [node("yes")]}
    player = Player(
        definition(
            node(
                "s",
                "SWITCH",
                evaluatorType="value-param",
                expression="k",
                inputParameters={"k": "${workflow.input.k}"},
                decisionCases=cases,
                defaultCase=[node("other")],
            ),
            node("after"),
        )
    ).start({"k": value})
    assert list(player.statuses()) == ["s", chosen]
    assert player.line("s").def_name == "SWITCH"
    player.work(chosen)
    player.work("after")
    assert player.status == "COMPLETED"


def test_switch_with_an_empty_case_goes_on_behind_it():
    player = Player(
        definition(
            node(
                "s",
                "SWITCH",
                evaluatorType="javascript",
                expression="$.k + 'x'",
                inputParameters={"k": "a"},
                decisionCases={"ax": []},
                defaultCase=[node("other")],
            ),
            node("after"),
        )
    ).start()
    assert list(player.statuses()) == ["s", "after"]
    assert player.output("s") == {"evaluationResult": ["ax"], "selectedCase": "ax"}


def test_a_failing_switch_script_fails_the_execution():
    player = Player(
        definition(
            node(
                "s",
                "SWITCH",
                evaluatorType="javascript",
                expression="nothing.here",
                decisionCases={"a": [node("a")]},
            )
        )
    ).start()
    assert (player.status, player.line("s").status) == ("FAILED", "FAILED")
    assert "nothing" in (player.head.reason or "")


def fork() -> Player:
    return Player(
        definition(
            node("f", "FORK_JOIN", forkTasks=[[node("a"), node("a2")], [node("b")]]),
            node("j", "JOIN", joinOn=["a2", "b"]),
            node("end", inputParameters={"a": "${j.output.a2.v}"}),
        )
    ).start()


def test_fork_begins_all_branches_and_the_join():
    player = fork()
    assert list(player.statuses()) == ["f", "a", "b", "j"]
    assert (player.line("f").type, player.line("f").status) == ("FORK", "COMPLETED")
    assert player.line("j").status == "IN_PROGRESS"
    player.work("b", v=2)
    player.work("a")
    assert player.line("j").status == "IN_PROGRESS"
    player.work("a2", v=1)
    assert player.output("j") == {"a2": {"v": 1}, "b": {"v": 2}}
    assert player.given("end") == {"a": 1}


def test_a_failed_branch_ends_the_execution_and_cancels_the_rest():
    player = fork()
    player.work("a", "FAILED_WITH_TERMINAL_ERROR")
    assert player.status == "FAILED"
    assert player.statuses() == {
        "f": "COMPLETED",
        "a": "FAILED_WITH_TERMINAL_ERROR",
        "b": "CANCELED",
        "j": "CANCELED",
    }
    assert player.queue == {}


def test_join_on_nothing_completes_at_once():
    player = Player(
        definition(
            node("f", "FORK_JOIN", forkTasks=[[node("a")], []]), node("j", "JOIN"), node("end")
        )
    ).start()
    assert player.statuses() == {
        "f": "COMPLETED",
        "a": "SCHEDULED",
        "j": "COMPLETED",
        "end": "SCHEDULED",
    }
    player.work("end")
    assert player.status == "RUNNING"
    player.work("a")
    assert player.status == "COMPLETED"


def test_join_over_an_optional_failure_is_completed_with_errors():
    player = Player(
        definition(
            node(
                "f",
                "FORK_JOIN",
                forkTasks=[[{**inline("a", "boom()"), "optional": True}], [inline("b", "1")]],
            ),
            node("j", "JOIN", joinOn=["a", "b"]),
        )
    ).start()
    assert player.line("a").status == "COMPLETED_WITH_ERRORS"
    assert player.line("j").status == "COMPLETED_WITH_ERRORS"
    assert player.status == "COMPLETED"


def test_join_waits_for_a_retry():
    player = Player(
        definition(
            node("f", "FORK_JOIN", forkTasks=[[node("a", permissive=True)]]),
            node("j", "JOIN", joinOn=["a"]),
        ),
        task_defs={"a": {"retryCount": 1, "retryDelaySeconds": 5}},
    ).start()
    player.work("a", "FAILED")
    assert player.line("j").status == "IN_PROGRESS"
    player.now += 5000
    player.work("a", v=1)
    assert player.status == "COMPLETED"


@pytest.mark.parametrize(
    ("status", "ends"),
    [("COMPLETED", "COMPLETED"), ("FAILED", "FAILED"), ("TERMINATED", "TERMINATED")],
)
def test_terminate_ends_the_execution_with_its_own_output(status: str, ends: str):
    player = Player(
        definition(
            node(
                "f",
                "FORK_JOIN",
                forkTasks=[
                    [node("w")],
                    [
                        node(
                            "t",
                            "TERMINATE",
                            inputParameters={
                                "terminationStatus": "${workflow.input.s}",
                                "terminationReason": "enough",
                                "workflowOutput": {"n": 1},
                            },
                        ),
                    ],
                ],
            ),
            node("j", "JOIN", joinOn=["w", "t"]),
            outputParameters={"ignored": 1},
        )
    ).start({"s": status})
    assert (player.status, player.output(), player.head.reason) == (ends, {"n": 1}, "enough")
    assert player.statuses()["w"] == "CANCELED"


@pytest.mark.parametrize(("given", "output"), [(None, {}), (5, {"output": 5}), ({}, {})])
def test_terminate_output_forms(given: object, output: object):
    player = Player(
        definition(
            node(
                "t",
                "TERMINATE",
                inputParameters={"terminationStatus": "COMPLETED", "workflowOutput": given},
            )
        )
    ).start()
    assert (player.status, player.output()) == ("COMPLETED", output)


def test_a_bad_termination_status_fails_the_task():
    player = Player(
        definition(
            node("t", "TERMINATE", inputParameters={"terminationStatus": "${workflow.input.s}"})
        )
    ).start({"s": "DONE"})
    assert (player.status, player.line("t").status) == ("FAILED", "FAILED")


def test_variables_over_the_limit_fail_the_task_and_change_nothing():
    player = Player(
        definition(node("v", "SET_VARIABLE", inputParameters={"big": "${workflow.input.big}"}))
    ).start({"big": "x" * 300_000})
    assert player.line("v").status == "FAILED_WITH_TERMINAL_ERROR"
    assert player.head.variables == {}


def test_a_deep_chain_of_sync_tasks_needs_no_recursion():
    player = Player(definition(*(inline(f"t{n}", "1") for n in range(300)))).start()
    assert player.status == "COMPLETED"
