"""Clauses: where values come from, what each operator means, and what is refused when saved."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline_common.errors import BadRequest
from hookline_common.matching import (
    EventView,
    check_matches,
    check_when,
    equality_paths,
    holds,
    rule_holds,
    split,
)
from hookline_common.matching.operators import OPERATORS
from tests.common.jsons import objects, values

EVENT = EventView(
    {
        "action": "Submitted",
        "number": 17,
        "text_number": "17",
        "price": 9.5,
        "draft": False,
        "closed": None,
        "labels": ["bug", "urgent"],
        "commits": [{"message": "fix it", "tags": ["a"]}, {"message": "more", "tags": ["b", "c"]}],
        "empty": [],
        "at": "2024-05-01T10:00:00Z",
        "nested": {"a": 1, "b": [1, 2]},
        "operator": {"operator": "Bob"},
    },
    [("x-github-event", "push"), ("X-Twice", "one"), ("x-twice", "two")],
    "q=1&list=a&list=b&blank=",
)

EQUALITY = [
    ("action", "Submitted", True),
    ("action", "submitted", False),
    ("$.number", 17, True),
    ("$['number']", "17", True),
    ("$.number", 17.0, True),
    ("text_number", 17, True),
    ("draft", False, True),
    ("draft", "false", True),
    ("closed", None, True),
    ("closed", "null", False),
    ("absent", None, False),
    ("absent.deeper", "x", False),
    ("labels", "bug", True),
    ("labels", ["bug", "urgent"], True),
    ("labels", ["urgent", "bug"], False),
    ("labels", "ur", False),
    ("commits[*].message", "more", True),
    ("commits[*].message", "none", False),
    ("commits[?(@.message == 'more')].tags", ["b", "c"], False),
    ("commits[?(@.message == 'more')].tags", [["b", "c"]], True),
    ("commits[*].absent", [], False),
    ("empty", [], True),
    ("nested", {"b": [1, 2], "a": 1}, True),
    ("nested", {"a": 1}, False),
    ("nested.b[-1]", 2, True),
    ("labels.length()", 2, True),
    ("header:X-GitHub-Event", "push", True),
    ("header:x-twice", "two", True),
    ("header:x-twice", ["one", "two"], True),
    ("header:absent", "x", False),
    ("query:q", 1, True),
    ("query:list", "b", True),
    ("query:blank", "", True),
    ("query:Q", 1, False),
]
OPERATOR_CASES = [
    ("number", {"operator": "in", "values": [1, "17"]}, True),
    ("number", {"operator": "in", "values": []}, False),
    ("labels", {"operator": "in", "values": ["urgent", "x"]}, True),
    ("absent", {"operator": "in", "values": [None]}, False),
    ("closed", {"operator": "in", "values": [None]}, True),
    ("number", {"operator": "notEquals", "value": 18}, True),
    ("number", {"operator": "notEquals", "value": "17"}, False),
    ("labels", {"operator": "notEquals", "value": "bug"}, False),
    ("absent", {"operator": "notEquals", "value": "x"}, True),
    ("number", {"operator": "exists"}, True),
    ("closed", {"operator": "exists"}, True),
    ("absent", {"operator": "exists"}, False),
    ("absent", {"operator": "exists", "value": False}, True),
    ("commits[*].absent", {"operator": "exists"}, False),
    ("empty", {"operator": "exists"}, True),
    ("header:x-github-event", {"operator": "exists"}, True),
    ("number", {"operator": "greaterThan", "value": 16}, True),
    ("number", {"operator": "greaterThan", "value": 17}, False),
    ("number", {"operator": "greaterThan", "value": "9"}, True),
    ("text_number", {"operator": "greaterThan", "value": 9}, True),
    ("number", {"operator": "greaterThanOrEquals", "value": 17}, True),
    ("price", {"operator": "lessThan", "value": 10}, True),
    ("price", {"operator": "lessThanOrEquals", "value": 9.5}, True),
    ("at", {"operator": "greaterThan", "value": "2024-01-01"}, True),
    ("at", {"operator": "greaterThan", "value": 3}, False),
    ("draft", {"operator": "lessThan", "value": 3}, False),
    ("closed", {"operator": "lessThan", "value": 3}, False),
    ("absent", {"operator": "lessThan", "value": 3}, False),
    ("action", {"operator": "startsWith", "value": "Sub"}, True),
    ("action", {"operator": "startsWith", "value": "sub"}, False),
    ("number", {"operator": "startsWith", "value": 1}, True),
    ("action", {"operator": "endsWith", "value": "ted"}, True),
    ("labels", {"operator": "endsWith", "value": "ug"}, True),
    ("action", {"operator": "contains", "value": "mitt"}, True),
    ("labels", {"operator": "contains", "value": "bug"}, True),
    ("labels", {"operator": "contains", "value": "bu"}, False),
    ("commits[*].message", {"operator": "contains", "value": "fix"}, True),
    ("commits[*].tags", {"operator": "contains", "value": "c"}, True),
    ("commits", {"operator": "contains", "value": {"tags": ["a"], "message": "fix it"}}, True),
    ("nested", {"operator": "contains", "value": "a"}, False),
    ("action", {"operator": "equalsIgnoreCase", "value": "SUBMITTED"}, True),
    ("action", {"operator": "equalsIgnoreCase", "value": "other"}, False),
    ("action", {"operator": "matches", "value": "^Sub.*d$"}, True),
    ("action", {"operator": "matches", "value": "mit"}, True),
    ("action", {"operator": "matches", "value": "^mit"}, False),
    ("closed", {"operator": "matches", "value": ".*"}, False),
    ("commits[*].message", {"operator": "matches", "value": "^fix"}, True),
]


@pytest.mark.parametrize(("path", "expected", "outcome"), EQUALITY)
def test_equality(path: str, expected: Any, outcome: bool) -> None:
    assert rule_holds({path: expected}, EVENT) is outcome


@pytest.mark.parametrize(("path", "clause", "outcome"), OPERATOR_CASES)
def test_operators(path: str, clause: dict[str, Any], outcome: bool) -> None:
    assert rule_holds({path: clause}, EVENT) is outcome
    assert holds({path: clause}, EVENT) is outcome
    check_matches({path: clause})


def test_every_operator_is_in_the_table() -> None:
    assert {clause["operator"] for _, clause, _ in OPERATOR_CASES} == set(OPERATORS)


def test_all_clauses_must_hold_and_none_takes_every_event() -> None:
    assert rule_holds({}, EVENT)
    assert rule_holds({"action": "Submitted", "number": {"operator": "exists"}}, EVENT)
    assert not rule_holds({"action": "Submitted", "number": 18}, EVENT)


def test_the_namespaces_never_mix() -> None:
    """Conductor lays the query over the body, so that anyone can change a signed field."""
    event = EventView({"action": "a"}, [("action", "h")], "action=q")
    assert rule_holds({"action": "a", "header:action": "h", "query:action": "q"}, event)
    assert not rule_holds({"action": "q"}, event)


def test_a_regular_expression_cannot_stall() -> None:
    event = EventView({"x": "a" * 50_000 + "!"})
    assert not holds({"x": {"operator": "matches", "value": "^(a+)+$"}}, event)


def test_a_lone_surrogate_matches_no_pattern() -> None:
    assert not holds({"x": {"operator": "matches", "value": "."}}, EventView({"x": "\ud800"}))


def test_clauses_are_split_into_sorted_paths_and_operators() -> None:
    matches = {"b": 1, "a": None, "c": {"operator": "exists"}, "d": {"operator": {"x": 1}}}
    clauses = split(matches)
    assert clauses.paths == equality_paths(matches) == ("a", "b", "d")
    assert clauses.values == ("~", "=1", split({"d": {"operator": {"x": 1}}}).values[0])
    assert clauses.operators == {"c": {"operator": "exists"}}


def test_only_what_is_written_as_an_operator_is_one() -> None:
    """A value that comes from data is compared, even if it looks like an operator."""
    resolved = {"a": {"operator": "exists"}}
    clauses = split(resolved, {"a": "${workflow.input.x}"})
    assert clauses.paths == ("a",)
    assert clauses.operators == {}


REFUSED = [
    ([], "/matches"),
    ("text", "/matches"),
    (None, "/matches"),
    ({"a[": 1}, "/matches/a["),
    ({"": 1}, "/matches/"),
    ({"a/b~c d": 1}, "/matches/a~1b~0c d"),
    ({"header:": 1}, "/matches/header:"),
    ({"query: ": 1}, "/matches/query: "),
    ({"anyOf": []}, "/matches/anyOf"),
    ({"allOf": []}, "/matches/allOf"),
    ({"expression": "x"}, "/matches/expression"),
    ({"a": {"operator": "like", "value": 1}}, "/matches/a/operator"),
    ({"a": {"operator": "${workflow.input.op}", "value": 1}}, "/matches/a/operator"),
    ({"a": {"operator": "in", "value": [1]}}, "/matches/a/value"),
    ({"a": {"operator": "in"}}, "/matches/a"),
    ({"a": {"operator": "in", "values": "x"}}, "/matches/a/values"),
    ({"a": {"operator": "exists", "value": 1}}, "/matches/a/value"),
    ({"a": {"operator": "exists", "extra": 1}}, "/matches/a/extra"),
    ({"a": {"operator": "greaterThan", "value": True}}, "/matches/a/value"),
    ({"a": {"operator": "greaterThan", "value": None}}, "/matches/a/value"),
    ({"a": {"operator": "startsWith", "value": None}}, "/matches/a/value"),
    ({"a": {"operator": "startsWith", "value": ["x"]}}, "/matches/a/value"),
    ({"a": {"operator": "matches", "value": "("}}, "/matches/a/value"),
    ({"a": {"operator": "matches", "value": r"(a)\1"}}, "/matches/a/value"),
    ({"a": {"operator": "matches", "value": 5}}, "/matches/a/value"),
    ({"a": {"operator": "notEquals"}}, "/matches/a"),
]


@pytest.mark.parametrize(("matches", "field"), REFUSED)
def test_bad_matches_are_refused_with_the_field(matches: Any, field: str) -> None:
    with pytest.raises(BadRequest) as raised:
        check_matches(matches)
    assert raised.value.field == field
    assert raised.value.violations[0]["path"] == field


def test_every_problem_is_named() -> None:
    with pytest.raises(BadRequest) as raised:
        check_matches({"a[": 1, "b": {"operator": "like"}})
    assert [found["path"] for found in raised.value.violations] == [
        "/matches/a[",
        "/matches/b/operator",
    ]


@pytest.mark.parametrize(
    "matches",
    [
        {},
        "${workflow.input.matches}",
        {"a": "${workflow.input.x}"},
        {"a": {"deep": ["x ${workflow.input.x}"]}},
        {"a": {"operator": "in", "values": "${workflow.input.list}"}},
        {"a": {"operator": "in", "values": ["${workflow.input.x}"]}},
        {"a": {"operator": "greaterThan", "value": "${workflow.input.x}"}},
        {"a": {"operator": "matches", "value": "(${workflow.input.x}"}},
        {"$.expression": 1, "$['event']['type']": None},
    ],
)
def test_good_matches_pass(matches: Any) -> None:
    check_matches(matches)


@pytest.mark.parametrize("when", ["${workflow.input.x}", {"a": "x ${b.c}"}, {"a[": 1}, 5])
def test_the_condition_of_a_start_rule_is_literal(when: Any) -> None:
    with pytest.raises(BadRequest):
        check_when(when)


clauses = values | st.builds(
    lambda name, operand: {"operator": name, OPERATORS[name].operand: operand},
    st.sampled_from(sorted(OPERATORS)),
    values | st.lists(values, max_size=3),
)
paths = st.sampled_from(["a", "$.a.b", "$..a", "$.*", "a[*]", "a[0]", "header:a", "query:a"])


@given(st.dictionaries(paths, clauses, max_size=3), objects, st.text(max_size=8))
def test_what_is_accepted_can_be_held_against_any_event(
    matches: dict[str, Any], body: dict[str, Any], query: str
) -> None:
    try:
        check_when(matches)
    except BadRequest:
        return
    assert rule_holds(matches, EventView(body, [("a", "x")], query)) in (True, False)
