"""Routes by the raw path: split first, each segment decoded once, so that a value may hold `/`."""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import unquote_to_bytes

from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp

from hookline_common.errors import BadRequest, MethodNotAllowed, NotFound

Scope: TypeAlias = MutableMapping[str, Any]
_ANY = "*"


class Found:
    """A route and what its template took from the path."""

    __slots__ = ("app", "params", "template")

    def __init__(self, app: ASGIApp, template: str, params: Mapping[str, str]) -> None:
        self.app = app
        self.template = template
        self.params = params


class _Node:
    """One segment of the tree of templates."""

    __slots__ = ("literals", "names", "rest", "targets", "variable")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.variable: _Node | None = None
        self.rest: _Node | None = None
        self.targets: dict[str, tuple[Route, tuple[str, ...]]] = {}


class PathRouter:
    """A tree of path templates; more literal templates win over variable ones (rest.md 1.1)."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._root = _Node()
        self._others = [route for route in routes if not isinstance(route, Route)]
        for route in routes:
            if isinstance(route, Route):
                self._add(route)

    def _add(self, route: Route) -> None:
        node, names = self._root, list[str]()
        for segment in route.path[1:].split("/"):
            if not segment.startswith("{"):
                node = node.literals.setdefault(segment, _Node())
                continue
            name, _, kind = segment[1:-1].partition(":")
            names.append(name)
            if kind == "path":
                node.rest = node.rest or _Node()
                node = node.rest
            else:
                node.variable = node.variable or _Node()
                node = node.variable
        for method in route.methods or (_ANY,):
            if node.targets.setdefault(method, (route, tuple(names)))[0] is not route:
                raise ValueError(f"two routes for {method} {route.path}")

    def find(self, scope: Scope) -> Found:
        """The route for the request; raises NotFound, MethodNotAllowed, or BadRequest for a path
        that cannot be decoded.
        """
        segments = raw_segments(scope)
        found = _target(self._root, segments, 0, scope["method"], ())
        if found is not None:
            return found
        nodes = _matching(self._root, segments, 0)
        allowed = {method for node in nodes for method in node.targets}
        if allowed:
            raise _wrong_method(scope, allowed)
        return self._find_other(scope)

    def _find_other(self, scope: Scope) -> Found:
        for route in self._others:
            match, child = route.matches(scope)
            if match is not Match.NONE:
                scope.update(child)
                return Found(route.handle, getattr(route, "path", "/"), child["path_params"])
        raise NotFound(f"There is nothing at {scope['path']}.", code="path_not_found")


def _wrong_method(scope: Scope, allowed: set[str]) -> MethodNotAllowed:
    allow = ", ".join(sorted(allowed))
    return MethodNotAllowed(
        f"{scope['path']} is not served for {scope['method']}, but for {allow}.",
        metadata={"allow": allow},
    )


def _target(
    node: _Node, segments: Sequence[str], depth: int, method: str, values: tuple[str, ...]
) -> Found | None:
    """The most literal route for the path that serves the method."""
    if depth == len(segments):
        target = node.targets.get(method) or node.targets.get(_ANY)
        return None if target is None else _found(target, values)
    segment, found = segments[depth], None
    if segment in node.literals:
        found = _target(node.literals[segment], segments, depth + 1, method, values)
    if found is None and node.variable is not None and segment:
        found = _target(node.variable, segments, depth + 1, method, (*values, segment))
    if found is None and node.rest is not None:
        rest = "/".join(segments[depth:])
        found = _target(node.rest, (), 0, method, (*values, rest))
    return found


def _found(target: tuple[Route, tuple[str, ...]], values: tuple[str, ...]) -> Found:
    route, names = target
    return Found(route.app, route.path, dict(zip(names, values, strict=True)))


def _matching(node: _Node, segments: Sequence[str], depth: int) -> Iterator[_Node]:
    """All nodes that fit the path, whatever they serve."""
    if depth == len(segments):
        yield node
        return
    if segments[depth] in node.literals:
        yield from _matching(node.literals[segments[depth]], segments, depth + 1)
    if node.variable is not None and segments[depth]:
        yield from _matching(node.variable, segments, depth + 1)
    if node.rest is not None:
        yield node.rest


def raw_segments(scope: Scope) -> Sequence[str]:
    """The segments of the path as sent, each percent-decoded once; raises BadRequest."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogatepass")
    raw = raw.partition(b"?")[0][1:]
    try:
        if b"%" not in raw:
            return raw.decode("utf-8").split("/")
        return [unquote_to_bytes(part).decode("utf-8") for part in raw.split(b"/")]
    except UnicodeDecodeError as error:
        raise BadRequest("The path is not valid UTF-8.", code="invalid_path") from error
