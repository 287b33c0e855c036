"""Reads values out of a request by source, and fills templates with them."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Literal, cast, get_args
from urllib.parse import parse_qsl

import msgspec

from hookline_common.payloads import PayloadUnreadable, payload_of
from hookline_common.rawevents import RawEvent

Kind = Literal["header", "query", "field", "body", "key", "url", "method", "digest", "const"]
Fields = Mapping[str, Sequence[str]]

KINDS = frozenset(get_args(Kind))
_NAMELESS = frozenset({"url", "method", "digest"})
_INDEX = re.compile(r"[0-9]{1,9}")
_SLOT = re.compile(r"\{([^{}]+)\}")


class Source(msgspec.Struct, frozen=True):
    """Where a value is; a bare `body` is the raw bytes."""

    kind: Kind
    name: str = ""


class BadSource(ValueError):
    """The text names no place in a request."""


@lru_cache(maxsize=1024)
def parse_source(text: str) -> Source:
    """The source that `text` names; raises BadSource."""
    kind, colon, name = text.partition(":")
    nameless = kind in _NAMELESS or (kind == "body" and not colon)
    if kind not in KINDS or nameless == bool(colon) or nameless == bool(name):
        raise BadSource(f"{text!r} is no source: use header:NAME, query:NAME, body:PATH …")
    return Source(cast("Kind", kind), name.lower() if kind == "header" else name)


@lru_cache(maxsize=1024)
def parse_template(text: str) -> tuple[str | Source, ...]:
    """The literal and variable parts of a template; raises BadSource."""
    parts = _SLOT.split(text)
    return tuple(
        parse_source(part) if index % 2 else part for index, part in enumerate(parts) if part
    )


class Reading:
    """A request as sources see it; the payload is read only when one asks for it."""

    __slots__ = ("_payload", "raw")

    def __init__(self, raw: RawEvent, payload: Mapping[str, Any] | None = None) -> None:
        self.raw = raw
        self._payload = payload

    def headers(self, name: str) -> list[str]:
        """Every value of the header, in order; `name` in lower case."""
        return [value for header, value in self.raw.headers if header == name]

    def payload(self) -> Mapping[str, Any]:
        """The payload, empty where it cannot be read."""
        if self._payload is None:
            content_type = next(iter(self.headers("content-type")), "")
            try:
                self._payload = payload_of(content_type, self.raw.body, self.raw.query)
            except PayloadUnreadable:
                self._payload = {}
        return self._payload

    def texts(self, source: Source, fields: Fields | None = None) -> list[str]:
        """Every value that the source gives, as text; `fields` are those of the signature."""
        match source.kind:
            case "header":
                return self.headers(source.name)
            case "query":
                return [value for name, value in _pairs(self.raw.query) if name == source.name]
            case "field":
                return list((fields or {}).get(source.name, ()))
            case "body":
                values = values_at(self.payload(), source.name)
                return [text for value in values if (text := as_text(value)) is not None]
            case "key":
                return [key for key in self.payload() if fnmatchcase(key, source.name)]
            case _:
                return [self._single(source)]

    def _single(self, source: Source) -> str:
        match source.kind:
            case "url":
                return self.raw.url
            case "method":
                return self.raw.method
            case "digest":
                return hashlib.sha256(self.raw.body).hexdigest()
            case _:
                return source.name

    def filled(self, template: str, fields: Fields | None = None) -> bytes | None:
        """The template's bytes, the body in them untouched; None where a value is missing."""
        parts: list[bytes] = []
        for part in parse_template(template):
            if isinstance(part, str):
                parts.append(part.encode())
            elif part == RAW_BODY:
                parts.append(self.raw.body)
            elif texts := self.texts(part, fields):
                parts.append(wire_bytes(texts[0]))
            else:
                return None
        return b"".join(parts)


RAW_BODY = Source("body")


def wire_bytes(text: str) -> bytes:
    """The bytes that a header value was on the wire: servers hand them over as Latin-1."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def as_text(value: Any) -> str | None:
    """A scalar as text; nothing for null, objects and arrays."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, dict | list):
        return None
    return msgspec.json.encode(value).decode()


def values_at(document: Any, path: str) -> list[Any]:
    """The values at a dotted path; `*` stands for every element of an array."""
    found = [document]
    for step in path.split("."):
        found = [child for parent in found for child in _step(parent, step)]
    return found


def _step(parent: Any, step: str) -> Sequence[Any]:
    if isinstance(parent, dict):
        members = cast("dict[str, Any]", parent)
        return (members[step],) if step in members else ()
    if not isinstance(parent, list):
        return ()
    elements = cast("list[Any]", parent)
    if step == "*":
        return elements
    return elements[int(step) :][:1] if _INDEX.fullmatch(step) else ()


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=10_000)
    except ValueError:
        return []
