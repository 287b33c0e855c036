"""Retries, timeouts, optional and permissive tasks, the failure path."""

from typing import Any

import pytest

from hookline_engine.core import effects as fx
from hookline_engine.core.commands import ExtendLease, Wake
from hookline_engine.core.retries import retry_delay_ms
from hookline_engine.definitions.model import TaskDef
from tests.engine.core_player import START, Player, definition, inline, node

FAST = {"retryCount": 2, "retryDelaySeconds": 10}


@pytest.mark.parametrize(
    ("fields", "delays"),
    [
        ({"retry_delay_seconds": 5}, [5, 5, 5]),
        (
            {"retry_delay_seconds": 5, "retry_logic": "LINEAR_BACKOFF", "backoff_scale_factor": 2},
            [10, 20, 30],
        ),
        ({"retry_delay_seconds": 5, "retry_logic": "EXPONENTIAL_BACKOFF"}, [5, 10, 20]),
        (
            {
                "retry_delay_seconds": 5,
                "retry_logic": "EXPONENTIAL_BACKOFF",
                "max_retry_delay_seconds": 12,
            },
            [5, 10, 12],
        ),
        ({"retry_delay_seconds": 2**31, "retry_logic": "EXPONENTIAL_BACKOFF"}, [2**31 - 1] * 3),
    ],
)
def test_retry_delays(fields: dict[str, Any], delays: list[int]):
    rule = TaskDef(name="t", **fields)
    assert [retry_delay_ms(rule, n, "x") // 1000 for n in range(3)] == delays


def test_jitter_is_within_its_bound_and_the_same_for_the_same_attempt():
    rule = TaskDef(name="t", retry_delay_seconds=1, backoff_jitter_ms=500)
    delays = {retry_delay_ms(rule, 0, f"task{n}") for n in range(50)}
    assert all(1000 <= delay <= 1500 for delay in delays)
    assert len(delays) > 20
    assert retry_delay_ms(rule, 0, "a") == retry_delay_ms(rule, 0, "a")


def test_a_failed_attempt_is_followed_by_another_with_fresh_expressions():
    player = Player(
        definition(
            node("a", inputParameters={"n": "${CPEWF_TASK_ID}", "v": "${workflow.variables.v}"}),
            variables={"v": 1},
        ),
        task_defs={"a": FAST},
    ).start()
    first = player.line("a")
    player.work("a", "FAILED", half="done")
    second = player.line("a")
    assert second.id != first.id
    assert (second.attempt, second.retried_id, second.status) == (1, first.id, "SCHEDULED")
    assert player.given("a")["n"] == second.id
    assert second.output == ""
    assert player.queue[second.id, 1].visible_at == player.now + 10_000
    assert [line.retried for line in player.lines()] == [True, False]
    player.now += 10_000
    player.work("a", "COMPLETED")
    assert player.status == "COMPLETED"


def test_the_last_failed_attempt_ends_the_execution():
    player = Player(definition(node("a", retryCount=1)), task_defs={"a": FAST}).start()
    player.work("a", "FAILED")
    player.now += 10_000
    player.poll("a")
    player.update("a", "FAILED", reason="out of luck")
    assert player.status == "FAILED"
    assert "out of luck" in (player.head.reason or "")
    assert player.head.failed_refs == ("a",)
    assert player.head.failed_task_id == player.line("a").id


@pytest.mark.parametrize(
    ("status", "ends"),
    [("FAILED_WITH_TERMINAL_ERROR", "FAILED"), ("CANCELED", "TERMINATED")],
)
def test_what_is_never_retried(status: str, ends: str):
    player = Player(definition(node("a")), task_defs={"a": FAST}).start()
    player.work("a", status)
    assert player.status == ends


def test_an_unregistered_simple_task_is_retried_three_times_sixty_seconds_apart():
    player = Player(definition(node("a"))).start()
    for _ in range(3):
        player.work("a", "FAILED")
        assert player.queue[player.line("a").id, 1].visible_at == player.now + 60_000
        player.now += 60_000
    player.work("a", "FAILED")
    assert player.status == "FAILED"
    assert len(player.lines()) == 4


def test_an_optional_failure_lets_the_flow_go_on():
    player = Player(definition(node("a", optional=True, retryCount=0), node("b"))).start()
    player.work("a", "FAILED", partial=1)
    assert player.statuses() == {"a": "COMPLETED_WITH_ERRORS", "b": "SCHEDULED"}
    player.work("b")
    assert player.status == "COMPLETED"
    assert player.head.failed_refs == ("a",)


def test_a_permissive_failure_fails_the_execution_at_its_end():
    player = Player(definition(node("a", permissive=True, retryCount=0), node("b"))).start()
    player.work("a", "FAILED")
    assert player.statuses() == {"a": "FAILED", "b": "SCHEDULED"}
    player.work("b")
    assert player.status == "FAILED"


def test_a_permissive_failure_in_a_loop_lets_the_loop_go_on():
    body = [node("x", permissive=True, retryCount=0)]
    player = Player(
        definition(node("l", "DO_WHILE", loopCondition="$.l.iteration < 2", loopOver=body))
    ).start()
    player.work("x", "FAILED")
    assert player.line("x").shown_ref == "x__2"
    player.work("x")
    assert (player.status, player.line("l").status) == ("FAILED", "COMPLETED")


def test_the_execution_wakes_exactly_when_its_workflow_timeout_is_due():
    player = Player(
        definition(node("w", "WAIT"), timeoutSeconds=3, timeoutPolicy="TIME_OUT_WF")
    ).start()
    assert player.head.wake_at == START + 3000
    player.now += 2999
    player.do(Wake())
    assert player.status == "RUNNING"
    player.wake_when_due()
    assert (player.status, player.line("w").status) == ("TIMED_OUT", "CANCELED")


def test_an_alert_only_timeout_never_wakes_it():
    player = Player(definition(node("w", "WAIT"), timeoutSeconds=3)).start()
    assert player.head.wake_at == 0
    player.after(10)
    assert player.status == "RUNNING"


@pytest.mark.parametrize(
    ("rule", "polled", "due"),
    [
        ({"pollTimeoutSeconds": 7}, False, 7),
        ({"timeoutSeconds": 9, "responseTimeoutSeconds": 8}, True, 8),
        ({"timeoutSeconds": 9, "responseTimeoutSeconds": 9}, True, 9),
        ({"totalTimeoutSeconds": 5}, False, 5),
        ({"responseTimeoutSeconds": 4}, True, 4),
    ],
)
def test_task_timeouts(rule: dict[str, int], polled: bool, due: int):
    player = Player(
        definition(node("a")), task_defs={"a": {"timeoutPolicy": "RETRY", "retryCount": 0, **rule}}
    ).start()
    if polled:
        player.poll("a")
    assert player.head.wake_at == START + due * 1000
    player.wake_when_due()
    assert (player.status, player.line("a").status) == ("TIMED_OUT", "TIMED_OUT")
    assert player.queue == {}


def test_a_response_timeout_is_retried_whatever_the_policy():
    player = Player(
        definition(node("a")), task_defs={"a": {**FAST, "responseTimeoutSeconds": 4}}
    ).start()
    player.poll("a")
    player.wake_when_due()
    assert [line.status for line in player.lines()] == ["TIMED_OUT", "SCHEDULED"]


def test_time_out_wf_ends_even_an_optional_task_with_retries_left():
    player = Player(
        definition(node("a", optional=True)), task_defs={"a": {**FAST, "pollTimeoutSeconds": 4}}
    ).start()
    player.wake_when_due()
    assert player.status == "TIMED_OUT"


def test_alert_only_ignores_all_but_the_response_timeout():
    rule = {"timeoutPolicy": "ALERT_ONLY", "pollTimeoutSeconds": 1, "totalTimeoutSeconds": 2}
    player = Player(definition(node("a")), task_defs={"a": rule}).start()
    assert player.head.wake_at == 0


def test_a_lease_extension_moves_the_response_timeout():
    player = Player(
        definition(node("a")), task_defs={"a": {**FAST, "responseTimeoutSeconds": 4}}
    ).start()
    player.poll("a")
    player.now += 3000
    player.do(ExtendLease(player.line("a").id))
    assert player.head.wake_at == START + 7000


def test_a_retry_never_waits_beyond_the_total_timeout():
    rule = {"retryDelaySeconds": 60, "totalTimeoutSeconds": 20, "timeoutPolicy": "RETRY"}
    player = Player(definition(node("a")), task_defs={"a": rule}).start()
    player.now += 5000
    player.work("a", "FAILED")
    assert player.queue[player.line("a").id, 1].visible_at == START + 20_000
    player.wake_when_due()
    assert player.status == "TIMED_OUT"


@pytest.mark.parametrize("kind", ["WAIT", "JOIN", "DO_WHILE"])
def test_a_registered_definition_gives_waiting_tasks_no_response_timeout(kind: str):
    tasks = {
        "WAIT": [node("w", "WAIT")],
        "JOIN": [
            node("f", "FORK_JOIN", forkTasks=[[node("a")]]),
            node("w", "JOIN", joinOn=["a"]),
        ],
        "DO_WHILE": [node("w", "DO_WHILE", loopCondition="false", loopOver=[node("a")])],
    }
    player = Player(
        definition(*tasks[kind]), task_defs={"w": FAST, "a": {"timeoutPolicy": "ALERT_ONLY"}}
    ).start()
    assert player.head.wake_at == 0


def test_the_end_of_a_loop_cancels_its_body():
    player = Player(
        definition(
            node("l", "DO_WHILE", loopCondition="true", loopOver=[node("x")], optional=True),
            node("end"),
        ),
        task_defs={"l": {"totalTimeoutSeconds": 5, "timeoutPolicy": "RETRY"}},
    ).start()
    player.wake_when_due()
    assert player.statuses() == {
        "l": "COMPLETED_WITH_ERRORS",
        "x__1": "CANCELED",
        "end": "SCHEDULED",
    }


def test_a_delayed_retry_of_a_sync_task_waits():
    player = Player(
        definition(node("t", "TERMINATE", inputParameters={"terminationStatus": "${workflow.x}"})),
        task_defs={"t": FAST},
    ).start()
    assert player.line("t").status == "SCHEDULED"
    assert player.head.wake_at == START + 10_000
    player.wake_when_due()
    player.wake_when_due()
    assert (player.status, len(player.lines())) == ("FAILED", 3)


@pytest.mark.parametrize("name", ["rescue", "${workflow.input.rescue}", "$workflow.input.rescue"])
def test_the_failure_workflow_is_asked_for_once_and_linked(name: str):
    player = Player(
        definition(node("a", retryCount=0), failureWorkflow=name, failureWorkflowVersion=3)
    ).start({"rescue": "rescue"}, correlation_id="c")
    player.work("a", "FAILED", x=1)
    (effect,) = player.sent(fx.StartFailureWorkflow)
    assert effect.request["name"] == "rescue"
    assert effect.request["version"] == 3
    assert effect.request["failureStatus"] == "FAILED"
    assert effect.request["failureTaskId"] == player.line("a").id
    assert effect.request["correlationId"] == "c"
    assert player.output() == {"x": 1, "conductor.failure_workflow": effect.failure_workflow_id}


def test_start_delay_holds_back_the_first_poll():
    player = Player(definition(node("a", startDelay=30))).start()
    (entry,) = player.queue.values()
    assert entry.visible_at == START + 30_000


def test_the_longest_times_still_fit_the_index_of_a_store():
    longest = 2**62
    player = Player(
        definition(
            node("a", startDelay=longest), timeoutSeconds=longest, timeoutPolicy="TIME_OUT_WF"
        ),
        task_defs={"a": {"responseTimeoutSeconds": longest}},
    ).start()
    assert player.head.wake_at < 2**53
    assert player.sent(fx.EnqueueTask)[0].visible_at < 2**53


def test_an_expression_that_cannot_be_evaluated_fails_the_execution_cleanly():
    deep: Any = "x"
    for _ in range(150):
        deep = {"d": deep}
    player = Player(definition(inline("a", "$", d=deep), inline("b", "$", d="${a.output}"))).start()
    assert player.status in ("COMPLETED", "FAILED")
