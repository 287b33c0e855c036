"""Skip: the flow steps over a node that it has not reached (engine.md 5.8, D26)."""

from typing import Any

import pytest

from hookline_engine.core.commands import Pause, Rerun, Skip
from tests.engine.core_player import Player, definition, node


def skip(player: Player, ref: str, **fields: Any) -> None:
    """Skip a reference."""
    decision = player.do(Skip(ref, **fields))
    assert decision.refusal is None, decision.refusal


def refused(player: Player, ref: str) -> tuple[int, str]:
    """Status and code of a skip that is refused, and changes nothing."""
    before = player.head
    refusal = player.do(Skip(ref)).refusal
    assert refusal is not None
    assert player.head == before
    return refusal.status, refusal.code


def test_the_flow_steps_over_it_and_sees_the_output_given() -> None:
    last = node("c", inputParameters={"of": "${b.output.v}", "given": "${b.input.w}"})
    player = Player(definition(node("a"), node("b"), last)).start()
    skip(player, "b", input={"w": 1}, output={"v": 2})
    line = player.line("b")
    assert (line.status, line.type, line.seq, line.ended_at) == ("SKIPPED", "b", 0, player.now)
    assert player.statuses() == {"a": "SCHEDULED", "b": "SKIPPED"}
    player.work("a")
    assert player.given("c") == {"of": 2, "given": 1}
    player.work("c")
    assert player.status == "COMPLETED"


def test_several_in_a_row_and_the_last_one() -> None:
    player = Player(definition(node("a"), node("b"), node("c"))).start()
    skip(player, "c")
    skip(player, "b")
    player.work("a", v=1)
    assert player.status == "COMPLETED"


def test_the_first_of_a_case_is_stepped_over() -> None:
    switch = node(
        "switch", "SWITCH", evaluatorType="value-param", expression="v",
        inputParameters={"v": "1"}, decisionCases={"1": [node("one"), node("two")]},
    )  # fmt: skip
    player = Player(definition(node("a"), switch)).start()
    skip(player, "one")
    player.work("a")
    assert player.line("two").status == "SCHEDULED"


def test_a_whole_fork_is_stepped_over_with_its_join() -> None:
    player = Player(
        definition(
            node("a"),
            node("fork", "FORK_JOIN", forkTasks=[[node("b")], [node("c")]]),
            node("join", "JOIN", joinOn=["b", "c"]),
            node("d"),
        )
    ).start()
    skip(player, "fork")
    player.work("a")
    assert set(player.head.tasks) == {"a", "fork", "join", "d"}
    assert player.line("d").status == "SCHEDULED"


def test_in_a_branch_the_join_counts_it_as_done() -> None:
    player = Player(
        definition(
            node("fork", "FORK_JOIN", forkTasks=[[node("a"), node("b")], [node("c")]]),
            node("join", "JOIN", joinOn=["b", "c"]),
        )
    ).start()
    skip(player, "b", output={"v": 1})
    player.work("a")
    player.work("c")
    assert player.output("join") == {"b": {"v": 1}}
    assert player.status == "COMPLETED"


def test_in_a_loop_it_is_skipped_in_the_iteration_that_the_loop_is_in() -> None:
    loop = node(
        "loop", "DO_WHILE", loopCondition="$.loop.iteration < 3",
        inputParameters={"loop": "${loop.output}"}, loopOver=[node("x"), node("y")],
    )  # fmt: skip
    player = Player(definition(node("a"), loop)).start()
    skip(player, "x")
    player.work("a")
    assert player.statuses()["x__1"] == "SKIPPED"
    player.work("y")
    skip(player, "y")
    player.work("x")
    assert player.statuses()["y__2"] == "SKIPPED"
    player.work("x")
    player.work("y")
    assert player.status == "COMPLETED"


def test_a_rerun_keeps_what_was_skipped() -> None:
    player = Player(definition(node("a"), node("b"), node("c"))).start()
    skip(player, "b")
    player.work("a")
    player.work("c")
    player.do(Rerun(player.line("a").id))
    player.work("a")
    assert player.statuses() == {"a": "COMPLETED", "b": "SKIPPED", "c": "SCHEDULED"}


def test_a_rerun_from_what_was_skipped_does_it() -> None:
    player = Player(definition(node("a"), node("b"))).start()
    skip(player, "b")
    player.work("a")
    player.do(Rerun(player.line("b").id))
    player.work("b")
    assert player.status == "COMPLETED"


@pytest.mark.parametrize("ref", ["a", "b"])
def test_what_was_reached_or_skipped_cannot_be_skipped(ref: str) -> None:
    player = Player(definition(node("a"), node("b"))).start()
    skip(player, "b")
    assert refused(player, ref) == (409, "task_reached")


def test_an_unknown_reference() -> None:
    assert refused(Player(definition(node("a"))).start(), "zzz") == (400, "unknown_reference")


def test_only_a_running_execution() -> None:
    player = Player(definition(node("a"), node("b"))).start()
    player.do(Pause())
    assert refused(player, "b") == (409, "not_running")
