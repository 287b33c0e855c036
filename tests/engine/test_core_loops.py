"""The decide loop on DO_WHILE: iterations, items, nesting, limits, long loops."""

import pytest

from hookline_engine.core.decisions import Limits
from tests.engine.core_player import Player, definition, inline, node


def loop(**fields: object) -> dict[str, object]:
    return node("loop", "DO_WHILE", loopOver=[node("x"), node("y")], **fields)


def test_do_while_runs_its_body_until_the_condition_is_false():
    player = Player(
        definition(loop(loopCondition="$.loop.iteration < 2 && $.y.go"), node("end"))
    ).start()
    player.work("x", n=1)
    player.work("y", go=True)
    assert player.line("x").shown_ref == "x__2"
    assert player.line("loop").iteration == 2
    player.work("x", n=2)
    player.work("y", go=True)
    assert player.output("loop") == {
        "iteration": 2,
        "1": {"x": {"n": 1}, "y": {"go": True}},
        "2": {"x": {"n": 2}, "y": {"go": True}},
    }
    player.work("end")
    assert player.status == "COMPLETED"
    assert list(player.statuses()) == ["loop", "x__1", "y__1", "x__2", "y__2", "end"]


def test_a_list_loop_has_an_iteration_per_item_and_needs_no_condition():
    body = [inline("x", "$.item * 10", item="${loop.output.loopItem}")]
    player = Player(
        definition(node("loop", "DO_WHILE", items="${workflow.input.list}", loopOver=body))
    ).start({"list": [1, 2, 3]})
    assert player.status == "COMPLETED"
    assert [player.output("loop")[str(n)]["x"]["result"] for n in (1, 2, 3)] == [10, 20, 30]
    assert player.output("loop")["loopIndex"] == 2


@pytest.mark.parametrize("items", [[], None])
def test_a_list_loop_over_nothing_completes(items: object):
    player = Player(
        definition(node("loop", "DO_WHILE", items="${workflow.input.list}", loopOver=[node("x")]))
    ).start({"list": items})
    assert (player.status, player.output("loop")) == ("COMPLETED", {"iteration": 0})


def test_keep_last_n_drops_old_iterations_from_the_output():
    player = Player(
        definition(
            node(
                "loop",
                "DO_WHILE",
                loopCondition="$.loop.iteration < 5",
                inputParameters={"keepLastN": 2},
                loopOver=[inline("x", "1")],
            )
        )
    ).start()
    assert sorted(player.output("loop")) == ["4", "5", "iteration"]


def test_nested_loops_carry_the_whole_path_of_iterations():
    inner = node(
        "inner",
        "DO_WHILE",
        loopCondition="$.inner.iteration < 2",
        loopOver=[
            inline(
                "x", "$.o * 10 + $.i", o="${outer.output.iteration}", i="${inner.output.iteration}"
            )
        ],
    )
    outer = node(
        "outer",
        "DO_WHILE",
        loopCondition="$.outer.iteration < 2",
        loopOver=[inner, inline("last", "7")],
    )
    player = Player(definition(outer)).start()
    assert player.status == "COMPLETED"
    results = {line.shown_ref: player.value(line.output).get("result") for line in player.lines()}
    assert [results[f"x__{o}__{i}"] for o in (1, 2) for i in (1, 2)] == [11, 12, 21, 22]
    assert player.output("outer")["2"]["inner"]["1"] == {"x": {"result": 21}}
    assert player.output("outer")["1"]["last"] == {"result": 7}


def test_switch_and_fork_inside_a_loop():
    body = [
        node(
            "s",
            "SWITCH",
            evaluatorType="javascript",
            expression="$.n % 2 ? 'odd' : 'even'",
            inputParameters={"n": "${loop.output.iteration}"},
            decisionCases={"odd": [inline("o", "1")]},
            defaultCase=[
                node("f", "FORK_JOIN", forkTasks=[[inline("a", "2")], [node("w")]]),
                node("j", "JOIN", joinOn=["a", "w"]),
            ],
        ),
        inline("tail", "0"),
    ]
    player = Player(
        definition(node("loop", "DO_WHILE", loopCondition="$.loop.iteration < 3", loopOver=body))
    ).start()
    assert player.line("j").shown_ref == "j__2"
    assert player.given("j") == {"joinOn": ["a__2", "w__2"]}
    player.work("w", ok=True)
    assert player.status == "COMPLETED"
    assert player.output("loop")["2"]["j"] == {"a__2": {"result": 2}, "w__2": {"ok": True}}
    assert set(player.output("loop")["3"]) == {"s", "o", "tail"}


def test_a_reference_with_underscores_loops_like_any_other():
    player = Player(
        definition(
            node(
                "loop",
                "DO_WHILE",
                loopCondition="$.loop.iteration < 3",
                loopOver=[inline("a__1", "1"), inline("b__x", "$.v", v="${a__1.output}")],
            )
        )
    ).start()
    assert player.status == "COMPLETED"
    assert len(player.lines()) == 7


def test_a_loop_ends_at_the_limit_of_iterations():
    player = Player(
        definition(node("loop", "DO_WHILE", loopCondition="true", loopOver=[inline("x", "1")])),
        limits=Limits(iterations=5),
    ).start()
    assert player.status == "FAILED"
    assert player.line("loop").status == "FAILED_WITH_TERMINAL_ERROR"


def test_a_long_sync_loop_lets_others_have_their_turn_and_pages_its_lines():
    player = Player(
        definition(
            node(
                "loop",
                "DO_WHILE",
                loopCondition="$.loop.iteration < 700",
                inputParameters={"keepLastN": 1},
                loopOver=[inline("x", "1")],
            )
        ),
        limits=Limits(rounds=300),
    ).start()
    rounds = 1
    while player.status == "RUNNING":
        assert player.head.wake_at == player.now
        player.wake_when_due()
        rounds += 1
    assert rounds > 1
    assert len(player.head.pages) == 1
    assert len(player.lines()) == 701
