"""Explanations: clause by clause, and what a miss was close to."""

from typing import Any

import pytest
from hypothesis import given

from hookline_common.matching import (
    ClauseReport,
    EventView,
    explain_clauses,
    explain_wait,
    rule_holds,
    split,
)
from hookline_common.messages import Wait
from tests.common.jsons import objects, values

EVENT = EventView(
    {"action": "Opened", "pull": {"number": 7, "title": " x "}, "labels": ["Bug"], "text": "1.0"},
    [("x-event", "push")],
    "q=1",
)


def test_a_wait_is_explained_clause_by_clause() -> None:
    clauses = split({"pull.number": 7, "action": {"operator": "in", "values": ["closed"]}})
    wait = Wait("w", 1, clauses.paths, clauses.values, clauses.operators)
    assert explain_wait(wait, EVENT) == (
        ClauseReport("pull.number", "equals", "7", 7, found=True, holds=True),
        ClauseReport("action", "in", ["closed"], "Opened", found=True, holds=False),
    )


@pytest.mark.parametrize(
    ("path", "expected", "note"),
    [
        ("action", "opened", "differs only in case"),
        ("labels", "bug", "differs only in case"),
        ("pull.title", "x", "differs only in blanks at the ends"),
        ("text", 1, "the same number, spelled differently"),
        ("pull", "x", "type differs: expected a text, number or boolean, came an object"),
        ("action", None, "type differs: expected null, came a text, number or boolean"),
        ("action", "closed", ""),
        ("Action", "Opened", "no 'Action', but 'action': differs only in case"),
        ("pull.id", 1, "no 'id'; there are: 'number', 'title'"),
        ("labels[3]", "x", "an array has no 3"),
        ("action.x", 1, "a text, number or boolean has no 'x'"),
        ("pull[?(@.x)]", 1, "the path leads nowhere"),
        ("header:x-absent", "x", "the event has no header 'x-absent'"),
        ("query:absent", "x", "the event has no query parameter 'absent'"),
        (
            "absent",
            {"operator": "exists"},
            "no 'absent'; there are: 'action', 'pull', 'labels', 'text'",
        ),
    ],
)
def test_near_misses_are_named(path: str, expected: Any, note: str) -> None:
    (report,) = explain_clauses({path: expected}, EVENT)
    assert not report.holds
    assert report.note == note


@given(values, objects)
def test_an_explanation_agrees_with_the_match(expected: Any, body: dict[str, Any]) -> None:
    if isinstance(expected, dict) and isinstance(expected.get("operator"), str):
        return
    event = EventView(body)
    for path in (*(f"['{name}']" for name in body if "'" not in name and "\\" not in name), "a.b"):
        clauses = split({path: expected})
        (by_wait,) = explain_wait(Wait("w", 1, clauses.paths, clauses.values), event)
        (by_rule,) = explain_clauses({path: expected}, event)
        assert by_wait.holds is by_rule.holds is rule_holds({path: expected}, event)
