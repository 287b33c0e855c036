"""Secrets in the inputs of tasks: put in where work is done, taken out of what comes of it.

Stored inputs keep `${workflow.secrets.NAME}` as it is written (engine.md 3.3). What may quote a
secret's value (results of scripts, answers of servers, reasons) is stored with `***` instead (D38).
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

from hookline_common.expressions import reveal
from hookline_common.jsonpath import is_array, is_object, text_of
from hookline_common.webhooks import SECRET_SHOWN
from hookline_engine.definitions.snapshots import Node

SHORTEST_REDACTED = 4
"""Shorter values are found everywhere and would make every text unreadable."""


class Revealed(msgspec.Struct, frozen=True):
    """A value with secrets in it, those that were used, and the names that were not known yet."""

    value: Any
    used: Mapping[str, str]
    missing: frozenset[str]

    def redacted(self, value: Any) -> Any:
        """What came of it, without the secrets that were used."""
        forms = {form for text in self.used.values() for form in _forms(text)}
        return _redacted(value, sorted(forms, key=len, reverse=True)) if forms else value


def revealed(node: Node, given: Any, known: Mapping[str, str | None]) -> Revealed:
    """The input of a task of the node with the secrets that its author named."""
    used: dict[str, str] = {}
    missing: set[str] = set()

    def look_up(name: str) -> str | None:
        if name not in known:
            missing.add(name)
            return None
        secret = known[name]
        if secret is not None:
            used[name] = secret
        return secret

    value = reveal(given, node.input_template, look_up)
    return Revealed(value, used, frozenset(missing))


def _forms(secret: str) -> Iterator[str]:
    """The texts in which a secret, or a part of one that is JSON, can come back."""
    for text in (secret, *_leaves(_decoded(secret))):
        if len(text) >= SHORTEST_REDACTED:
            yield from (text, quote(text, safe=""), quote(text), quote_plus(text))
            yield msgspec.json.encode(text).decode()[1:-1]


def _decoded(secret: str) -> Any:
    try:
        return msgspec.json.decode(secret)
    except (msgspec.DecodeError, RecursionError):
        return None


def _leaves(value: Any) -> Iterator[str]:
    if is_object(value):
        for part in value.values():
            yield from _leaves(part)
    elif is_array(value):
        for part in value:
            yield from _leaves(part)
    elif value is not None and not isinstance(value, bool):
        yield text_of(value)


def _redacted(value: Any, forms: list[str]) -> Any:
    if isinstance(value, str):
        for form in forms:
            value = value.replace(form, SECRET_SHOWN)
        return value
    if is_object(value):
        return {_redacted(name, forms): _redacted(part, forms) for name, part in value.items()}
    if is_array(value):
        return [_redacted(part, forms) for part in value]
    if isinstance(value, int | float) and not isinstance(value, bool) and text_of(value) in forms:
        return SECRET_SHOWN
    return value
