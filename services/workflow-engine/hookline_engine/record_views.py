"""Records of the log as operators see them: decoded, cut, and without what is sealed in them."""

import base64
from typing import Any

import msgspec

from hookline_common.dead_letters import cause_of
from hookline_common.eventlog import Delivered, Record
from hookline_common.redaction import redacted
from hookline_common.sealing import without_seals
from hookline_common.topics import DEAD_SUFFIX
from hookline_common.web import without_nulls

PREVIEW_BYTES = 512
_ATTRIBUTES = {
    "ce_id": "id",
    "ce_type": "type",
    "ce_source": "source",
    "ce_subject": "subject",
    "ce_time": "time",
    "ce_specversion": "specversion",
    "content-type": "datacontenttype",
}
"""CloudEvents 1.0, section 3: required and optional attributes, by their headers."""
_HTTP_HEADERS = "ce_httpheaders"
_FAILURE = "hookline-"

_pairs = msgspec.json.Decoder(tuple[tuple[str, str], ...]).decode


def show_record(delivered: Delivered) -> dict[str, Any]:
    """One record of a topic; its value cut to a preview."""
    record, position = delivered.record, delivered.position
    return without_nulls(
        {
            "topic": position.topic,
            "partition": position.partition,
            "offset": position.offset,
            "timestamp": delivered.timestamp_ms,
            "key": record.key,
            "sizeBytes": None if record.value is None else len(record.value),
            "tombstone": True if record.value is None else None,
            "event": show_event(record),
            "headers": show_headers(record) or None,
            "dead": cause_of(delivered) if position.topic.endswith(DEAD_SUFFIX) else None,
            "kind": _kind(record),
            "preview": preview_of(record.value),
        }
    )


def show_event(record: Record) -> dict[str, Any] | None:
    """The CloudEvent in the record's headers: attributes and extensions; None if there is none."""
    headers = dict(record.headers)
    if "ce_id" not in headers:
        return None
    shown: dict[str, Any] = {
        attribute: _text(headers[name])
        for name, attribute in _ATTRIBUTES.items()
        if name in headers
    }
    extensions = {
        name.removeprefix("ce_"): _extension(name, value)
        for name, value in headers.items()
        if name.startswith("ce_") and name not in _ATTRIBUTES
    }
    return {**shown, "extensions": extensions}


def show_headers(record: Record) -> dict[str, str]:
    """The headers that are neither of a CloudEvent nor of a dead letter's failure."""
    return {
        name: _text(value)
        for name, value in record.headers
        if not name.startswith(("ce_", _FAILURE)) and name not in _ATTRIBUTES
    }


def show_value(value: bytes | None) -> dict[str, Any]:
    """The whole value: decoded where it is JSON, as text where it is text, and its bytes."""
    if value is None:
        return {"tombstone": True}
    try:
        text = without_seals(value.decode("utf-8"))
    except UnicodeDecodeError:
        return {"valueBase64": base64.b64encode(value).decode("ascii")}
    shown: dict[str, Any] = {"valueBase64": base64.b64encode(text.encode()).decode("ascii")}
    try:
        shown["value"] = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        shown["text"] = text
    return shown


def preview_of(value: bytes | None) -> str:
    """The beginning of a value as text on one line."""
    if value is None:
        return ""
    # A seal that the cut goes through could not be told any more: cut afterwards.
    text = without_seals(value[: 4 * PREVIEW_BYTES].decode("utf-8", "replace"))
    return " ".join(text[:PREVIEW_BYTES].split())


def _kind(record: Record) -> str | None:
    """The tag of a JSON message."""
    if any(name == "ce_id" for name, _ in record.headers) or not record.value:
        return None
    try:
        return msgspec.json.decode(record.value, type=_Tagged).type
    except (msgspec.DecodeError, RecursionError):
        return None


class _Tagged(msgspec.Struct, frozen=True):
    """What the messages of a topic are told apart by."""

    type: str | None = None


def _extension(name: str, value: bytes) -> Any:
    if name == _HTTP_HEADERS:
        return _http_headers(value)
    text = _text(value)
    if text[:1] not in ("{", "["):
        return text
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text


def _http_headers(value: bytes) -> list[tuple[str, str]]:
    """The request's headers without secrets; none where they cannot be read."""
    try:
        pairs = _pairs(value)
    except msgspec.DecodeError:
        return []
    return [(name, without_seals(text)) for name, text in redacted(pairs)]


def _text(value: bytes) -> str:
    return without_seals(value.decode("utf-8", "replace"))
