"""Why an event meets a wait or a start rule, or misses it: clause by clause, with near misses."""

from collections.abc import Mapping
from typing import Any

import msgspec

from hookline_common.jsonpath import MISSING, compile_path, is_array, is_number, is_object
from hookline_common.jsonpath.nodes import number_in
from hookline_common.matching.clauses import expected_holds, is_operator
from hookline_common.matching.events import HEADER, QUERY, EventView
from hookline_common.matching.operators import OPERATORS, Clause, clause_holds
from hookline_common.matching.values import is_scalar, restored, scalar_text
from hookline_common.messages import Wait

_MOST_NAMES = 10


class ClauseReport(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One clause: what was expected at the path, what came, and what a miss was close to.

    `found` is false, and `actual` null, where the path leads nowhere.
    """

    path: str
    operator: str
    expected: Any
    actual: Any
    found: bool
    holds: bool
    note: str = ""


def explain_wait(wait: Wait, event: EventView) -> tuple[ClauseReport, ...]:
    """Every clause of a wait against the event."""
    equalities = zip(wait.paths, wait.values, strict=True)
    return (
        *(
            _equality(path, restored(value), event, holds=value in event.candidates(path))
            for path, value in equalities
        ),
        *(_operator(path, clause, event) for path, clause in wait.clauses.items()),
    )


def explain_clauses(clauses: Mapping[str, Any], event: EventView) -> tuple[ClauseReport, ...]:
    """Every clause of a start rule's `when`, or of resolved `matches`, against the event."""
    return tuple(
        _operator(path, expected, event)
        if is_operator(expected)
        else _equality(path, expected, event, holds=expected_holds(expected, event, path))
        for path, expected in clauses.items()
    )


def _equality(path: str, expected: Any, event: EventView, *, holds: bool) -> ClauseReport:
    note = "" if holds else _near_miss(path, expected, event)
    return _report(path, "equals", expected, event, holds, note)


def _operator(path: str, clause: Clause, event: EventView) -> ClauseReport:
    name = clause["operator"]
    operator = OPERATORS[name]
    expected = clause.get(operator.operand, operator.default)
    holds = clause_holds(clause, event, path)
    missing = event.found(path).value is MISSING
    note = _absence(path, event) if missing and not holds else ""
    return _report(path, name, expected, event, holds, note)


def _report(
    path: str, operator: str, expected: Any, event: EventView, holds: bool, note: str
) -> ClauseReport:
    value = event.found(path).value
    found = value is not MISSING
    return ClauseReport(path, operator, expected, value if found else None, found, holds, note)


def _near_miss(path: str, expected: Any, event: EventView) -> str:
    value = event.found(path).value
    if value is MISSING:
        return _absence(path, event)
    values: list[Any] = value if is_array(value) and is_scalar(expected) else [value]
    notes = [_difference(expected, actual) for actual in values]
    return next((note for note in notes if note), "")


def _difference(expected: Any, actual: Any) -> str:
    if _kind(expected) != _kind(actual):
        return f"type differs: expected {_kind(expected)}, came {_kind(actual)}"
    if not is_scalar(expected):
        return ""
    wanted, came = scalar_text(expected), scalar_text(actual)
    if wanted.casefold() == came.casefold():
        return "differs only in case"
    if wanted.strip() == came.strip():
        return "differs only in blanks at the ends"
    number = number_in(wanted)
    same = number is not None and number == number_in(came)
    return "the same number, spelled differently" if same else ""


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if is_object(value):
        return "an object"
    return "an array" if is_array(value) else "a text, number or boolean"


def _absence(path: str, event: EventView) -> str:
    """What is there instead: names that differ in case only, or the names beside the missing."""
    for prefix, what in ((HEADER, "header"), (QUERY, "query parameter")):
        if path.startswith(prefix):
            return f"the event has no {what} {path.removeprefix(prefix).strip()!r}"
    return _missing_step(path, event) or "the path leads nowhere"


def _missing_step(path: str, event: EventView) -> str:
    node: Any = event.body
    for key in compile_path(path).keys or ():
        if isinstance(key, str) and is_object(node):
            if key not in node:
                return _no_member(key, node)
            node = node[key]
        elif is_number(key) and is_array(node) and -len(node) <= key < len(node):
            node = node[int(key)]
        else:
            return f"{_kind(node)} has no {key!r}"
    return ""


def _no_member(name: str, node: Mapping[str, Any]) -> str:
    for other in node:
        if other.casefold() == name.casefold():
            return f"no {name!r}, but {other!r}: differs only in case"
    names = ", ".join(repr(other) for other in list(node)[:_MOST_NAMES])
    return f"no {name!r}; there are: {names}" if names else f"no {name!r} in an empty object"
