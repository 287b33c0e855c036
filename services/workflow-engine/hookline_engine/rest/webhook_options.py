"""The `options` of a webhook: what each may be, read strictly, and shown (specs/webhooks.md 1)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from hookline_common.jsonpath import PathSyntaxError, compile_path
from hookline_common.webhooks import LARGEST_MAX_BODY_BYTES, Options
from hookline_engine.rest.fields import Fields

_DAY = 24 * 60 * 60


class _Number(msgspec.Struct, frozen=True):
    field: str
    least: int
    most: int


_NUMBERS: Mapping[str, _Number] = {
    "maxBodyBytes": _Number("max_body_bytes", 1, LARGEST_MAX_BODY_BYTES),
    "earlyEventSeconds": _Number("early_event_seconds", 0, 7 * _DAY),  # as long as waits are kept
    "dedupeSeconds": _Number("dedupe_seconds", 0, 30 * _DAY),  # as long as raw events are kept
    "toleranceSeconds": _Number("tolerance_seconds", 1, _DAY),
    "rateLimitPerSecond": _Number("rate_limit_per_second", 1, 1_000_000),
    "retentionDays": _Number("retention_days", 1, 3650),
    "silentAfterSeconds": _Number("silent_after_seconds", 1, 365 * _DAY),
}
_FLAGS: Mapping[str, str] = {"mergeQuery": "merge_query", "paused": "paused"}
_WORDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "replyOnReject": ("reply_on_reject", ("accept", "status")),
    "sameBytes": ("same_bytes", ("accept", "reject")),
    "batch": ("batch", ("whole",)),
}
_SOURCES: Mapping[str, str] = {"deliveryId": "delivery_id", "orderingKey": "ordering_key"}
_KNOWN = frozenset((*_NUMBERS, *_FLAGS, *_WORDS, *_SOURCES))
_SHOWN = {
    **{name: number.field for name, number in _NUMBERS.items()},
    **_FLAGS,
    **{name: field for name, (field, _) in _WORDS.items()},
    **_SOURCES,
}


def parse_options(fields: Fields) -> Options:
    """The options; raises BadRequest for an unknown name or a value that is not allowed."""
    unknown = next((name for name in fields if name not in _KNOWN), None)
    if unknown is not None:
        message = f"There is no option {unknown!r}; known are {', '.join(sorted(_KNOWN))}."
        raise fields.error(unknown, message, "unknown_option")
    values: dict[str, Any] = {}
    for name, number in _NUMBERS.items():
        values[number.field] = fields.integer(name, least=number.least, most=number.most)
    for name, field in _FLAGS.items():
        values[field] = fields.boolean(name)
    for name, (field, words) in _WORDS.items():
        values[field] = _word(fields, name, words)
    for name, field in _SOURCES.items():
        values[field] = _source(fields, name)
    return Options(**{field: value for field, value in values.items() if value is not None})


def show_options(options: Options) -> dict[str, Any]:
    """The options that are set, and the defaults of those that are never unset."""
    shown = {name: getattr(options, field) for name, field in _SHOWN.items()}
    return {name: value for name, value in shown.items() if value is not None}


def _word(fields: Fields, name: str, words: tuple[str, ...]) -> str | None:
    word = fields.word(name)
    if name == "batch" and word == "items":
        message = "The option batch: items is not supported yet; the whole request is one event."
        raise fields.error(name, message, "not_supported")
    if word is not None and word not in words:
        allowed = " or ".join(words)
        raise fields.error(name, f"{name!r} must be {allowed}, not {word[:40]!r}.")
    return word


def _source(fields: Fields, name: str) -> str | None:
    """`header:X`, `query:x` or a JSON path."""
    text = fields.word(name)
    if text is None:
        return None
    for prefix in ("header:", "query:"):
        if text.startswith(prefix):
            if not text.removeprefix(prefix).strip():
                raise fields.error(name, f"{name!r} names no {prefix[:-1]}.")
            return text
    try:
        compile_path(text)
    except PathSyntaxError as error:
        message = f"{name!r} must be header:NAME, query:NAME or a JSON path: {error}"
        raise fields.error(name, message) from error
    return text
