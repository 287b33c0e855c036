"""Rerun: from the start, from a task, and in a sub-workflow (engine.md 5.7, D25)."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookline_engine.core import effects as fx
from hookline_engine.core.commands import ChildRevived, Rerun, Terminate
from hookline_engine.core.decisions import Limits
from tests.engine.core_player import Player, definition, inline, node
from tests.engine.test_core_properties import act, definitions


def rerun(player: Player, ref: str = "", **fields: Any) -> None:
    """Rerun from the newest task of a reference."""
    decision = player.do(Rerun(player.line(ref).id if ref else "", **fields))
    assert decision.refusal is None, decision.refusal


def refused(player: Player, task_id: str, **fields: Any) -> tuple[int, str]:
    """Status and code of a rerun that is refused, and changes nothing."""
    before = player.head
    decision = player.do(Rerun(task_id, **fields))
    assert decision.refusal is not None
    assert player.head == before
    return decision.refusal.status, decision.refusal.code


def finished(*refs: str, workflow: Any) -> Player:
    """A player that has worked on these tasks in this order and is at its end."""
    player = Player(workflow).start({"v": 1}, correlation_id="old")
    for ref in refs:
        player.work(ref, of=ref)
    assert player.head.terminal
    return player


def forked() -> Player:
    return finished(
        "a", "b", "c", "d",
        workflow=definition(
            node("fork", "FORK_JOIN", forkTasks=[[node("a"), node("b")], [node("c")]]),
            node("join", "JOIN", joinOn=["b", "c"]),
            node("d"),
        ),
    )  # fmt: skip


def looped() -> Player:
    loop = node(
        "loop",
        "DO_WHILE",
        loopCondition="$.loop.iteration < 2",
        inputParameters={"loop": "${loop.output}"},
        loopOver=[node("a"), node("b")],
    )
    return finished("a", "b", "a", "b", "end", workflow=definition(loop, node("end")))


def test_without_a_task_it_begins_at_the_first_node_and_keeps_who_it_is() -> None:
    player = finished("a", "b", workflow=definition(node("a"), node("b"), variables={"x": 1}))
    created, run = player.head.created_at, player.head.run
    player.now += 1000
    rerun(player)
    assert player.statuses() == {"a": "SCHEDULED"}
    assert (player.status, player.head.created_at) == ("RUNNING", created)
    assert (player.head.run, player.head.correlation_id) == (run + 1, "old")
    assert player.value(player.head.input) == {"v": 1}
    assert (player.head.ended_at, player.head.output, player.head.reason) == (0, "", None)
    player.work("a")
    player.work("b")
    assert player.status == "COMPLETED"


def test_input_and_correlation_id_take_the_place_of_the_old_ones() -> None:
    workflow = definition(
        node("a", inputParameters={"v": "${workflow.input.v}"}), inputTemplate={"t": 1}
    )
    player = finished("a", workflow=workflow)
    rerun(player, workflow_input={"v": 2}, correlation_id="new")
    assert player.given("a") == {"v": 2}
    assert player.head.correlation_id == "new"
    assert player.value(player.head.input) == {"v": 2}, "the template is not applied again"


def test_from_a_task_what_it_led_to_is_gone_and_it_is_a_new_attempt() -> None:
    player = finished("a", "b", "c", workflow=definition(node("a"), node("b"), node("c")))
    old = player.line("b").id
    rerun(player, "b")
    assert [(line.ref, line.status, line.attempt) for line in player.lines()] == [
        ("a", "COMPLETED", 0),
        ("b", "COMPLETED", 0),
        ("b", "SCHEDULED", 1),
    ]
    assert player.line("b").retried_id == old
    player.work("b")
    player.work("c")
    assert player.status == "COMPLETED"
    assert len({line.id for line in player.lines()}) == 4


def test_what_comes_again_has_an_id_of_its_own() -> None:
    player = finished("a", "b", workflow=definition(node("a"), node("b")))
    first = player.line("b").id
    rerun(player, "a")
    player.work("a")
    assert player.line("b").attempt == 0
    assert player.line("b").id != first


def test_the_input_is_evaluated_afresh_unless_one_is_given() -> None:
    workflow = definition(node("a"), node("b", inputParameters={"of": "${workflow.input.v}"}))
    player = finished("a", "b", workflow=workflow)
    rerun(player, "b", workflow_input={"v": 7})
    assert player.given("b") == {"of": 7}
    player.work("b")
    rerun(player, "b", task_input={"mine": True})
    assert player.given("b") == {"mine": True}


def test_a_failure_is_forgotten_when_the_task_runs_again() -> None:
    player = Player(definition(node("a"), node("b"))).start()
    player.work("a")
    player.work("b", "FAILED_WITH_TERMINAL_ERROR")
    assert player.head.failed_refs
    rerun(player, "a")
    head = player.head
    assert (head.reason, head.failed_task_id, head.failed_refs, head.failed_names) == (
        None, None, (), (),
    )  # fmt: skip
    assert player.statuses() == {"a": "SCHEDULED"}


def test_another_branch_keeps_what_it_has_done_and_the_join_waits_again() -> None:
    player = forked()
    rerun(player, "a")
    assert {ref: line.status for ref, line in player.head.tasks.items()} == {
        "fork": "COMPLETED", "a": "SCHEDULED", "c": "COMPLETED", "join": "IN_PROGRESS",
    }  # fmt: skip
    player.work("a")
    player.work("b", again=True)
    assert player.output("join") == {"b": {"again": True}, "c": {"of": "c"}}
    player.work("d")
    assert player.status == "COMPLETED"


def test_what_had_failed_in_another_branch_runs_again_too() -> None:
    player = Player(
        definition(
            node("fork", "FORK_JOIN", forkTasks=[[node("a")], [node("b")]]),
            node("join", "JOIN", joinOn=["a", "b"]),
        )
    ).start()
    player.work("a")
    player.work("b", "FAILED_WITH_TERMINAL_ERROR")
    rerun(player, "a")
    assert player.line("a").status == player.line("b").status == "SCHEDULED"
    player.work("b")
    player.work("a")
    assert player.status == "COMPLETED"


def test_from_the_fork_all_branches_begin_again() -> None:
    player = forked()
    rerun(player, "fork")
    live = {ref: line.status for ref, line in player.head.tasks.items()}
    assert live == {
        "fork": "COMPLETED", "a": "SCHEDULED", "c": "SCHEDULED", "join": "IN_PROGRESS",
    }  # fmt: skip


def test_from_the_join_only_what_follows_is_gone() -> None:
    player = forked()
    rerun(player, "join")
    assert player.line("join").attempt == 1
    assert player.line("d").status == "SCHEDULED"
    assert player.line("b").status == "COMPLETED"


def test_a_switch_chooses_again() -> None:
    switch = node(
        "switch", "SWITCH", evaluatorType="value-param", expression="v",
        inputParameters={"v": "${workflow.input.v}"},
        decisionCases={"1": [node("one")], "2": [node("two")]},
    )  # fmt: skip
    player = finished("one", "end", workflow=definition(switch, node("end")))
    rerun(player, "switch", workflow_input={"v": "2"})
    assert set(player.head.tasks) == {"switch", "two"}
    player.work("two")
    player.work("end")
    assert player.status == "COMPLETED"


def test_a_task_of_a_case_leads_to_what_follows_the_switch() -> None:
    switch = node(
        "switch", "SWITCH", evaluatorType="value-param", expression="v",
        inputParameters={"v": "1"}, decisionCases={"1": [node("one"), node("more")]},
    )  # fmt: skip
    player = finished("one", "more", "end", workflow=definition(switch, node("end")))
    rerun(player, "one")
    assert set(player.head.tasks) == {"switch", "one"}


def test_a_loop_begins_again_with_its_first_iteration() -> None:
    player = looped()
    rerun(player, "loop")
    assert player.line("loop").iteration == 1
    assert [line.shown_ref for line in player.lines()] == ["loop", "loop", "a__1"]


def test_a_task_in_a_loop_continues_its_iteration() -> None:
    player = looped()
    rerun(player, "a")
    assert player.line("loop").status == "IN_PROGRESS"
    assert player.line("loop").iteration == 2
    assert player.line("a").path == (2,)
    assert "b__1" in player.statuses()
    assert "end" not in player.head.tasks
    player.work("a")
    player.work("b", again=True)
    assert player.output("loop")["2"]["b"] == {"again": True}
    assert player.output("loop")["1"]["b"] == {"of": "b"}
    player.work("end")
    assert player.status == "COMPLETED"


def test_pages_lose_what_is_taken_back() -> None:
    loop = node(
        "loop", "DO_WHILE", loopCondition="$.loop.iteration < 300",
        inputParameters={"loop": "${loop.output}", "keepLastN": 1},
        loopOver=[inline("one", "1"), inline("two", "2")],
    )  # fmt: skip
    player = Player(definition(loop, node("end")), limits=Limits(rounds=100)).start()
    while "end" not in player.head.tasks:
        player.after(0)
    player.work("end")
    assert player.head.pages
    rerun(player, "loop")
    while "end" not in player.head.tasks:
        player.after(0)
    shown = [line.shown_ref for line in player.lines() if line.ref == "one"]
    assert len(shown) == len(set(shown)) == 300


def test_an_earlier_iteration_is_over() -> None:
    player = looped()
    passed = next(line for line in player.lines() if line.shown_ref == "a__1")
    assert refused(player, passed.id) == (409, "task_passed")


def test_an_earlier_attempt_stands_for_the_newest() -> None:
    player = finished("a", workflow=definition(node("a")))
    first = player.line("a").id
    rerun(player, "a")
    player.work("a")
    assert player.do(Rerun(first)).refusal is None
    assert player.line("a").attempt == 2


def test_a_wait_opens_anew() -> None:
    wait = node("w", "WAIT", inputParameters={"duration": "5s"})
    player = Player(definition(wait)).start()
    player.wake_when_due()
    player.now += 60_000
    rerun(player, "w")
    assert player.line("w").wake_at == player.now + 5000


def test_a_terminate_task_of_another_branch_does_not_end_it_again() -> None:
    end = node("end", "TERMINATE", inputParameters={"terminationStatus": "FAILED"})
    player = Player(
        definition(
            node("fork", "FORK_JOIN", forkTasks=[[node("a")], [node("b"), end]]),
            node("join", "JOIN", joinOn=["a", "b"]),
        )
    ).start()
    player.work("b")
    assert player.status == "FAILED"
    rerun(player, "a")
    assert player.status == "RUNNING"
    player.work("a")
    assert player.status == "COMPLETED"


def test_the_time_limit_of_the_workflow_begins_again() -> None:
    workflow = definition(node("a"), timeoutSeconds=5, timeoutPolicy="TIME_OUT_WF")
    player = Player(workflow).start()
    player.wake_when_due()
    assert player.status == "TIMED_OUT"
    player.now += 60_000
    rerun(player)
    assert player.status == "RUNNING"
    assert player.head.last_retried_at == 0
    player.wake_when_due()
    assert player.status == "TIMED_OUT"


def test_refusals() -> None:
    player = Player(definition(node("a"))).start()
    assert refused(player, "") == (409, "not_ended")
    player.work("a")
    assert refused(player, "wf-nothing") == (400, "unknown_task")
    forks = forked()
    assert refused(forks, forks.line("fork").id, task_input={}) == (400, "no_task_input")


# --- sub-workflows ---


def with_child() -> Player:
    sub = node("sub", "SUB_WORKFLOW", subWorkflowParam={"name": "kid", "version": 1})
    player = Player(definition(node("a"), sub, node("end"))).start()
    player.work("a")
    player.child("sub")
    player.work("end")
    assert player.status == "COMPLETED"
    return player


def test_a_sub_workflow_task_starts_another_child() -> None:
    player = with_child()
    first = player.line("sub").sub_workflow_id
    rerun(player, "sub")
    started = [effect.child_id for effect in player.sent(fx.StartChild)]
    assert started == [first, player.line("sub").sub_workflow_id]
    assert started[0] != started[1]
    assert "end" not in player.head.tasks


def test_a_rerun_in_a_child_makes_its_completed_task_wait_again() -> None:
    player = with_child()
    line = player.line("sub")
    revived = ChildRevived(line.id, 0, line.sub_workflow_id or "", 1, "wf")
    player.do(revived)
    assert (player.status, player.line("sub").status) == ("RUNNING", "IN_PROGRESS")
    assert player.line("sub").id == line.id
    assert "end" not in player.head.tasks
    assert player.do(revived).head is None, "the same news twice"
    player.child("sub", child_run=0)
    assert player.line("sub").live, "the end of the life before says nothing"
    player.child("sub")
    player.work("end")
    assert player.status == "COMPLETED"


@pytest.mark.parametrize(("up_to", "told"), [("wf", ""), ("above", "above")])
def test_parents_above_the_one_that_was_asked_are_left_alone(up_to: str, told: str) -> None:
    sub = node("sub", "SUB_WORKFLOW", subWorkflowParam={"name": "kid", "version": 1})
    player = Player(definition(sub))
    player.start({}, parent_workflow_id="above", parent_task_id="above-1", parent_run=1)
    player.child("sub")
    line = player.line("sub")
    player.do(ChildRevived(line.id, 0, line.sub_workflow_id or "", 1, up_to))
    (news,) = player.sent(fx.ChildRevived)
    assert (news.parent_task_id, news.up_to) == ("above-1", told)


def test_a_terminated_execution_runs_again_from_a_task() -> None:
    player = Player(definition(node("a"), node("b"))).start()
    player.work("a")
    player.do(Terminate("enough"))
    rerun(player, "a")
    assert player.statuses() == {"a": "SCHEDULED"}


# --- any flow ---


@settings(max_examples=150, deadline=None)
@given(definitions(), st.data())
def test_every_flow_completes_after_a_rerun_from_any_of_its_tasks(
    nodes: list[dict[str, Any]], data: st.DataObject
) -> None:
    player = Player(definition(*nodes)).start({"in": 1})
    answers = ["COMPLETED", "COMPLETED", "FAILED", "FAILED_WITH_TERMINAL_ERROR"]
    for _ in range(2000):
        if player.head.terminal:
            break
        act(player, data, answers)
    line = data.draw(st.sampled_from(player.lines()))
    refusal = player.do(Rerun(line.id)).refusal
    if refusal is not None:
        assert refusal.code == "task_passed"
        return
    for _ in range(2000):
        if player.head.terminal:
            break
        act(player, data, ["COMPLETED"])
    assert player.status == "COMPLETED", player.head.reason
    assert player.queue == {}
    ids = [line.id for line in player.lines()]
    assert len(ids) == len(set(ids))
