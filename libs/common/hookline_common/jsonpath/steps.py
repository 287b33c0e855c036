"""The steps of a path: each takes one node and gives the nodes that it leads to."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from hookline_common.jsonpath.nodes import MISSING, Reading, is_array, is_object

Select = Callable[[Any, Reading], Iterable[Any]]
Predicate = Callable[[Any, Reading], bool]


class Step(NamedTuple):
    """`definite`: leads to one node at most. `key`: the name or index, where it is just that."""

    select: Select
    definite: bool
    key: str | int | None = None


def member(name: str) -> Step:
    """The member `name` of an object."""

    def select(node: Any, _: Reading) -> Iterable[Any]:
        return (node[name],) if is_object(node) and name in node else ()

    return Step(select, definite=True, key=name)


def element(index: int) -> Step:
    """The element at `index` of an array; a negative one counts from the end."""

    def select(node: Any, _: Reading) -> Iterable[Any]:
        return (node[index],) if is_array(node) and -len(node) <= index < len(node) else ()

    return Step(select, definite=True, key=index)


def picked_members(names: tuple[str, ...]) -> Step:
    """An object with just the members `names`: several names at the end of a path."""

    def select(node: Any, _: Reading) -> Iterable[Any]:
        return ({name: node[name] for name in names if name in node},) if is_object(node) else ()

    return Step(select, definite=True)


def several_members(names: tuple[str, ...]) -> Step:
    """Each of the members `names`: several names with further steps behind them."""

    def select(node: Any, _: Reading) -> Iterable[Any]:
        return [node[name] for name in names if name in node] if is_object(node) else ()

    return Step(select, definite=False)


def elements(indexes: tuple[int, ...]) -> Step:
    """The elements at `indexes`, in that order."""

    def select(node: Any, _: Reading) -> Iterable[Any]:
        if not is_array(node):
            return ()
        return [node[index] for index in indexes if -len(node) <= index < len(node)]

    return Step(select, definite=False)


def part(start: int | None, stop: int | None) -> Step:
    """The elements from `start` to before `stop`."""

    def select(node: Any, _: Reading) -> Iterable[Any]:
        return node[start:stop] if is_array(node) else ()

    return Step(select, definite=False)


def children(node: Any) -> Iterable[Any]:
    """The elements of an array, the values of an object."""
    if is_array(node):
        return node
    return node.values() if is_object(node) else ()


def every_child() -> Step:
    """All elements or values."""

    def select(node: Any, _: Reading) -> Iterable[Any]:
        return children(node)

    return Step(select, definite=False)


def _below(node: Any, reading: Reading) -> Iterator[Any]:
    """The node and everything in it, parents first; a stack of its own bears any depth."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        reading.spend(1)
        yield current
        waiting.extend(reversed(list(children(current))))


def descend() -> Step:
    """The containers at and below the node, to which the next step applies."""

    def select(node: Any, reading: Reading) -> Iterable[Any]:
        return (found for found in _below(node, reading) if is_object(found) or is_array(found))

    return Step(select, definite=False)


def fitting(accepts: Predicate) -> Step:
    """The elements that a filter accepts; an object is itself the candidate."""

    def select(node: Any, reading: Reading) -> Iterable[Any]:
        if is_object(node):
            return (node,) if accepts(node, reading) else ()
        if not is_array(node):
            return ()
        reading.spend(len(node))
        return [found for found in node if accepts(found, reading)]

    return Step(select, definite=False)


def fitting_below(accepts: Predicate) -> Step:
    """Every object and element at or below the node that a filter accepts."""

    def select(node: Any, reading: Reading) -> Iterable[Any]:
        return [found for found in _candidates(node, reading) if accepts(found, reading)]

    return Step(select, definite=False)


def _candidates(node: Any, reading: Reading) -> Iterator[Any]:
    for found in _below(node, reading):
        if is_object(found):
            yield found
        elif is_array(found):
            yield from (item for item in found if not is_object(item))


def result_of(function: Callable[[Any, Reading], Any]) -> Step:
    """What a function makes of the node."""

    def select(node: Any, reading: Reading) -> Iterable[Any]:
        result = function(node, reading)
        return () if result is MISSING else (result,)

    return Step(select, definite=True)


def nothing(definite: bool) -> Step:
    """A function after a wildcard or filter: no value, or an empty list."""

    def select(_: Any, __: Reading) -> Iterable[Any]:
        return ()

    return Step(select, definite=definite)


def is_definite(steps: Sequence[Step]) -> bool:
    """Whether the steps lead to one node at most."""
    return all(step.definite for step in steps)


def outcome(steps: Sequence[Step], node: Any, reading: Reading) -> Any:
    """The one value of definite steps, or MISSING; the list of all nodes of others."""
    nodes = [node]
    definite = True
    for select, step_definite, _ in steps:
        selected: list[Any] = []
        for current in nodes:
            selected.extend(select(current, reading))
        reading.spend(len(selected))
        nodes = selected
        definite = definite and step_definite
    if not definite:
        return nodes
    return nodes[0] if nodes else MISSING
