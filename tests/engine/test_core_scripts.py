"""JavaScript in its sandbox: results, errors, limits, determinism."""

from typing import Any

import pytest

from hookline_engine.script_errors import ScriptError, ScriptTimeout
from hookline_engine.scripts import QuickJsEvaluator, syntax_error
from tests.engine.core_player import Player, definition, inline

NOW = 1_700_000_000_123


def run(script: str, value: Any = None, seed: str = "s") -> Any:
    return QuickJsEvaluator(time_limit_seconds=0.3).evaluate(script, value, NOW, seed)


@pytest.mark.parametrize(
    ("script", "result"),
    [
        ("1 + 1", 2),
        ("2.0", 2),
        ("2.5", 2.5),
        ("undefined", None),
        ("", None),
        ("NaN", "NaN"),
        ("1 / 0", "Infinity"),
        ("'é\u2028'", "é\u2028"),
        ("$.list.map((x) => x * 2)", [2, 4]),
        ("({a: undefined, b: {c: [null, 3]}})", {"a": None, "b": {"c": [None, 3]}}),
        ("[new Date(), () => 1, Promise.resolve(1)]", [{}, {}, {}]),
        ("2n ** 80n", 2**80),
        ("let x = $.list[0]; x", 1),
        ("(function () { return $.deep?.er ?? 'none'; })()", "none"),
        ("({['__proto__']: 1})", {"__proto__": 1}),
        ("JSON.stringify = null; Object.keys = null; ({a: 1})", {"a": 1}),
        ("typeof console + typeof print + typeof std + typeof require", "undefined" * 4),
    ],
)
def test_results(script: str, result: object):
    assert run(script, {"list": [1, 2]}) == result


def test_the_script_sees_a_copy():
    value = {"a": {"b": 1}}
    assert run("$.a.b = 2; $.a.c = 3; $", value) == {"a": {"b": 2, "c": 3}}
    assert value == {"a": {"b": 1}}


@pytest.mark.parametrize(
    "script",
    [
        "nothing",
        "return 1",
        "1 +",
        "throw new Error('x')",
        "(function f() { f() })()",
        "let a = []; while (true) a.push('x'.repeat(10000))",
        "let a = {}; a.a = a; a",
        "'\\ud800'",
    ],
)
def test_errors(script: str):
    with pytest.raises(ScriptError):
        run(script)


def test_a_script_that_runs_too_long_is_stopped():
    with pytest.raises(ScriptTimeout):
        run("while (true) {}")


def test_clock_and_randomness_come_from_the_command():
    script = "[Date.now(), new Date().getTime(), Math.random(), new Date(5).getTime()]"
    assert run(script) == run(script)
    assert run(script)[:2] == [NOW, NOW]
    assert run(script)[3] == 5
    assert run(script, seed="other")[2] != run(script)[2]


def test_syntax_is_checked_without_running_anything():
    assert syntax_error("$.a > 1 ? 'x' : 'y'") is None
    assert syntax_error("while (true) {}") is None
    assert syntax_error("return 1") is not None
    assert syntax_error("} while (true) {} {") is not None


@pytest.mark.parametrize(
    ("expression", "status", "evaluator"),
    [
        ("boom()", "FAILED_WITH_TERMINAL_ERROR", "javascript"),
        (" ", "FAILED_WITH_TERMINAL_ERROR", "javascript"),
        ("1", "FAILED_WITH_TERMINAL_ERROR", "cobol"),
        ("evaluatorType", "COMPLETED", "value-param"),
    ],
)
def test_inline_outcomes(expression: str, status: str, evaluator: str):
    player = Player(definition(inline("i", expression, evaluatorType=evaluator))).start()
    assert player.line("i").status == status
    if status != "COMPLETED":
        assert player.output("i") == {"error": player.line("i").reason}
