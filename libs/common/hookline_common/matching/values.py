"""Canonical values: two JSON values are the same to a match exactly if these texts are equal.

The rules are specs/webhooks.md section 5. The first character tells scalars (`=`), null (`~`),
arrays (`[`) and objects (`{`) apart; what lies inside is length-prefixed, so that no text can
imitate a structure.
"""

from typing import Any

from hookline_common.errors import HooklineError
from hookline_common.jsonpath import compact_json, is_array, is_number, is_object

SCALAR, NULL, ARRAY, OBJECT = "=", "~", "[", "{"
DEEPEST_VALUE = 200
# Python writes no longer integer in decimal; such a number can come from no JSON decoder.
_LONGEST_INTEGER_BITS = 14_000


class NestedTooDeeply(HooklineError):
    """The value is nested more than 200 levels deep."""


def canonical(value: Any, depth: int = 0) -> str:
    """The canonical text of a JSON value. Raises NestedTooDeeply."""
    if isinstance(value, str):
        return SCALAR + value
    if value is None:
        return NULL
    if depth > DEEPEST_VALUE:
        raise NestedTooDeeply
    if is_array(value):
        return ARRAY + "".join([_prefixed(canonical(item, depth + 1)) for item in value])
    if is_object(value):
        return OBJECT + "".join(
            [
                _prefixed(name) + _prefixed(canonical(value[name], depth + 1))
                for name in sorted(value)
            ]
        )
    return SCALAR + scalar_text(value)


def canonical_if_shallow(value: Any) -> str | None:
    """The canonical text of a value that an event carries; None if it is nested too deeply."""
    try:
        return canonical(value)
    except NestedTooDeeply:
        return None


def scalar_text(value: Any) -> str:
    """The text that a text, number or boolean is compared by."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    return str(value) if value.bit_length() <= _LONGEST_INTEGER_BITS else hex(value)


def is_scalar(value: Any) -> bool:
    """Whether the value is a text, number or boolean."""
    return isinstance(value, str | bool) or is_number(value)


def _float_text(value: float) -> str:
    """As an integer if it is one (1.0, 1e3, -0.0), else as our JSON spells it everywhere."""
    return str(int(value)) if value.is_integer() else compact_json(value)


def _prefixed(text: str) -> str:
    return f"{len(text)}:{text}"


def restored(text: str) -> Any:
    """A value whose canonical text is `text`; scalars come back as texts."""
    match text[:1]:
        case "=":
            return text[1:]
        case "[":
            return [restored(item) for item in _pieces(text)]
        case "{":
            pieces = _pieces(text)
            pairs = zip(pieces[::2], pieces[1::2], strict=True)
            return {name: restored(item) for name, item in pairs}
        case _:
            return None


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    place = 1
    while place < len(text):
        colon = text.index(":", place)
        end = colon + 1 + int(text[place:colon])
        pieces.append(text[colon + 1 : end])
        place = end
    return pieces
