"""Reading models from JSON as Conductor's clients send it (rest.md 1.3): lenient where it is.

Numbers and booleans may be text, null is 0 or false for a plain number or boolean and the default
for an enum, unknown properties are ignored at every depth. Everything else that does not fit is a
violation with its path.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from hookline_common.jsonpath import is_array, is_object

T = TypeVar("T", bound=msgspec.Struct)

DEEPEST = 200
_MOST_DIGITS = 19
_ABSENT = object()
_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off", "")


class Violation(msgspec.Struct, frozen=True):
    """What is wrong with a part of a request. `value` is shown if it is a scalar."""

    path: str
    message: str
    value: Any = None

    def as_json(self) -> dict[str, Any]:
        """An entry of `validationErrors`."""
        shown: dict[str, Any] = {"path": self.path, "message": self.message}
        if isinstance(self.value, str | int | float) or self.value is True or self.value is False:
            value = self.value
            shown["invalidValue"] = value if isinstance(value, str) else _json_text(value)
        return shown


class Reader:
    """Reads one request; `violations` gathers all that is wrong with it."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def read(self, kind: type[T], value: Any, path: str) -> T | None:
        """The model, or None if there is a violation."""
        before = len(self.violations)
        prepared = self._prepare(_type_of(kind), value, path, 0)
        if len(self.violations) > before:
            return None
        try:
            return msgspec.convert(prepared, kind)
        except (msgspec.ValidationError, RecursionError) as error:
            self._refuse(path, str(error))
            return None

    def _refuse(self, path: str, message: str, value: Any = None) -> Any:
        self.violations.append(Violation(path, message, value))
        return _ABSENT

    def _prepare(self, kind: inspect.Type, value: Any, path: str, depth: int) -> Any:
        if depth > DEEPEST:
            return self._refuse(path, f"nested more than {DEEPEST} levels deep")
        match kind:
            case inspect.StructType():
                return self._struct(kind, value, path, depth)
            case inspect.UnionType():
                return self._optional(kind, value, path, depth)
            case inspect.ListType():
                return self._list(kind, value, path, depth)
            case inspect.DictType():
                return self._dict(kind, value, path, depth)
            case inspect.AnyType():
                return self._free(value, path, depth)
            case _:
                return self._scalar(kind, value, path)

    def _struct(self, kind: inspect.StructType, value: Any, path: str, depth: int) -> Any:
        if value is None and depth:
            return _ABSENT
        if not is_object(value):
            return self._refuse(path, "must be an object", value)
        fields = {field.encode_name: field for field in kind.fields}
        if "workflowTaskType" in value and "type" in fields and "type" not in value:
            value = {**value, "type": value["workflowTaskType"]}
        prepared = {
            name: self._prepare(fields[name].type, part, f"{path}.{name}", depth + 1)
            for name, part in value.items()
            if name in fields
        }
        return {name: part for name, part in prepared.items() if part is not _ABSENT}

    def _optional(self, kind: inspect.UnionType, value: Any, path: str, depth: int) -> Any:
        if value is None:
            return None
        inner = next(one for one in kind.types if not isinstance(one, inspect.NoneType))
        return self._prepare(inner, value, path, depth)

    def _list(self, kind: inspect.ListType, value: Any, path: str, depth: int) -> Any:
        if value is None:
            return _ABSENT
        if not is_array(value):
            return self._refuse(path, "must be a list", value)
        return [
            self._item(kind.item_type, part, f"{path}[{index}]", depth)
            for index, part in enumerate(value)
        ]

    def _dict(self, kind: inspect.DictType, value: Any, path: str, depth: int) -> Any:
        if value is None:
            return _ABSENT
        if not is_object(value):
            return self._refuse(path, "must be an object", value)
        return {
            name: self._item(kind.value_type, part, f"{path}[{name}]", depth)
            for name, part in value.items()
        }

    def _item(self, kind: inspect.Type, value: Any, path: str, depth: int) -> Any:
        if value is None and not isinstance(kind, inspect.AnyType):
            return self._refuse(path, "must not be null")
        return self._prepare(kind, value, path, depth + 1)

    def _free(self, value: Any, path: str, depth: int) -> Any:
        if not _shallow(value, DEEPEST - depth):
            return self._refuse(path, f"nested more than {DEEPEST} levels deep")
        return value

    def _scalar(self, kind: inspect.Type, value: Any, path: str) -> Any:
        match kind:
            case inspect.IntType():
                return self._integer(value, path)
            case inspect.BoolType():
                return self._boolean(value, path)
            case inspect.LiteralType():
                if value is None:
                    return _ABSENT
                if value not in kind.values:
                    allowed = ", ".join(sorted(map(str, kind.values)))
                    return self._refuse(path, f"must be one of {allowed}", value)
                return value
            case _:
                return self._text(value, path)

    def _integer(self, value: Any, path: str) -> Any:
        if value is None:
            return 0
        number = value
        if isinstance(value, str):
            digits = value.strip().lstrip("+-")
            if digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS:
                number = int(value)
        elif isinstance(value, float) and value.is_integer():
            number = int(value)
        if isinstance(number, bool) or not isinstance(number, int) or abs(number) >= 2**63:
            return self._refuse(path, "must be a whole number", value)
        return number

    def _boolean(self, value: Any, path: str) -> Any:
        if value is None:
            return False
        if isinstance(value, bool):
            return value
        word = value.strip().lower() if isinstance(value, str) else None
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        return self._refuse(path, "must be true or false", value)

    def _text(self, value: Any, path: str) -> Any:
        if value is None:
            return ""  # a required text is then found missing
        if isinstance(value, str):
            return value
        if isinstance(value, bool | int | float):
            return _json_text(value)
        return self._refuse(path, "must be a text")


@lru_cache
def _type_of(kind: type[msgspec.Struct]) -> inspect.Type:
    return inspect.type_info(kind)


def _json_text(value: float | bool) -> str:
    return msgspec.json.encode(value).decode()


def _shallow(value: Any, levels: int) -> bool:
    if levels < 0:
        return False
    if isinstance(value, Mapping):
        return all(_shallow(part, levels - 1) for part in value.values())  # pyright: ignore[reportUnknownVariableType]
    if is_array(value):
        return all(_shallow(part, levels - 1) for part in value)
    return True
