"""Reads typed fields of a JSON object leniently (specs/rest.md 1.3); errors name the field."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from hookline_common.errors import BadRequest
from hookline_engine.definitions.instants import InstantSyntaxError, parse_instant
from hookline_engine.rest.requests import as_object, wrong_type

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off", ""})


def pointer_step(name: str) -> str:
    """One step of a JSON Pointer (RFC 6901)."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


class Fields:
    """A JSON object and its JSON Pointer. Null counts as absent; all raise BadRequest."""

    def __init__(self, value: Any, pointer: str = "") -> None:
        self._values = as_object(value, pointer)
        self._pointer = pointer

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def pointer(self, name: str) -> str:
        """The JSON Pointer of a field."""
        return self._pointer + pointer_step(name)

    def error(self, name: str, message: str, code: str = "invalid_value") -> BadRequest:
        """An error about a field."""
        return BadRequest(message, code=code, field=self.pointer(name))

    def raw(self, name: str) -> Any:
        """Whatever is there, or None."""
        return self._values.get(name)

    def text(self, name: str) -> str | None:
        """Text; a number or truth value is taken as its JSON text."""
        value = self._values.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        raise wrong_type(self.pointer(name), "text", value)

    def word(self, name: str) -> str | None:
        """Text that is not empty; an empty one counts as absent."""
        return self.text(name) or None

    def boolean(self, name: str) -> bool | None:
        """A truth value, also as text in any case."""
        value = self._values.get(name)
        if value is None or isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if isinstance(value, dict | list) or word not in _TRUE | _FALSE:
            raise wrong_type(self.pointer(name), "true or false", value)
        return word in _TRUE

    def integer(
        self, name: str, *, least: int | None = None, most: int | None = None
    ) -> int | None:
        """A whole number within the limits, also as text."""
        value = self._values.get(name)
        if value is None:
            return None
        number = _whole(value)
        if number is None:
            raise wrong_type(self.pointer(name), "a whole number", value)
        if (least is not None and number < least) or (most is not None and number > most):
            limits = f"at least {least}" if most is None else f"from {least} to {most}"
            raise self.error(name, f"{name!r} must be {limits}, not {number}.", "out_of_range")
        return number

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts without repeats; a single text counts as a list of one."""
        value = self._values.get(name)
        if value is None:
            return ()
        values = cast("list[Any]", value) if isinstance(value, list) else [value]
        for index, item in enumerate(values):
            if not isinstance(item, str):
                raise wrong_type(f"{self.pointer(name)}/{index}", "text", item)
        return tuple(dict.fromkeys(item for item in values if item))

    def moment(self, name: str) -> int | None:
        """Epoch milliseconds, or a point in time in ISO 8601 (UTC where it names no zone)."""
        value = self._values.get(name)
        if not isinstance(value, str) or value.strip().isdigit():
            return self.integer(name)
        try:
            return parse_instant(value)
        except InstantSyntaxError as error:
            message = f"{name!r} must be epoch milliseconds or ISO 8601: {error}."
            raise self.error(name, message) from error

    def refuse_unknown(self, known: Sequence[str]) -> None:
        """A misspelt condition must not widen what is done; raises BadRequest."""
        for name in self:
            if name not in known:
                message = f"There is no field {name[:40]!r} here; known are {', '.join(known)}."
                raise self.error(name, message, "unknown_field")

    def mapping(self, name: str) -> "Fields | None":
        """A nested object."""
        value = self._values.get(name)
        return None if value is None else Fields(value, self.pointer(name))

    def items(self, name: str) -> "list[Fields] | None":
        """A list of objects."""
        value = self._values.get(name)
        return None if value is None else object_list(value, self.pointer(name))

    def as_mapping(self) -> Mapping[str, Any]:
        """The whole object."""
        return self._values


def object_list(value: Any, pointer: str) -> list[Fields]:
    """A list of objects at a JSON Pointer; raises BadRequest."""
    if not isinstance(value, list):
        raise wrong_type(pointer, "a list", value)
    parts = cast("list[Any]", value)
    return [Fields(part, f"{pointer}/{index}") for index, part in enumerate(parts)]


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        digits = text.removeprefix("-")
        return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) else None
