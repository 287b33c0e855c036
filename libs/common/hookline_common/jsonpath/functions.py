"""The functions at the end of a path, all pure: `.append()` gives a new list (engine.md D47)."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hookline_common.jsonpath.nodes import MISSING, is_array, is_number, is_object, text_of

Function = Callable[[Any, Sequence[Any]], Any]


def _numbers(node: Any, arguments: Sequence[Any]) -> Iterator[float]:
    for value in _elements(node, arguments):
        if is_number(value):
            yield float(value)


def _elements(node: Any, arguments: Sequence[Any]) -> Iterator[Any]:
    """The elements of the array, then the arguments, of which arrays give their elements."""
    if is_array(node):
        yield from node
    for argument in arguments:
        if is_array(argument):
            yield from argument
        elif argument is not MISSING:
            yield argument


def _numeric(combine: Callable[[Sequence[float]], float]) -> Function:
    """A function over numbers: always a double, and no value for none or out of range."""

    def apply(node: Any, arguments: Sequence[Any]) -> Any:
        try:
            numbers = list(_numbers(node, arguments))
            result = combine(numbers) if numbers else math.nan
        except OverflowError:
            return MISSING
        return result if math.isfinite(result) else MISSING

    return apply


def _average(numbers: Sequence[float]) -> float:
    return math.fsum(numbers) / len(numbers)


def _deviation(numbers: Sequence[float]) -> float:
    mean = _average(numbers)
    return math.sqrt(math.fsum((number - mean) ** 2 for number in numbers) / len(numbers))


def _length(node: Any, arguments: Sequence[Any]) -> Any:
    counted = arguments[0] if arguments else node
    return len(counted) if is_array(counted) or is_object(counted) else MISSING


def _keys(node: Any, _: Sequence[Any]) -> Any:
    return list(node) if is_object(node) else MISSING


def _concat(node: Any, arguments: Sequence[Any]) -> Any:
    """The texts of the array, then every argument as text."""
    own = [value for value in node if isinstance(value, str)] if is_array(node) else []
    return "".join(own) + "".join(
        text_of(value) for value in _elements(None, arguments) if value is not None
    )


def _first(node: Any, arguments: Sequence[Any]) -> Any:
    return _index(node, (0, *arguments))


def _last(node: Any, arguments: Sequence[Any]) -> Any:
    return _index(node, (-1, *arguments))


def _index(node: Any, arguments: Sequence[Any]) -> Any:
    """The element at the first argument, from the array and the further arguments."""
    if not is_array(node) or not arguments or not isinstance(arguments[0], int):
        return MISSING
    values = list(_elements(node, arguments[1:]))
    index = int(arguments[0])
    return values[index] if -len(values) <= index < len(values) else MISSING


def _append(node: Any, arguments: Sequence[Any]) -> Any:
    if not is_array(node):
        return node
    return [*node, *(value for value in arguments if value is not MISSING)]


FUNCTIONS: dict[str, Function] = {
    "min": _numeric(min),
    "max": _numeric(max),
    "avg": _numeric(_average),
    "stddev": _numeric(_deviation),
    "sum": _numeric(math.fsum),
    "length": _length,
    "size": _length,
    "keys": _keys,
    "concat": _concat,
    "first": _first,
    "last": _last,
    "index": _index,
    "append": _append,
}
