"""The comparisons of a filter, `[?(left op right)]`: any two values, never an error."""

from collections.abc import Callable
from typing import Any

from hookline_common.jsonpath.nodes import MISSING, is_array, is_number, is_object, number_in

Comparison = Callable[[Any, Any], bool]


def equal(left: Any, right: Any) -> bool:
    """Deep equality; a number equals the text that spells it; true is not 1."""
    if left is MISSING or right is MISSING:
        return False
    if is_number(left) and isinstance(right, str):
        return number_in(right) == left
    if isinstance(left, str) and is_number(right):
        return number_in(left) == right
    if is_array(left):
        return is_array(right) and len(left) == len(right) and all(map(equal, left, right))
    if is_object(left):
        return is_object(right) and left.keys() == right.keys() and _same_members(left, right)
    return isinstance(left, bool) is isinstance(right, bool) and left == right


def _same_members(left: dict[str, Any], right: dict[str, Any]) -> bool:
    return all(equal(value, right[name]) for name, value in left.items())


def _ordered(compare: Callable[[Any, Any], bool]) -> Comparison:
    """An order exists between two numbers and between two texts."""

    def apply(left: Any, right: Any) -> bool:
        comparable = (is_number(left) and is_number(right)) or (
            isinstance(left, str) and isinstance(right, str)
        )
        return comparable and compare(left, right)

    return apply


def _among(left: Any, right: Any) -> bool:
    return is_array(right) and any(equal(left, value) for value in right)


def _not_among(left: Any, right: Any) -> bool:
    return is_array(right) and not _among(left, right)


def _contains(left: Any, right: Any) -> bool:
    if isinstance(left, str):
        return isinstance(right, str) and right in left
    return _among(right, left)


def _size(left: Any, right: Any) -> bool:
    return (isinstance(left, str) or is_array(left)) and equal(len(left), right)


def _empty(left: Any, right: Any) -> bool:
    counted = isinstance(left, str) or is_array(left) or is_object(left)
    return counted and (len(left) == 0) is (right is not False)


def _subset(left: Any, right: Any) -> bool:
    return is_array(left) and is_array(right) and all(_among(value, right) for value in left)


def _overlaps(left: Any, right: Any) -> bool:
    return is_array(left) and is_array(right) and any(_among(value, right) for value in left)


def _disjoint(left: Any, right: Any) -> bool:
    return is_array(left) and is_array(right) and not _overlaps(left, right)


SYMBOLS: dict[str, Comparison] = {
    "===": equal,
    "!==": lambda left, right: not equal(left, right),
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "<=": _ordered(lambda left, right: left <= right),
    ">=": _ordered(lambda left, right: left >= right),
    "<": _ordered(lambda left, right: left < right),
    ">": _ordered(lambda left, right: left > right),
}
WORDS: dict[str, Comparison] = {
    "in": _among,
    "nin": _not_among,
    "contains": _contains,
    "size": _size,
    "empty": _empty,
    "subsetof": _subset,
    "anyof": _overlaps,
    "noneof": _disjoint,
}
