"""A set of clauses, `matches` of a task or `when` of a start rule: path -> expected value."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from hookline_common.errors import BadRequest
from hookline_common.expressions import has_placeholder, is_placeholder
from hookline_common.expressions.templates import TemplateTooDeep, escape_pointer
from hookline_common.jsonpath import MISSING, is_object
from hookline_common.matching.events import EventView, path_problem
from hookline_common.matching.operators import (
    OPERATORS,
    Clause,
    Operator,
    clause_holds,
    is_operator,
)
from hookline_common.matching.values import NestedTooDeeply, canonical

Deferred = Callable[[Any], bool]
NOT_YET = ("anyOf", "allOf", "expression")


class Violation(NamedTuple):
    """What is wrong with a part of a request; `pointer` is a JSON Pointer into it."""

    pointer: str
    message: str


class Clauses(NamedTuple):
    """A set of clauses, split: sorted equality paths, the canonical value of each, operators."""

    paths: tuple[str, ...]
    values: tuple[str, ...]
    operators: dict[str, Any]


def split(matches: Mapping[str, Any], template: Mapping[str, Any] | None = None) -> Clauses:
    """Split resolved `matches`; raises NestedTooDeeply.

    Only what is written as an operator in the `template` is one: a value that an expression read
    is compared as it is, whatever it looks like.
    """
    written = matches if template is None else template
    paths = equality_paths(written)
    return Clauses(
        paths,
        tuple([canonical(matches[path]) for path in paths]),
        {path: matches[path] for path in sorted(written) if is_operator(written[path])},
    )


def equality_paths(matches: Mapping[str, Any]) -> tuple[str, ...]:
    """The sorted paths of the clauses that are no operators: the paths of the match plan."""
    return tuple(sorted(path for path, expected in matches.items() if not is_operator(expected)))


def holds(clauses: Mapping[str, Clause], event: EventView) -> bool:
    """Whether the event meets every operator clause."""
    return all(clause_holds(clause, event, path) for path, clause in clauses.items())


def rule_holds(when: Mapping[str, Any], event: EventView) -> bool:
    """Whether the event meets every clause of a start rule; an empty rule takes every event."""
    return all(expected_holds(expected, event, path) for path, expected in when.items())


def expected_holds(expected: Any, event: EventView, path: str) -> bool:
    """Whether the event has the expected value, or meets the operator, at `path`."""
    if is_operator(expected):
        return clause_holds(expected, event, path)
    return canonical(expected) in event.candidates(path)


def check_matches(matches: Any, pointer: str = "/matches") -> None:
    """Check `matches` of a definition that is saved; expressions in values are checked later.

    Raises BadRequest: `field` is the JSON Pointer of the first problem, `violations` has all.
    """
    refuse(list(match_violations(matches, pointer, has_placeholder, matches)))


def check_when(when: Any, pointer: str = "/when") -> None:
    """Check the `when` of a start rule; raises BadRequest like check_matches."""
    problems = list(match_violations(when, pointer, is_never_resolved, when))
    if not problems and has_placeholder(when):
        problems = [Violation(pointer, "expressions are not resolved here: write the value itself")]
    refuse(problems)


def refuse(violations: list[Violation]) -> None:
    """Raise BadRequest if there are violations."""
    if violations:
        first = violations[0]
        raise BadRequest(
            f"{first.pointer}: {first.message}",
            field=first.pointer,
            violations=[{"path": found.pointer, "message": found.message} for found in violations],
        )


def is_never_resolved(_: Any) -> bool:
    """For values that are final already: nothing in them is an expression."""
    return False


def match_violations(
    matches: Any, pointer: str, deferred: Deferred, written: Any
) -> Iterator[Violation]:
    """All that is wrong with a set of clauses; what is `deferred` is resolved, and checked, later.

    What is `written` as an operator is one.
    """
    if is_placeholder(matches) and deferred(matches):
        return
    if not is_object(matches):
        yield Violation(pointer, "must be an object of path -> expected value")
        return
    for path, expected in matches.items():
        kind = _operator_violations if is_operator(written[path]) else _value_violations
        yield from _path_violations(path, pointer)
        yield from kind(expected, f"{pointer}/{escape_pointer(path)}", deferred)


def _path_violations(path: str, pointer: str) -> Iterator[Violation]:
    place = f"{pointer}/{escape_pointer(path)}"
    if path in NOT_YET:
        yield Violation(place, f"{path!r} is not supported yet; a field of that name is '$.{path}'")
    elif problem := path_problem(path):
        yield Violation(place, problem)


def _value_violations(expected: Any, place: str, deferred: Deferred) -> Iterator[Violation]:
    try:
        if not deferred(expected):
            canonical(expected)
    except (NestedTooDeeply, TemplateTooDeep) as error:
        yield Violation(place, str(error))


def _operator_violations(clause: Clause, place: str, deferred: Deferred) -> Iterator[Violation]:
    name = clause["operator"]
    operator = OPERATORS.get(name)
    if not operator:
        known = ", ".join(OPERATORS)
        yield Violation(f"{place}/operator", f"unknown operator {name!r}; known are: {known}")
        return
    for key in clause.keys() - {"operator", operator.operand}:
        yield Violation(
            f"{place}/{escape_pointer(key)}",
            f"unknown key {key!r}; {name!r} takes {operator.operand!r}",
        )
    operand = clause.get(operator.operand, operator.default)
    if operand is MISSING:
        yield Violation(place, f"{name!r} needs {operator.operand!r}")
    else:
        yield from _operand_violations(operator, operand, place, deferred)


def _operand_violations(
    operator: Operator, operand: Any, place: str, deferred: Deferred
) -> Iterator[Violation]:
    try:
        problem = None if deferred(operand) else operator.problem(operand)
    except TemplateTooDeep as error:
        problem = str(error)
    if problem:
        yield Violation(f"{place}/{operator.operand}", problem)
