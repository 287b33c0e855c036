"""Reads parameters and bodies as the Conductor SDKs send them (specs/rest.md 1.2 and 1.3)."""

from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request

from hookline_common.errors import BadRequest
from hookline_engine.definitions.instants import InstantSyntaxError, parse_instant

DEEPEST_BODY = 200
"""Levels of nesting of a JSON body; deeper ones are refused before anything walks them."""

MOST_PARAMETERS = 2000

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
_NO_VALUE = frozenset({"", "none", "null"})


class Parameters:
    """The query of a request; an empty value counts as absent. All methods raise BadRequest."""

    def __init__(self, query: bytes) -> None:
        try:
            pairs = parse_qsl(
                query.decode("utf-8"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=MOST_PARAMETERS,
            )
        except ValueError as error:
            raise BadRequest("The query string cannot be read.", code="invalid_query") from error
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            if value:
                self._values.setdefault(name, []).append(value)

    def text(self, name: str) -> str | None:
        """The first value, or None."""
        values = self._values.get(name)
        return values[0] if values else None

    def word(self, name: str) -> str | None:
        """As `text`, and the SDK's words for nothing (`None`, `null`) are None as well."""
        value = self.text(name)
        return None if value is None or value.lower() in _NO_VALUE else value

    def required(self, name: str) -> str:
        """The value; BadRequest when it is missing."""
        value = self.text(name)
        if value is None:
            raise _bad(name, f"The query parameter {name!r} is missing.", "missing_parameter")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """All values, repeated or separated by commas."""
        parts = [part.strip() for value in self._values.get(name, ()) for part in value.split(",")]
        return tuple(part for part in parts if part)

    def boolean(self, name: str, default: bool) -> bool:
        """A truth value in any case."""
        value = self.text(name)
        if value is None:
            return default
        word = value.strip().lower()
        if word not in _TRUE and word not in _FALSE:
            raise _bad(name, f"{name!r} must be true or false, not {value[:40]!r}.")
        return word in _TRUE

    def integer(
        self, name: str, default: int, *, least: int | None = None, most: int | None = None
    ) -> int:
        """A whole number within the limits."""
        value = self.optional_integer(name)
        number = default if value is None else value
        if (least is not None and number < least) or (most is not None and number > most):
            raise _bad(name, f"{name!r} must be {_range(least, most)}, not {number}.")
        return number

    def optional_integer(self, name: str) -> int | None:
        """A whole number, or None."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return int(value) if len(value) <= 20 else _overlong(value)
        except ValueError as error:
            raise _bad(name, f"{name!r} must be a whole number, not {value[:40]!r}.") from error

    def moment(self, name: str) -> int | None:
        """Epoch milliseconds, or a point in time in ISO 8601 (UTC where it names no zone)."""
        value = self.text(name)
        if value is None or value.isdigit():
            return self.optional_integer(name)
        try:
            return parse_instant(value)
        except InstantSyntaxError as error:
            message = f"{name!r} must be epoch milliseconds or ISO 8601: {error}."
            raise _bad(name, message) from error


def _overlong(value: str) -> int:
    raise ValueError(value)


def _bad(name: str, message: str, code: str = "invalid_parameter") -> BadRequest:
    return BadRequest(message, code=code, field=f"/query/{name}")


def _range(least: int | None, most: int | None) -> str:
    if least is None:
        return f"at most {most}"
    return f"at least {least}" if most is None else f"from {least} to {most}"


def parameters(request: Request) -> Parameters:
    """The query parameters of the request."""
    return Parameters(request.scope["query_string"])


async def read_json(request: Request) -> Any:
    """The JSON body, whatever the content type says; None for an empty one. Raises BadRequest."""
    return parse_json(await request.body())


async def read_object(request: Request) -> dict[str, Any]:
    """The JSON object in the body; an empty body counts as `{}`."""
    body = await read_json(request)
    return as_object({} if body is None else body, "")


async def read_list(request: Request) -> list[Any]:
    """The JSON list in the body."""
    body = await read_json(request)
    if not isinstance(body, list):
        raise wrong_type("", "a list", body)
    return cast("list[Any]", body)


async def read_list_or_one(request: Request) -> list[Any]:
    """The JSON list in the body, or a single object as a list of one."""
    body = await read_json(request)
    if isinstance(body, dict):
        return [body]
    if not isinstance(body, list):
        raise wrong_type("", "a list or an object", body)
    return cast("list[Any]", body)


async def read_string(request: Request) -> str:
    """A string body (1.2): the SDK sends JSON-escaped text without the quotes around it."""
    text = _utf8(await request.body())
    if not request.headers.get("content-type", "").lower().startswith("application/json"):
        return text
    for candidate in (text, f'"{text}"'):
        try:
            value = msgspec.json.decode(candidate)
        except (msgspec.DecodeError, RecursionError):
            continue
        return value if isinstance(value, str) else text
    return text


def parse_json(body: bytes) -> Any:
    """The JSON value in `body`; None for an empty one. Raises BadRequest with a code."""
    if not body.strip():
        return None
    _utf8(body)
    try:
        value = msgspec.json.decode(body)
    except RecursionError as error:
        raise _too_deep() from error
    except msgspec.DecodeError as error:
        raise BadRequest(f"The body is not valid JSON: {error}.", code="malformed_json") from error
    if body.count(b"[") + body.count(b"{") > DEEPEST_BODY and _depth(value) > DEEPEST_BODY:
        raise _too_deep()
    return value


def _utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"The body is not valid UTF-8 (byte {error.start})."
        raise BadRequest(message, code="invalid_utf8") from error


def _too_deep() -> BadRequest:
    return BadRequest(f"The body is nested deeper than {DEEPEST_BODY} levels.", code="too_deep")


def _depth(value: Any) -> int:
    """Levels of nesting, counted level by level so that no depth can exhaust the stack."""
    level, depth = [value], 0
    while level:
        depth += any(isinstance(item, (dict, list)) for item in level)
        level = [child for item in level for child in _children(item)]
    return depth


def _children(item: Any) -> Sequence[Any]:
    if isinstance(item, dict):
        return list(cast("dict[str, Any]", item).values())
    return cast("list[Any]", item) if isinstance(item, list) else ()


def as_object(value: Any, pointer: str) -> dict[str, Any]:
    """`value` as a JSON object; raises BadRequest naming `pointer`."""
    if not isinstance(value, dict):
        raise wrong_type(pointer, "an object", value)
    return cast("dict[str, Any]", value)


def wrong_type(pointer: str, wanted: str, value: Any) -> BadRequest:
    """The error for a value of the wrong type at a JSON Pointer ("" is the whole body)."""
    what = f"{pointer[1:].replace('/', '.')!r}" if pointer else "The body"
    message = f"{what} must be {wanted}, not {_kind(value)}."
    return BadRequest(message, code="wrong_type", field=pointer)


def _kind(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "an object"


def path_integer(request: Request, name: str) -> int:
    """A whole number in the path; raises BadRequest."""
    value: str = request.path_params[name]
    try:
        return int(value) if len(value) <= 20 else _overlong(value)
    except ValueError as error:
        message = f"{name!r} must be a whole number, not {value[:40]!r}."
        raise BadRequest(message, code="invalid_parameter", field=f"/path/{name}") from error
