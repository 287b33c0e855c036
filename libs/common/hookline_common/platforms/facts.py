"""What an event says about itself: its delivery id, its type, and the key that orders it."""

from collections.abc import Mapping
from typing import Any, cast

from hookline_common.errors import BadRequest
from hookline_common.ids import digest
from hookline_common.jsonpath import MISSING, PathSyntaxError, compile_path
from hookline_common.platforms.declaration import Declaration
from hookline_common.platforms.handshakes import reads_body
from hookline_common.platforms.sources import Reading, Source, as_text, parse_template
from hookline_common.rawevents import RawEvent
from hookline_common.webhooks import Options

LONGEST_ID = 256
LONGEST_TYPE = 200


def delivery_id(
    declaration: Declaration,
    option: str | None,
    raw: RawEvent,
    payload: Mapping[str, Any] | None = None,
) -> str | None:
    """The sender's own id of this delivery, if it has one.

    `option` is `options.deliveryId`; `payload` saves reading the body again. An id too long to be
    a key is replaced by its digest.
    """
    reading = Reading(raw, payload)
    found = _optional(option, reading) if option else _first(declaration.event.id, reading)
    return found if found is None or len(found) <= LONGEST_ID else digest(found)


def event_type(
    declaration: Declaration, raw: RawEvent, payload: Mapping[str, Any] | None = None
) -> str | None:
    """The platform's name of the event; a batch of several types names each once."""
    found = _first(declaration.event.type, Reading(raw, payload))
    return found and found[:LONGEST_TYPE]


def ordering_key(
    option: str | None, raw: RawEvent, payload: Mapping[str, Any] | None = None
) -> str | None:
    """The value of `options.orderingKey` in this event, if it has one."""
    return _optional(option, Reading(raw, payload)) if option else None


def is_body_source(option: str | None) -> bool:
    """Whether an option that names a source reads the body (protocols.md E5)."""
    return option is not None and not option.startswith(("header:", "query:"))


def body_needed_before_storing(declaration: Declaration, options: Options, method: str) -> bool:
    """Whether ingest has to read the body before it can store and answer: for a body handshake, a
    path as ordering key, or a platform that is judged in the request.
    """
    return (
        declaration.synchronous
        or options.reply_on_reject == "status"
        or is_body_source(options.ordering_key)
        or reads_body(declaration, method)
    )


def check_option(option: str, field: str) -> None:
    """Refuse what is neither `header:X` nor `query:x` nor a JSON path; raises BadRequest."""
    if option in ("header:", "query:"):
        raise BadRequest(f"{option!r} names no {option[:-1]}", code="bad_source", field=field)
    if is_body_source(option):
        try:
            compile_path(option)
        except PathSyntaxError as error:
            raise BadRequest(f"not a JSON path: {error}", code="bad_path", field=field) from error


def _optional(option: str, reading: Reading) -> str | None:
    if not is_body_source(option):
        kind, _, name = option.partition(":")
        source = Source("header", name.lower()) if kind == "header" else Source("query", name)
        return next(iter(reading.texts(source)), None) or None
    found = compile_path(option).read(reading.payload())
    if isinstance(found, list):
        found = next(iter(cast("list[Any]", found)), MISSING)
    return None if found is MISSING else as_text(found) or None


def _first(templates: tuple[str, ...], reading: Reading) -> str | None:
    return next((text for template in templates if (text := _text(template, reading))), None)


def _text(template: str, reading: Reading) -> str | None:
    parts: list[str] = []
    for part in parse_template(template):
        texts = [part] if isinstance(part, str) else reading.texts(part)
        if not texts:
            return None
        parts.append(", ".join(dict.fromkeys(texts)))
    return "".join(parts)
