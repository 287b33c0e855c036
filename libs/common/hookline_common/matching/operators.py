"""The operators of a clause, `{"operator": "in", "values": […]}` (specs/webhooks.md section 5).

Where a path gives an array, an operator holds if it holds for an element of it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from hookline_common.jsonpath import MISSING, is_array, is_number, is_object
from hookline_common.jsonpath.nodes import number_in
from hookline_common.matching.events import EventView, Found
from hookline_common.matching.values import (
    NestedTooDeeply,
    canonical,
    canonical_if_shallow,
    is_scalar,
    scalar_text,
)
from hookline_common.patterns import PatternError, part_test

Clause = Mapping[str, Any]
Holds = Callable[[Any, EventView, str], bool]


class Operator(NamedTuple):
    """`operand` is the key of what is compared with; `problem` says why a value is no operand."""

    operand: str
    holds: Holds
    problem: Callable[[Any], str | None]
    default: Any = MISSING


def is_operator(expected: Any) -> bool:
    """Whether an expected value is an operator: an object with a text under `operator`."""
    return is_object(expected) and isinstance(expected.get("operator"), str)


def clause_holds(clause: Clause, event: EventView, path: str) -> bool:
    """Whether the event meets the operator at `path`."""
    operator = OPERATORS[clause["operator"]]
    return operator.holds(clause.get(operator.operand, operator.default), event, path)


def _scalars(found: Found) -> Iterator[Any]:
    values = found.value if is_array(found.value) else (found.value,)
    return (value for value in values if is_scalar(value))


def _in(expected: Any, event: EventView, path: str) -> bool:
    candidates = event.candidates(path)
    return any(canonical(value) in candidates for value in expected)


def _not_equals(expected: Any, event: EventView, path: str) -> bool:
    """Holds too where the path leads nowhere: what is not there is not equal."""
    return canonical(expected) not in event.candidates(path)


def _exists(expected: Any, event: EventView, path: str) -> bool:
    return (event.found(path).value is not MISSING) is expected


def _texts(compare: Callable[[str, str], bool]) -> Holds:
    def holds(expected: Any, event: EventView, path: str) -> bool:
        wanted = scalar_text(expected)
        return any(compare(scalar_text(value), wanted) for value in _scalars(event.found(path)))

    return holds


def _contains(expected: Any, event: EventView, path: str) -> bool:
    """A text contains a part, an array an element."""
    found = event.found(path)
    values = found.value if found.several and is_array(found.value) else (found.value,)
    return any(_has(value, expected) for value in values)


def _has(value: Any, expected: Any) -> bool:
    if is_array(value):
        wanted = canonical(expected)
        return any(canonical_if_shallow(item) == wanted for item in value)
    return is_scalar(value) and is_scalar(expected) and scalar_text(expected) in scalar_text(value)


def _ordered(compare: Callable[[Any, Any], bool]) -> Holds:
    """Numbers by size, also where a text spells one; two other texts by their characters."""

    def holds(expected: Any, event: EventView, path: str) -> bool:
        return any(_compare(value, expected) for value in _scalars(event.found(path)))

    def _compare(value: Any, expected: Any) -> bool:
        numbers = _number(value), _number(expected)
        if None not in numbers:
            return compare(*numbers)
        return isinstance(value, str) and isinstance(expected, str) and compare(value, expected)

    return holds


def _number(value: Any) -> int | float | None:
    if isinstance(value, str):
        return number_in(value)
    return value if is_number(value) else None


def _matches(expected: Any, event: EventView, path: str) -> bool:
    """The pattern may match anywhere in the text: `^` and `$` tie it down."""
    fits = part_test(expected)
    return any(fits(scalar_text(value)) for value in _scalars(event.found(path)))


def _any_value(value: Any) -> str | None:
    try:
        canonical(value)
    except NestedTooDeeply as error:
        return str(error)
    return None


def _list(value: Any) -> str | None:
    return _any_value(value) if is_array(value) else "must be a list"


def _truth(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _comparable(value: Any) -> str | None:
    comparable = isinstance(value, str) or is_number(value)
    return None if comparable else "must be a number or a text"


def _scalar(value: Any) -> str | None:
    return None if is_scalar(value) else "must be a text, number or boolean"


def _pattern(value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be a regular expression"
    try:
        part_test(value)
    except PatternError as error:
        return str(error)
    return None


OPERATORS: dict[str, Operator] = {
    "in": Operator("values", _in, _list),
    "notEquals": Operator("value", _not_equals, _any_value),
    "exists": Operator("value", _exists, _truth, default=True),
    "greaterThan": Operator("value", _ordered(lambda a, b: a > b), _comparable),
    "greaterThanOrEquals": Operator("value", _ordered(lambda a, b: a >= b), _comparable),
    "lessThan": Operator("value", _ordered(lambda a, b: a < b), _comparable),
    "lessThanOrEquals": Operator("value", _ordered(lambda a, b: a <= b), _comparable),
    "startsWith": Operator("value", _texts(str.startswith), _scalar),
    "endsWith": Operator("value", _texts(str.endswith), _scalar),
    "contains": Operator("value", _contains, _any_value),
    "equalsIgnoreCase": Operator(
        "value", _texts(lambda a, b: a.casefold() == b.casefold()), _scalar
    ),
    "matches": Operator("value", _matches, _pattern),
}
