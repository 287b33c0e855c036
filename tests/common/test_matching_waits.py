"""From a task's input to its wait: checked when the definition is saved, resolved at its start."""

from typing import Any

import pytest

from hookline_common.durations import DurationSyntaxError, parse_duration
from hookline_common.errors import BadRequest
from hookline_common.expressions import MappingScope, evaluate, unresolved
from hookline_common.matching import (
    EventView,
    WaitUnresolvable,
    check_wait,
    definition_paths,
    event_keys,
    plan_of,
    resolve_wait,
    wait_key,
    wait_violations,
)
from hookline_common.messages import Wait

INPUT = {"order": "A-1", "amount": 5, "list": ["x", "y"], "clause": {"operator": "exists"}}
SCOPE = MappingScope({"workflow": {"input": INPUT}})
OPENED_AT = 1_700_000_000_000


def _resolve(template: dict[str, Any]) -> Wait:
    return resolve_wait(
        template,
        evaluate(template, SCOPE),
        workflow="orders",
        version=3,
        opened_at=OPENED_AT,
        unresolved=unresolved(template.get("matches"), SCOPE),
    )


def test_a_wait_holds_what_the_task_asks_for() -> None:
    template = {
        "matches": {
            "$.order.id": "${workflow.input.order}",
            "$.amount": {"operator": "greaterThan", "value": "${workflow.input.amount}"},
            "$.kind": "paid",
        },
        "timeout": "2 days",
        "webhooks": ["shop"],
        "earlyEvents": False,
        "lookbackSeconds": 60,
        "include": ["event"],
        "something": "else",
    }
    check_wait(template)
    assert _resolve(template) == Wait(
        workflow="orders",
        version=3,
        paths=("$.kind", "$.order.id"),
        values=("=paid", "=A-1"),
        clauses={"$.amount": {"operator": "greaterThan", "value": 5}},
        webhooks=("shop",),
        early_events=False,
        lookback_seconds=60,
        timeout_at=OPENED_AT + 2 * 86_400_000,
        include_event=True,
    )
    assert definition_paths(template) == ("$.kind", "$.order.id")


def test_a_wait_without_matches_takes_any_event() -> None:
    wait = _resolve({"matches": {}})
    assert wait == Wait("orders", 3)
    assert event_keys(plan_of(wait), EventView({"any": 1})) == [wait_key(wait)]


def test_a_wait_has_the_plan_of_its_definition_whatever_the_data_looks_like() -> None:
    template = {"matches": {"$.a": "${workflow.input.clause}"}}
    wait = _resolve(template)
    assert wait.paths == definition_paths(template)
    assert wait.clauses == {}
    assert wait_key(wait) in event_keys(plan_of(wait), EventView({"a": {"operator": "exists"}}))


def test_all_of_matches_can_come_from_one_expression() -> None:
    template = {"matches": "${workflow.input.matches}"}
    scope = MappingScope(
        {"workflow": {"input": {"matches": {"a": 1, "b": {"operator": "exists"}}}}}
    )
    check_wait(template)
    assert definition_paths(template) is None
    wait = resolve_wait(
        template, evaluate(template, scope), workflow="w", version=1, opened_at=OPENED_AT
    )
    assert (wait.paths, list(wait.clauses)) == (("a",), ["b"])


@pytest.mark.parametrize(
    ("matches", "part"),
    [
        ({"$.a": "${workflow.input.absent}"}, "/matches/$.a: ${workflow.input.absent}"),
        ({"$.a": "x-${workflow.input.absent}"}, "/matches/$.a: ${workflow.input.absent}"),
        ({"$.a": {"deep": ["${workflow.input.absent}"]}}, "/matches/$.a/deep/0"),
        (
            {"$.a": {"operator": "in", "values": ["${workflow.input.absent}"]}},
            "/matches/$.a/values/0",
        ),
        ("${workflow.input.absent}", "/matches: ${workflow.input.absent}"),
        ("${workflow.input.amount}", "/matches: must be an object"),
        ({"$.a": {"operator": "in", "values": "${workflow.input.order}"}}, "must be a list"),
        ({"$.a": {"operator": "startsWith", "value": "${workflow.input.list}"}}, "must be a text"),
    ],
)
def test_a_wait_that_nothing_can_meet_is_an_error(matches: Any, part: str) -> None:
    with pytest.raises(WaitUnresolvable) as raised:
        _resolve({"matches": matches})
    assert part in str(raised.value)


def test_a_whole_expression_without_a_value_is_found_without_being_told() -> None:
    template = {"matches": {"$.a": "${workflow.input.absent}"}}
    with pytest.raises(WaitUnresolvable):
        resolve_wait(template, evaluate(template, SCOPE), workflow="w", version=1, opened_at=0)


def test_a_null_that_is_written_is_a_value() -> None:
    assert _resolve({"matches": {"$.a": None}}).values == ("~",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout", "soon"),
        ("timeout", ""),
        ("timeout", "0s"),
        ("timeout", 30),
        ("onTimeout", "IGNORE"),
        ("webhooks", [1]),
        ("webhooks", ""),
        ("earlyEvents", "no"),
        ("lookbackSeconds", -1),
        ("lookbackSeconds", True),
        ("lookbackSeconds", 1.5),
        ("lookbackSeconds", 10**12),
        ("include", ["body"]),
        ("include", "event"),
        ("anyOf", []),
        ("allOf", []),
        ("expression", "true"),
    ],
)
def test_bad_parameters_are_refused_when_saved_and_when_resolved(name: str, value: Any) -> None:
    template = {"matches": {}, name: value}
    with pytest.raises(BadRequest) as refused:
        check_wait(template, "/tasks/0/inputParameters")
    assert refused.value.field == f"/tasks/0/inputParameters/{name}"
    with pytest.raises(WaitUnresolvable, match=f"/{name}: "):
        _resolve(template)


def test_parameters_from_expressions_are_checked_at_the_start() -> None:
    template = {"matches": {}, "timeout": "${workflow.input.order}"}
    check_wait(template)
    with pytest.raises(WaitUnresolvable, match="/timeout: 'A-1' is not a duration"):
        _resolve(template)


def test_matches_are_required() -> None:
    assert [found.pointer for found in wait_violations({}, "/inputParameters")] == [
        "/inputParameters"
    ]


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("30m", 1_800_000),
        ("2 days", 172_800_000),
        ("1d 2h 3m 4s", 93_784_000),
        ("1day2hrs3mins4secs", 93_784_000),
        ("1 HOUR 5 Minutes", 3_900_000),
        ("90 seconds", 90_000),
        ("1 hr", 3_600_000),
        ("", 0),
        ("  ", 0),
        (" 5s ", 5_000),
    ],
)
def test_durations(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize("text", ["soon", "5", "1s 2m", "1.5h", "-1s", "1w", "٣s", "9" * 30 + "s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(DurationSyntaxError):
        parse_duration(text)
