"""WAIT, and waiting for a webhook event."""

import msgspec
import pytest

from hookline_common.messages import EffectApplied, EffectRefused, EventRef
from hookline_engine.core import effects as fx
from hookline_engine.core.commands import CompleteWait, Terminate, UpdateTask, Wake
from hookline_engine.core.open_waits import open_waits
from hookline_engine.definitions.instants import InstantSyntaxError, parse_instant
from tests.engine.core_player import START, Player, definition, node


def waiting(**given: object) -> Player:
    inputs = {"matches": {"$.order": "${workflow.input.order}"}, **given}
    return Player(
        definition(node("w", "WAIT_FOR_WEBHOOK", inputParameters=inputs), node("end"))
    ).start({"order": 7})


def outcomes(player: Player) -> list[EffectApplied | EffectRefused]:
    return [effect.message for effect in player.sent(fx.Outcome)]


def test_a_wait_is_opened_with_its_resolved_values():
    player = waiting(webhooks=["Shop"], earlyEvents=False, lookbackSeconds=5, timeout="1m")
    (effect,) = player.sent(fx.OpenWait)
    message = effect.message
    assert (message.task_id, message.task_ref, message.run) == (player.line("w").id, "w", 1)
    assert message.execution_started_at == message.opened_at == START
    wait = message.wait
    assert (wait.workflow, wait.version, wait.paths) == ("flow", 1, ("$.order",))
    assert wait.webhooks == ("Shop",)
    assert (wait.early_events, wait.lookback_seconds) == (False, 5)
    assert wait.timeout_at == player.head.wake_at == START + 60_000
    assert player.line("w").def_name == "WAIT_FOR_WEBHOOK"


def test_open_waits_can_be_told_again():
    player = waiting(timeout="1m", include=["event"])
    told = player.sent(fx.OpenWait)[0].message
    player.now += 5000
    assert open_waits(player.head, player.snapshot, player.bodies) == (told,)
    player.event("w", {"order": 7})
    assert open_waits(player.head, player.snapshot, player.bodies) == ()


def test_an_event_completes_the_task_with_exactly_its_payload():
    player = waiting()
    decision = player.event("w", {"order": 7, "$odd": {"a.b": 2**80}})
    assert decision.refusal is None
    assert player.output("w") == {"order": 7, "$odd": {"a.b": 2**80}}
    assert player.line("end").status == "SCHEDULED"
    (applied,) = outcomes(player)
    assert isinstance(applied, EffectApplied)
    assert (applied.kind, applied.event_id, applied.task_ref) == ("resume", "event-e1", "w")
    assert not player.sent(fx.CloseWait), "the matcher took the wait: it opens no more"


def test_the_same_event_again_says_applied_again_and_changes_nothing():
    player = waiting()
    task = player.line("w")
    first = player.event("w", {"order": 7})
    again = player.event("w", {"order": 7})
    assert first.line.id == task.id
    assert again.head is None
    assert [type(message) for message in outcomes(player)] == [EffectApplied, EffectApplied]
    assert outcomes(player)[0].effect_id == outcomes(player)[1].effect_id


def test_another_event_for_a_task_that_is_done_is_refused():
    player = waiting()
    player.event("w", {"order": 7})
    decision = player.event("w", {"order": 7}, "e2")
    assert decision.head is None
    assert decision.refusal.code == "task_ended"
    assert outcomes(player)[-1].code == "task_ended"


def test_an_event_for_an_ended_execution_or_another_run_is_refused():
    player = waiting()
    line = player.line("w")
    player.do(Terminate("x"))
    assert player.event("w", {}).refusal.code == "execution_ended"
    player.restart()
    assert player.event("w", {}, run=1).refusal.code == "superseded_run"
    assert line.id != player.line("w").id
    assert player.event("w", {}, run=2).refusal is None


@pytest.mark.parametrize(("on", "status"), [("COMPLETE", "COMPLETED"), ("FAIL", "FAILED")])
def test_a_wait_runs_out(on: str, status: str):
    player = waiting(timeout="30s", onTimeout=on)
    player.wake_when_due()
    assert player.line("w").status == status
    assert player.output("w") == {"timedOut": True}
    assert player.sent(fx.CloseWait)[0].message.reason == "timed_out"
    assert player.event("w", {}).refusal.code == "wait_timed_out"


def test_an_event_that_arrived_in_time_counts_although_the_wait_is_due():
    player = waiting(timeout="30s")
    player.now += 31_000
    player.event("w", {"order": 7}, received_at=START + 29_000)
    assert player.output("w") == {"order": 7}


def test_an_event_that_arrived_too_late_runs_the_wait_out():
    player = waiting(timeout="30s")
    player.now += 31_000
    decision = player.event("w", {"order": 7}, received_at=START + 30_500)
    assert decision.refusal.code == "wait_timed_out"
    assert player.output("w") == {"timedOut": True}


def test_an_expression_without_a_value_fails_the_task_with_a_reason():
    player = Player(
        definition(
            node(
                "w",
                "WAIT_FOR_WEBHOOK",
                inputParameters={"matches": {"$.x": "${workflow.input.none}"}},
            )
        )
    ).start()
    assert player.status == "FAILED"
    assert "${workflow.input.none}" in (player.line("w").reason or "")
    assert not player.sent(fx.OpenWait)


def test_the_event_itself_is_in_the_output_only_when_asked_for():
    envelope = msgspec.Raw(b'{"eventId":"e"}')
    player = waiting(include=["event"])
    assert player.sent(fx.OpenWait)[0].message.wait.include_event
    player.event("w", {"order": 7}, envelope=envelope)
    assert player.output("w") == {"order": 7, "_webhook": {"eventId": "e"}}
    plain = waiting()
    plain.event("w", {"order": 7}, envelope=envelope)
    assert plain.output("w") == {"order": 7}


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "CANCELED"])
def test_an_update_by_the_api_closes_the_wait(status: str):
    player = waiting()
    player.update("w", status, output={"by": "hand"})
    assert len(player.sent(fx.CloseWait)) == 1
    assert player.event("w", {}).refusal is not None


def test_wait_with_matches_is_a_wait_for_an_event():
    player = Player(definition(node("w", "WAIT", inputParameters={"matches": {"$.a": 1}}))).start()
    assert len(player.sent(fx.OpenWait)) == 1
    player.event("w", {"a": 1})
    assert (player.status, player.output()) == ("COMPLETED", {"a": 1})


def test_a_loop_waits_again_with_another_task():
    body = [node("w", "WAIT_FOR_WEBHOOK", inputParameters={"matches": {"$.a": 1}})]
    player = Player(
        definition(node("l", "DO_WHILE", loopCondition="$.l.iteration < 2", loopOver=body))
    ).start()
    first = player.line("w").id
    player.event("w", {"n": 1}, "e1")
    opened = [effect.message for effect in player.sent(fx.OpenWait)]
    assert [message.iteration for message in opened] == [1, 2]
    assert {message.task_ref for message in opened} == {"w"}
    assert player.line("w").id != first
    player.event("w", {"n": 2}, "e2")
    assert player.output("l")["2"] == {"w": {"n": 2}}


def test_an_event_for_a_task_in_a_page_is_known():
    body = [node("w", "WAIT", inputParameters={"matches": {}})]
    player = Player(
        definition(
            node(
                "l",
                "DO_WHILE",
                loopCondition="$.l.iteration < 620",
                inputParameters={"keepLastN": 1},
                loopOver=body,
            )
        )
    ).start()
    first = player.line("w")
    for number in range(600):
        player.event("w", {"n": number}, f"e{number}")
    assert len(player.head.pages) == 1
    event = EventRef("event-e0", "hook", "Hook", player.now)
    again = player.do(CompleteWait(first.id, 1, "e0", event, {}))
    assert again.refusal is None
    other = player.do(CompleteWait(first.id, 1, "other", event, {}))
    assert other.refusal.code == "task_ended"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5s", 5), ("2 days 3 h", 183_600), ("1 Minute 30 SECONDS", 90)],
)
def test_wait_for_a_duration(text: str, seconds: int):
    player = Player(definition(node("w", "WAIT", inputParameters={"duration": text}))).start()
    assert player.head.wake_at == START + seconds * 1000
    player.wake_when_due()
    assert (player.status, player.output()) == ("COMPLETED", {})


def test_wait_until_the_past_completes_at_once():
    player = Player(
        definition(node("w", "WAIT", inputParameters={"until": "2020-01-01 10:00"}))
    ).start()
    assert player.status == "COMPLETED"


@pytest.mark.parametrize("value", [None, ""])
def test_a_wait_without_an_end_waits_for_a_signal(value: object):
    player = Player(
        definition(node("w", "WAIT", inputParameters={"duration": "${workflow.input.d}"}))
    ).start({"d": value})
    assert (player.status, player.head.wake_at) == ("RUNNING", 0)
    player.do(Wake())
    player.do(UpdateTask(player.line("w").id, "COMPLETED", {"by": "signal"}))
    assert player.output() == {"by": "signal"}


@pytest.mark.parametrize(("key", "value"), [("duration", "soon"), ("until", "x")])
def test_a_bad_end_from_an_expression_fails_the_task(key: str, value: str):
    inputs = {key: "${workflow.input.end}"}
    player = Player(definition(node("w", "WAIT", inputParameters=inputs))).start({"end": value})
    assert player.line("w").status == "FAILED_WITH_TERMINAL_ERROR"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31", 1_769_817_600_000),
        ("2026-01-31 13:05", 1_769_864_700_000),
        ("2026-01-31 13:05 GMT+04:00", 1_769_850_300_000),
        ("2026-01-31 13:05 Europe/Paris", 1_769_861_100_000),
        ("2026-01-31T13:05:30Z", 1_769_864_730_000),
        ("2026-01-31T13:05:30.5+02:00", 1_769_857_530_500),
    ],
)
def test_instants(text: str, expected: int):
    assert parse_instant(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "2026-13-01",
        "2026-01-01 25:00",
        "2026-01-01 1:00 Mars",
        "2026-01-01 10:00 ../etc",
        "99999-01-01",
    ],
)
def test_what_is_no_instant(text: str):
    with pytest.raises(InstantSyntaxError):
        parse_instant(text)
