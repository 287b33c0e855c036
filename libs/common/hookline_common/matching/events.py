"""An event as clauses see it: payload, headers and query, three namespaces that never mix."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from hookline_common.jsonpath import MISSING, PathSyntaxError, compile_path, is_array
from hookline_common.matching.values import canonical, canonical_if_shallow, is_scalar

HEADER = "header:"
QUERY = "query:"


class Found(NamedTuple):
    """What a path leads to: MISSING, a value, or (`several`) the list of all that it found."""

    value: Any
    several: bool


class EventView:
    """One event; what was read once is kept, for all plans and waits that ask for it.

    `headers` are (name, value) pairs with repeats, `query` the raw query string or the parameters
    as an object (a repeated one is a list).
    """

    __slots__ = ("_candidates", "_found", "_query", "body", "headers")

    def __init__(
        self,
        body: Any,
        headers: Sequence[tuple[str, str]] = (),
        query: str | Mapping[str, Any] = "",
    ) -> None:
        self.body = body
        self.headers = headers
        self._query = query
        self._found: dict[str, Found] = {}
        self._candidates: dict[str, tuple[str, ...]] = {}

    @property
    def query(self) -> Mapping[str, Any]:
        """The query parameters; a repeated one is a list."""
        if isinstance(self._query, str):
            self._query = query_parameters(self._query)
        return self._query

    def found(self, path: str) -> Found:
        """What `path` leads to; a path that does not parse leads nowhere."""
        found = self._found.get(path)
        if found is None:
            found = self._found[path] = _reader(path)(self)
        return found

    def candidates(self, path: str) -> tuple[str, ...]:
        """The canonical values that the event has at `path`, without repeats.

        An array has its own and that of each scalar or null in it; where the path leads nowhere
        there are none.
        """
        known = self._candidates.get(path)
        if known is None:
            known = self._candidates[path] = _candidates(self.found(path).value)
        return known

    def header(self, name: str) -> Any:
        """The value of a header whatever its case, the list of values of a repeated one."""
        wanted = name.lower()
        values = [value for key, value in self.headers if key.lower() == wanted]
        if len(values) > 1:
            return values
        return values[0] if values else MISSING

    def parameter(self, name: str) -> Any:
        """The value of a query parameter, the list of values of a repeated one."""
        return self.query.get(name, MISSING)


def query_parameters(query: str) -> dict[str, Any]:
    """The parameters of a raw query string; a repeated one is a list."""
    parameters: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, errors="replace"):
        if name not in parameters:
            parameters[name] = value
        elif is_array(parameters[name]):
            parameters[name].append(value)
        else:
            parameters[name] = [parameters[name], value]
    return parameters


def path_problem(path: str) -> str | None:
    """Why `path` is no path of a clause; None if it is one."""
    for prefix, what in ((HEADER, "header"), (QUERY, "query parameter")):
        if path.startswith(prefix):
            return None if path[len(prefix) :].strip() else f"{path!r} names no {what}"
    try:
        compile_path(path)
    except PathSyntaxError as error:
        return f"{path!r} is not a path: {error}"
    return None


Read = Callable[[EventView], Found]


@lru_cache(maxsize=4096)
def _reader(path: str) -> Read:
    if path.startswith(HEADER):
        name = path[len(HEADER) :].strip()
        return lambda event: Found(event.header(name), several=False)
    if path.startswith(QUERY):
        parameter = path[len(QUERY) :].strip()
        return lambda event: Found(event.parameter(parameter), several=False)
    return _body_reader(path)


def _body_reader(path: str) -> Read:
    try:
        compiled = compile_path(path)
    except PathSyntaxError:
        return lambda _: Found(MISSING, several=False)
    if compiled.definite:
        return lambda event: Found(compiled.read(event.body), several=False)
    return lambda event: Found(compiled.read(event.body) or MISSING, several=True)


def _candidates(value: Any) -> tuple[str, ...]:
    if value is MISSING:
        return ()
    whole = canonical_if_shallow(value)
    if whole is None:
        return ()
    if not is_array(value):
        return (whole,)
    contained = (canonical(item) for item in value if item is None or is_scalar(item))
    return tuple(dict.fromkeys((whole, *contained)))
