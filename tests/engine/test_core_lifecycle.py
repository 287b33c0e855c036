"""Pause, resume, terminate, restart, retry, updates, variables, hand-off."""

import msgspec
import pytest

from hookline_common.messages import EventRef
from hookline_engine.core import effects as fx
from hookline_engine.core.commands import (
    ExtendLease,
    HandOut,
    Pause,
    ResetCallbacks,
    Resume,
    Start,
    Terminate,
    UpdateTask,
    UpdateVariables,
    Wake,
)
from hookline_engine.core.decide import decide
from hookline_engine.core.decisions import Context, Limits, MissingLookups
from tests.engine.core_player import EVALUATOR, SCHEMAS, START, Player, definition, inline, node


def two() -> Player:
    return Player(definition(node("a"), node("b"))).start()


def test_while_paused_results_are_stored_and_nothing_is_scheduled():
    player = two()
    player.do(Pause())
    player.work("a", v=1)
    assert player.statuses() == {"a": "COMPLETED"}
    assert player.status == "PAUSED"
    player.now += 500
    player.do(Resume())
    assert player.head.last_retried_at == player.now
    assert player.statuses() == {"a": "COMPLETED", "b": "SCHEDULED"}


def test_a_wait_ends_while_paused():
    player = Player(definition(node("w", "WAIT", inputParameters={"duration": "5s"}), node("b")))
    player.start()
    player.do(Pause())
    player.wake_when_due()
    assert player.line("w").status == "COMPLETED"
    assert player.head.wake_at == 0
    player.do(Resume())
    assert player.line("b").status == "SCHEDULED"


def test_the_workflow_timeout_acts_while_paused():
    player = Player(definition(node("a"), timeoutSeconds=5, timeoutPolicy="TIME_OUT_WF")).start()
    player.do(Pause())
    player.wake_when_due()
    assert player.status == "TIMED_OUT"


def test_a_paused_execution_does_not_wake_for_the_timeouts_of_its_tasks():
    player = Player(
        definition(node("a")), task_defs={"a": {"pollTimeoutSeconds": 5, "retryCount": 0}}
    ).start()
    player.do(Pause())
    assert player.head.wake_at == 0
    player.now += 10_000
    player.do(Resume())
    assert player.status == "TIMED_OUT"


def test_refusals():
    player = two()
    assert player.do(Resume()).refusal.status == 409
    assert player.restart().refusal.status == 409
    assert player.retry().refusal.status == 409
    player.do(Pause())
    assert player.do(Pause()).refusal is None
    player.do(Terminate("stop"))
    assert player.do(Pause()).refusal.status == 409
    assert player.do(UpdateVariables({"x": 1}, "c")).refusal.status == 409
    assert player.do(ResetCallbacks()).refusal.status == 409
    assert player.do(UpdateTask("wf-unknown", "COMPLETED")).refusal.status == 404
    assert player.do(ExtendLease("wf-unknown")).refusal.status == 404


def test_terminate_cancels_what_is_live_and_starts_no_failure_workflow():
    player = Player(definition(node("a"), failureWorkflow="rescue")).start()
    player.do(Terminate("enough"))
    assert (player.status, player.head.reason) == ("TERMINATED", "enough")
    assert player.statuses() == {"a": "CANCELED"}
    assert player.queue == {}
    assert not player.sent(fx.StartFailureWorkflow)
    assert player.do(Terminate("again")).head is None


def test_terminate_with_failure_workflow():
    player = Player(definition(node("a"), failureWorkflow="rescue")).start()
    player.do(Terminate("enough", failure_workflow="start"))
    assert player.sent(fx.StartFailureWorkflow)[0].request["reason"] == "enough"


def test_terminate_of_one_that_failed_and_of_one_that_completed():
    player = Player(definition(node("a", retryCount=0))).start()
    player.work("a", "FAILED")
    player.do(Terminate("x"))
    assert player.status == "TERMINATED"
    done = Player(definition(inline("a", "1"))).start()
    assert done.do(Terminate("x")).refusal.status == 409
    assert done.do(Terminate("x", by_parent="p")).head is None


def test_restart_begins_a_new_run_with_fresh_variables_and_other_task_ids():
    player = Player(
        definition(
            node("v", "SET_VARIABLE", inputParameters={"n": 2}),
            node("a", retryCount=0),
            variables={"n": 1},
        )
    ).start({"k": 1})
    first = player.line("a").id
    player.work("a", "FAILED")
    assert player.head.variables == {"n": 2}
    player.now += 1000
    player.restart()
    assert (player.status, player.head.run) == ("RUNNING", 2)
    assert player.head.created_at == player.now
    assert player.head.failed_refs == ()
    assert player.head.reason is None
    assert player.line("a").id != first
    assert player.value(player.head.input) == {"k": 1}
    player.work("a")
    assert player.status == "COMPLETED"


def test_one_that_is_not_restartable_after_it_completed():
    player = Player(definition(inline("a", "1"), restartable=False)).start()
    assert player.restart().refusal.status == 409


def test_retry_gives_failed_tasks_a_new_attempt_without_delay():
    player = Player(definition(node("a"), node("b", retryCount=0))).start()
    player.work("a", v=1)
    player.work("b", "FAILED")
    failed = player.line("b")
    player.now += 1000
    player.retry()
    assert player.status == "RUNNING"
    assert player.head.last_retried_at == player.now
    assert player.head.failed_task_id is None
    line = player.line("b")
    assert (line.attempt, line.retried_id, line.reason) == (1, failed.id, None)
    player.work("b")
    assert player.status == "COMPLETED"
    assert player.retry().refusal.status == 409


def test_retry_of_a_fork_revives_the_join_and_the_cancelled_branch():
    player = Player(
        definition(
            node("f", "FORK_JOIN", forkTasks=[[node("a", retryCount=0)], [node("b")]]),
            node("j", "JOIN", joinOn=["a", "b"]),
        )
    ).start()
    join = player.line("j").id
    player.work("a", "FAILED")
    player.retry()
    assert player.line("j").id == join
    assert player.line("j").status == "IN_PROGRESS"
    player.work("a")
    player.work("b")
    assert player.status == "COMPLETED"


def test_retry_in_a_loop_continues_its_iteration():
    body = [node("x", retryCount=0)]
    player = Player(
        definition(node("l", "DO_WHILE", loopCondition="$.l.iteration < 2", loopOver=body))
    ).start()
    player.work("x", n=1)
    player.work("x", "FAILED")
    player.retry()
    assert player.line("l").status == "IN_PROGRESS"
    assert player.line("x").shown_ref == "x__2"
    player.work("x", n=2)
    assert player.status == "COMPLETED"
    assert player.output("l")["2"] == {"x": {"n": 2}}


def test_retry_of_a_switch_runs_its_case():
    player = Player(
        definition(
            node("v", "WAIT"),
            node(
                "s",
                "SWITCH",
                evaluatorType="javascript",
                expression="$.v.k",
                inputParameters={"v": "${workflow.variables.v}"},
                decisionCases={"x": [node("in_x")]},
            ),
        )
    ).start()
    player.update("v")
    assert player.status == "FAILED"
    player.head = msgspec.structs.replace(player.head, variables={"v": {"k": "x"}})
    player.retry()
    assert player.line("in_x").status == "SCHEDULED"
    player.work("in_x")
    assert player.status == "COMPLETED"


def test_retry_after_a_timeout_of_the_workflow():
    player = Player(definition(node("a"), timeoutSeconds=5, timeoutPolicy="TIME_OUT_WF")).start()
    player.wake_when_due()
    player.now += 10_000
    player.retry()
    assert player.head.wake_at == player.now + 5000
    player.work("a")
    assert player.status == "COMPLETED"


def test_an_in_progress_answer_puts_the_same_attempt_back():
    player = two()
    line = player.poll("a")
    player.update("a", "IN_PROGRESS", output={"half": 1}, callback_after_seconds=30)
    again = player.line("a")
    assert (again.id, again.status, again.hand_off) == (line.id, "SCHEDULED", 2)
    assert player.output("a") == {"half": 1}
    assert player.queue[line.id, 2].visible_at == player.now + 30_000
    player.now += 30_000
    player.work("a")
    assert player.line("a").poll_count == 2
    assert player.output("a") == {}


def test_reset_callbacks_makes_put_off_tasks_visible():
    player = two()
    player.poll("a")
    player.update("a", "IN_PROGRESS", callback_after_seconds=30)
    player.do(ResetCallbacks())
    (entry,) = player.queue.values()
    assert entry.visible_at == player.now
    player.work("a")


def test_a_second_result_changes_nothing():
    player = two()
    done = player.work("a", v=1).line
    repeated = player.do(UpdateTask(done.id, "FAILED", {"v": 2}))
    assert (repeated.head, repeated.refusal) == (None, None)
    assert repeated.line == player.line("a")


def test_a_result_for_a_superseded_attempt_is_ignored():
    player = two()
    old = player.line("a").id
    player.work("a", "FAILED")
    assert player.do(UpdateTask(old, "COMPLETED")).head is None
    assert player.line("a").status == "SCHEDULED"


def test_an_entry_is_handed_out_once():
    player = two()
    line = player.poll("a")
    assert player.do(HandOut(line.id, 1)).refusal.code == "not_waiting"
    assert player.do(HandOut(line.id, 2)).refusal.code == "not_waiting"


def test_merged_output_keeps_what_was_there():
    player = Player(definition(node("w", "WAIT"))).start()
    player.update("w", "IN_PROGRESS", output={"a": 1})
    assert player.line("w").status == "IN_PROGRESS"
    player.update("w", output={"b": 2}, output_mode="merge")
    assert player.output() == {"a": 1, "b": 2}


def test_an_output_over_the_limit_fails_the_task():
    player = Player(definition(node("a")), limits=Limits(payload_bytes=100)).start()
    player.work("a", big="x" * 200)
    assert player.line("a").status == "FAILED_WITH_TERMINAL_ERROR"
    assert player.output("a") == {}


def test_variables_are_merged_once_per_command():
    player = two()
    player.do(UpdateVariables({"x": 1}, "c1"))
    player.do(UpdateVariables({"x": 2, "y": 2}, "c2"))
    assert player.do(UpdateVariables({"x": 1}, "c1")).head is None
    assert player.head.variables == {"x": 2, "y": 2}
    assert player.do(UpdateVariables({"x": "x" * 300_000}, "c3")).refusal.status == 400


def test_waking_for_nothing_saves_nothing():
    assert two().do(Wake()).head is None


def test_a_command_for_no_execution_is_refused():
    context = Context(START, "0" * 12, EVALUATOR, SCHEMAS)
    snapshot = two().snapshot
    assert decide(None, snapshot, Wake(), {}, context).refusal.status == 404


def test_start_twice_equals_once():
    event = EventRef("ev", "hook", "Hook", START)
    player = Player(definition(node("a"))).start(event_ref=event, effect_id="e1")
    assert [o.message.kind for o in player.sent(fx.Outcome)] == ["start"]
    again = player.do(Start("wf", {}, event_ref=event, effect_id="e1"))
    assert again.head is None
    assert [type(effect.message).__name__ for effect in again.effects] == ["EffectApplied"]


def test_priority_orders_the_queue():
    player = Player(definition(node("a"))).start(priority=90)
    assert player.sent(fx.EnqueueTask)[0].rank == 9


@pytest.mark.parametrize(
    ("mapping", "active", "domain"),
    [
        ({"a": "x"}, (), "x"),
        ({"*": "y"}, (), "y"),
        ({"*": "y", "a": "x"}, (), "x"),
        ({"a": "x, y , z"}, ("y",), "y"),
        ({"a": "x,y"}, (), "y"),
        ({"a": "x,NO_DOMAIN"}, (), None),
        ({"a": "NO_DOMAIN,x"}, ("NO_DOMAIN",), "x"),
        ({"other": "x"}, (), None),
    ],
)
def test_domains(mapping: dict[str, str], active: tuple[str, ...], domain: str | None):
    player = Player(definition(node("a")), active_domains={"a": frozenset(active)})
    player.start(task_to_domain=mapping)
    assert player.line("a").domain == domain
    assert player.sent(fx.EnqueueTask)[0].queue == (f"{domain}:a" if domain else "a")


def test_poll_data_is_asked_for_only_when_there_is_a_choice():
    with pytest.raises(MissingLookups) as missing:
        Player(definition(node("a"))).start(task_to_domain={"*": "x,y"})
    assert missing.value.task_types == {"a"}


def test_the_feed_tells_what_happened_with_distinct_ids():
    player = two()
    player.work("a")
    player.work("b")
    feed = [effect.message for effect in player.sent(fx.Feed)]
    assert [message.kind for message in feed] == [
        "WorkflowStarted",
        "TaskScheduled",
        "TaskStarted",
        "TaskCompleted",
        "TaskScheduled",
        "TaskStarted",
        "TaskCompleted",
        "WorkflowCompleted",
    ]
    assert len({message.id for message in feed}) == len(feed)
