"""The operands of filters and functions: paths from `@` or `$`, and literals."""

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from hookline_common.jsonpath.cursor import Cursor
from hookline_common.jsonpath.nodes import Reading, number_in
from hookline_common.jsonpath.steps import Step, is_definite, outcome

Evaluate = Callable[[Any, Reading], Any]
ParseSteps = Callable[[Cursor, frozenset[str]], list[Step]]

ANY = "*"
WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
_LITERAL_ENDS = frozenset(" \t\r\n,)]}&|=!<>~")


class Operand(NamedTuple):
    """`evaluate` gives the value for a node; `is_path` tells `[?(@.x)]` from a literal."""

    evaluate: Evaluate
    is_path: bool
    definite: bool = True


def parse_operand(cursor: Cursor, stops: frozenset[str], parse_steps: ParseSteps) -> Operand:
    """A path or literal; `stops` end a name written with a dot."""
    cursor.skip_blanks()
    if cursor.accept("@"):
        return _relative(parse_steps(cursor, stops))
    if cursor.accept("$"):
        return _rooted(cursor, parse_steps(cursor, stops))
    return _constant(parse_literal(cursor))


def first_names(steps: Sequence[Step]) -> tuple[str, str]:
    """The names of the first two steps, ANY for whatever is no name."""
    names = [step.key if isinstance(step.key, str) else ANY for step in steps[:2]]
    first, second = (*names, ANY, ANY)[:2]
    return (first, second)


def _relative(steps: list[Step]) -> Operand:
    def evaluate(node: Any, reading: Reading) -> Any:
        return outcome(steps, node, reading)

    return Operand(evaluate, is_path=True, definite=is_definite(steps))


def _rooted(cursor: Cursor, steps: list[Step]) -> Operand:
    cursor.reads.add(first_names(steps))

    def evaluate(_: Any, reading: Reading) -> Any:
        return outcome(steps, reading.root, reading)

    return Operand(evaluate, is_path=True, definite=is_definite(steps))


def _constant(value: Any) -> Operand:
    def evaluate(_: Any, __: Reading) -> Any:
        return value

    return Operand(evaluate, is_path=False)


def parse_literal(cursor: Cursor) -> Any:
    """A text in quotes, a number, true, false, null, a list or a JSON object."""
    cursor.skip_blanks()
    if cursor.peek() in ("'", '"'):
        return cursor.quoted()
    if cursor.accept("["):
        return _list(cursor)
    if cursor.peek() == "{":
        return _json_object(cursor)
    return _bare(cursor)


def _list(cursor: Cursor) -> list[Any]:
    cursor.enter()
    values: list[Any] = []
    cursor.skip_blanks()
    while not cursor.accept("]"):
        if values:
            cursor.expect(",")
        values.append(parse_literal(cursor))
        cursor.skip_blanks()
    cursor.leave()
    return values


def _json_object(cursor: Cursor) -> Any:
    try:
        value, cursor.position = json.JSONDecoder().raw_decode(cursor.text, cursor.position)
    except (ValueError, RecursionError) as error:
        raise cursor.error("not a JSON object") from error
    return value


def _bare(cursor: Cursor) -> Any:
    start = cursor.position
    word = cursor.until(_LITERAL_ENDS)
    if word in WORDS:
        return WORDS[word]
    number = number_in(word)
    if number is None:
        cursor.position = start
        raise cursor.error("expected a value: a path, 'text', number, true, false, null or list")
    return number
