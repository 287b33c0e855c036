"""Decoded JSON as paths see it: objects, arrays, scalars, and the absence of a value."""

import json
import re
from enum import Enum
from typing import Any, Final, TypeGuard

import msgspec


class Missing(Enum):
    """The type of MISSING."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
"""What a path gives that leads nowhere; JSON null is None."""

# At most as many digits as a double needs in full; longer ones are texts.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,399})((?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
NODE_BUDGET = 200_000


class OutOfBudget(Exception):
    """One reading has looked at too many nodes."""


class Reading:
    """One reading of a document: its root, and how many nodes it may still look at."""

    __slots__ = ("left", "root")

    def __init__(self, root: Any) -> None:
        self.root = root
        self.left = NODE_BUDGET

    def spend(self, nodes: int) -> None:
        """Count `nodes` against the budget; raises OutOfBudget."""
        self.left -= nodes
        if self.left < 0:
            raise OutOfBudget


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether the value is a JSON object."""
    return isinstance(value, dict)


def is_array(value: Any) -> TypeGuard[list[Any]]:
    """Whether the value is a JSON array."""
    return isinstance(value, list)


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether the value is a JSON number: true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def number_in(text: str) -> int | float | None:
    """The number that the text spells as JSON would; None for any other text."""
    found = _NUMBER.fullmatch(text)
    if not found:
        return None
    return float(text) if found[1] else int(text)


def compact_json(value: Any) -> str:
    """The value as JSON without blanks."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return _escaped_json(value)


def _escaped_json(value: Any) -> str:
    """Lone surrogates have no UTF-8; they go out as escapes."""
    return json.dumps(value, separators=(",", ":"))


def text_of(value: Any) -> str:
    """A value inside a text: text as it is, everything else as compact JSON."""
    return value if isinstance(value, str) else compact_json(value)
