"""The grammar of paths: from text to steps."""

from typing import Any

from hookline_common.jsonpath.cursor import Cursor
from hookline_common.jsonpath.filters import parse_filter
from hookline_common.jsonpath.functions import FUNCTIONS, Function
from hookline_common.jsonpath.nodes import Reading
from hookline_common.jsonpath.operands import Evaluate, first_names, parse_operand
from hookline_common.jsonpath.steps import (
    Step,
    descend,
    element,
    elements,
    every_child,
    fitting,
    fitting_below,
    is_definite,
    member,
    nothing,
    part,
    picked_members,
    result_of,
    several_members,
)

_BLANKS = frozenset(" \t\r\n")
_NAME_ENDS = _BLANKS | frozenset(".[(")
_ARGUMENT_NAME_ENDS = _NAME_ENDS | frozenset(",)")


def parse_path(text: str) -> tuple[list[Step], frozenset[tuple[str, str]]]:
    """The steps, and the first two names of every path from the root that the text holds."""
    cursor = Cursor(text)
    if not text:
        raise cursor.error("the path is empty")
    if text == "$":
        return [], frozenset({first_names([])})
    steps = [] if cursor.accept("$") else _first_step(cursor)
    steps = _further_steps(cursor, _NAME_ENDS, steps)
    if not cursor.ended:
        raise cursor.error("expected '.' or '['; a name with blanks needs ['…']")
    cursor.reads.add(first_names(steps))
    return steps, frozenset(cursor.reads)


def _first_step(cursor: Cursor) -> list[Step]:
    """A path without `$` begins with a name, brackets or a function."""
    return [] if cursor.peek() in (".", "[") else _dotted(cursor, _NAME_ENDS, [])


def _parse_steps(cursor: Cursor, stops: frozenset[str]) -> list[Step]:
    cursor.enter()
    steps = _further_steps(cursor, stops, [])
    cursor.leave()
    return steps


def _further_steps(cursor: Cursor, stops: frozenset[str], steps: list[Step]) -> list[Step]:
    while True:
        if cursor.accept(".."):
            steps = _below(cursor, stops, steps)
        elif cursor.accept("."):
            steps = _dotted(cursor, stops, steps)
        elif cursor.accept("["):
            steps = [*steps, _bracketed(cursor)]
        else:
            return steps


def _below(cursor: Cursor, stops: frozenset[str], steps: list[Step]) -> list[Step]:
    if cursor.ended or cursor.peek() == ".":
        raise cursor.error("expected a name, '*' or '[' after '..'")
    if cursor.accept("[?("):
        return [*steps, fitting_below(_filter(cursor))]
    steps = [*steps, descend()]
    if cursor.accept("["):
        return [*steps, _bracketed(cursor)]
    return _dotted(cursor, stops, steps)


def _dotted(cursor: Cursor, stops: frozenset[str], steps: list[Step]) -> list[Step]:
    """What follows a dot: `*`, a name, a function, or brackets."""
    if cursor.accept("["):
        return [*steps, _bracketed(cursor)]
    start = cursor.position
    name = cursor.until(stops)
    if not name:
        raise cursor.error("expected a name")
    if name == "*":
        return [*steps, every_child()]
    if not cursor.accept("("):
        return [*steps, member(name)]
    if name not in FUNCTIONS:
        cursor.position = start
        raise cursor.error(f"unknown function {name!r}")
    return _called(steps, name, _arguments(cursor))


def _called(steps: list[Step], name: str, arguments: list[Evaluate]) -> list[Step]:
    """Functions work on one value; after a wildcard or filter they give nothing."""
    if is_definite(steps):
        return [*steps, result_of(_applied(FUNCTIONS[name], arguments))]
    if name == "length":
        return [*steps, nothing(definite=False)]
    return [*(step._replace(definite=True) for step in steps), nothing(definite=True)]


def _applied(function: Function, arguments: list[Evaluate]) -> Evaluate:
    def apply(node: Any, reading: Reading) -> Any:
        return function(node, [argument(node, reading) for argument in arguments])

    return apply


def _arguments(cursor: Cursor) -> list[Evaluate]:
    arguments: list[Evaluate] = []
    cursor.skip_blanks()
    while not cursor.accept(")"):
        if arguments:
            cursor.expect(",")
        operand = parse_operand(cursor, _ARGUMENT_NAME_ENDS, _parse_steps)
        arguments.append(operand.evaluate)
        cursor.skip_blanks()
    return arguments


def _bracketed(cursor: Cursor) -> Step:
    """What stands between `[` and `]`."""
    if cursor.accept("?("):
        return fitting(_filter(cursor))
    cursor.skip_blanks()
    if cursor.peek() in ("'", '"'):
        return _names(cursor)
    if cursor.accept("*"):
        _close(cursor)
        return every_child()
    return _numbers(cursor)


def _filter(cursor: Cursor) -> Any:
    predicate = parse_filter(cursor, _parse_steps)
    cursor.skip_blanks()
    cursor.expect(")")
    _close(cursor)
    return predicate


def _names(cursor: Cursor) -> Step:
    names = [cursor.quoted()]
    cursor.skip_blanks()
    while cursor.accept(","):
        cursor.skip_blanks()
        if cursor.peek() not in ("'", '"') or cursor.ended:
            raise cursor.error("expected a name in quotes")
        names.append(cursor.quoted())
        cursor.skip_blanks()
    _close(cursor)
    if len(names) == 1:
        return member(names[0])
    if cursor.peek() in (".", "[") and not cursor.ended:
        return several_members(tuple(names))
    return picked_members(tuple(names))


def _numbers(cursor: Cursor) -> Step:
    first = cursor.integer()
    cursor.skip_blanks()
    if cursor.accept(":"):
        return _slice(cursor, first)
    if first is None:
        raise cursor.error("expected an index, a slice, '*', a name in quotes or '?('")
    indexes = [first]
    while cursor.accept(","):
        cursor.skip_blanks()
        index = cursor.integer()
        if index is None:
            raise cursor.error("expected an index")
        indexes.append(index)
        cursor.skip_blanks()
    _close(cursor)
    return element(first) if len(indexes) == 1 else elements(tuple(indexes))


def _slice(cursor: Cursor, start: int | None) -> Step:
    cursor.skip_blanks()
    stop = cursor.integer()
    _close(cursor)
    return part(start, stop)


def _close(cursor: Cursor) -> None:
    cursor.skip_blanks()
    cursor.expect("]")
