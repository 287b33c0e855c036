"""The record of an event in hand: made from a judged event, or read; and how it is stored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hookline_common.documents import Document
from hookline_common.eventlog import Delivered
from hookline_common.eventrecords import EventRecord, Step, Verdict
from hookline_common.matching import EventView
from hookline_common.payloads import Payload, PayloadUnreadable, fields_of
from hookline_common.rawevents import JudgedEvent
from hookline_common.redaction import redacted
from hookline_common.topics import DAY_MS, RECEIVED
from hookline_common.webhooks import (
    DEFAULT_DEDUPE_SECONDS,
    DEFAULT_EARLY_EVENT_SECONDS,
    DEFAULT_RETENTION_DAYS,
    Options,
)
from hookline_matcher.verdicts import is_matchable

Change = Callable[[EventRecord], EventRecord]

_SEARCHED_PAYLOAD_BYTES = 512

_encode = msgspec.json.Encoder().encode
_record_of = msgspec.json.Decoder(EventRecord).decode
_payload_of: Callable[[bytes], Any] = msgspec.json.Decoder().decode


@dataclass(slots=True, eq=False)
class EventInHand:
    """A record with its place in the store, what matching sees of it, and what is to change.

    `changes` are applied to the newest stored record when the event is saved, so each must bear
    being applied to a record that already has it.
    """

    record: EventRecord
    keys: tuple[str, ...] = ()
    rev: int = 0
    expires_at_ms: int | None = None
    payload: Payload | None = None
    changes: list[Change] = field(default_factory=list[Change])
    seen: EventView | None = None

    @property
    def id(self) -> str:
        """The id of the event."""
        return self.record.id

    @property
    def identity(self) -> str:
        """The id that keeps one delivery from being taken twice (E1, E4)."""
        return self.record.stands_for or self.record.id

    def view(self) -> EventView:
        """What paths and clauses are evaluated on; body, headers and query stay separate."""
        if self.seen is None:
            self.seen = EventView(self._body(), self.record.headers, self.record.query)
        return self.seen

    def _body(self) -> Any:
        if self.payload is not None:
            return self.payload.value
        raw = self.record.payload
        return {} if raw is None else _payload_of(bytes(raw))


def judged_in_hand(
    judged: JudgedEvent, delivered: Delivered, options: Options, payload: Payload | None
) -> EventInHand:
    """The record of a judged event, as new. A verified one has the verdict "pending"."""
    record = _record(judged, delivered, options, payload)
    event = EventInHand(record, expires_at_ms=_expiry(record, options), payload=payload)
    if judged.verdict == "verified":
        event.seen = EventView(
            {} if payload is None else payload.value, judged.raw.headers, record.query
        )
    return event


def document_of(event: EventInHand, record: EventRecord) -> Document:
    """The document of `record`, which is the event's record or what shall become of it."""
    return Document(
        id=record.id,
        body=_encode(record),
        fields={
            "keys": event.keys,
            "workflows": tuple({e.workflow_id: None for e in record.effects if e.workflow_id}),
            "webhook_id": record.webhook_id,
            "verdict": record.verdict,
            "type": record.type,
            "delivery_id": record.delivery_id,
            "received_at": record.counts_from or record.received_at,
            "plan_revision": record.plan_revision if is_matchable(record) else None,
            "search": _search_text(record),
        },
        rev=event.rev,
        expires_at_ms=event.expires_at_ms,
    )


def event_of(document: Document) -> EventInHand:
    """The event in a stored document."""
    keys = document.fields.get("keys") or ()
    return EventInHand(
        record=_record_of(document.body),
        keys=keys if isinstance(keys, tuple) else (),
        rev=document.rev,
        expires_at_ms=document.expires_at_ms,
    )


def _record(
    judged: JudgedEvent, delivered: Delivered, options: Options, payload: Payload | None
) -> EventRecord:
    raw, replay = judged.raw, judged.raw.replay
    counts_from = raw.received_at if replay is None else delivered.timestamp_ms
    early = _or(options.early_event_seconds, DEFAULT_EARLY_EVENT_SECONDS)
    verified = judged.verdict == "verified"
    return EventRecord(
        id=raw.id,
        webhook_id=raw.webhook_id,
        webhook_name=judged.webhook_name,
        incarnation=judged.incarnation,
        received_at=raw.received_at,
        verdict="pending" if verified else _verdict_of(judged),
        method=raw.method,
        url=raw.url,
        query=_query_of(raw.query),
        headers=redacted(raw.headers),
        remote_address=raw.remote_address,
        size_bytes=len(raw.body),
        payload=None if payload is None else payload.raw,
        delivery_id=judged.delivery_id,
        type=judged.type,
        reason=judged.reason,
        detail=judged.detail,
        verified=verified,
        verification=judged.verification,
        verified_at=judged.verified_at,
        done_at=0 if verified else judged.verified_at,
        steps=_first_steps(judged),
        replay_of=None if replay is None else replay.replay_of,
        stands_for=None if replay is None else replay.replay_of,
        kept_until=counts_from + early * 1000 if verified else 0,
        position=judged.position,
        counts_from=counts_from,
    )


def _verdict_of(judged: JudgedEvent) -> Verdict:
    return "rejected" if judged.verdict == "verified" else judged.verdict


def _first_steps(judged: JudgedEvent) -> tuple[Step, ...]:
    raw = judged.raw
    position = None if judged.position is None else ":".join(str(part) for part in judged.position)
    return (
        Step(service="ingest", did="received", at=raw.received_at, position=position),
        Step(service="verifier", did=judged.verdict, at=judged.verified_at, error=judged.reason),
    )


def _expiry(record: EventRecord, options: Options) -> int:
    """A verdict outlives dedupe window and retention of `webhooks.received` (E1)."""
    needed = RECEIVED.retention_ms + _or(options.dedupe_seconds, DEFAULT_DEDUPE_SECONDS) * 1000
    wanted = _or(options.retention_days, DEFAULT_RETENTION_DAYS) * DAY_MS
    return record.counts_from + max(needed, wanted)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _query_of(query: str) -> dict[str, Any]:
    try:
        return fields_of(query) if query else {}
    except PayloadUnreadable:
        return {}


def _search_text(record: EventRecord) -> str:
    payload = b"" if record.payload is None else bytes(record.payload)[:_SEARCHED_PAYLOAD_BYTES]
    found: Sequence[str | None] = (
        record.id,
        record.delivery_id,
        record.type,
        record.webhook_name,
        payload.decode("utf-8", "ignore"),
    )
    return " ".join(text for text in found if text)
