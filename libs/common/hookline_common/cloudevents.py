"""Raw and judged events on the wire: CloudEvents 1.0 in the Kafka binary content mode.

`ce_*` headers carry the attributes, `content-type` is the body's own, the value is the raw body.
What an attribute of the specification cannot hold are extensions; empty ones are left out.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from hookline_common.errors import Undecodable
from hookline_common.eventlog import Delivered, Record
from hookline_common.rawevents import JudgedEvent, RawEvent, Replay, Verification
from hookline_common.topics import RECEIVED, REJECTED, VERIFIED

T = TypeVar("T")

RECEIVED_TYPE = "dev.hookline.webhook.received"
VERIFIED_TYPE = "dev.hookline.webhook.verified"
REJECTED_TYPE = "dev.hookline.webhook.rejected"
SOURCE_PREFIX = "/webhooks/"

_SPEC_VERSION = ("ce_specversion", b"1.0")
_encode = msgspec.json.Encoder().encode
_headers_of = msgspec.json.Decoder(tuple[tuple[str, str], ...]).decode
_names_of = msgspec.json.Decoder(tuple[str, ...]).decode
_replay_of = msgspec.json.Decoder(Replay).decode
_verification_of = msgspec.json.Decoder(Verification).decode
_position_of = msgspec.json.Decoder(tuple[str, int, int]).decode


def raw_record(event: RawEvent, key: str) -> Record:
    """The record of `webhooks.received` for an accepted request."""
    headers = _raw_headers(event, RECEIVED_TYPE)
    return Record(RECEIVED.name, key, event.body, tuple(headers))


def raw_event(record: Record) -> RawEvent:
    """The accepted request in a record; raises Undecodable."""
    return _decoded(record, _raw_from)


def judged_record(event: JudgedEvent, key: str) -> Record:
    """The record of `webhooks.verified` or, for any other verdict, `webhooks.rejected`."""
    verified = event.verdict == "verified"
    headers = _raw_headers(event.raw, VERIFIED_TYPE if verified else REJECTED_TYPE)
    headers += (
        ("ce_verdict", event.verdict.encode()),
        ("ce_verifiedat", b"%d" % event.verified_at),
        ("ce_incarnation", b"%d" % event.incarnation),
        ("ce_webhookname", _bytes(event.webhook_name)),
    )
    if event.type is not None:
        headers.append(("ce_subject", _bytes(event.type)))
    if event.delivery_id is not None:
        headers.append(("ce_deliveryid", _bytes(event.delivery_id)))
    if event.verification is not None:
        headers.append(("ce_verification", _encode(event.verification)))
    if event.reason is not None:
        headers.append(("ce_reason", _bytes(event.reason)))
    if event.detail is not None:
        headers.append(("ce_detail", _bytes(event.detail)))
    if event.position is not None:
        headers.append(("ce_position", _encode(event.position)))
    topic = VERIFIED.name if verified else REJECTED.name
    return Record(topic, key, event.raw.body, tuple(headers))


def judged_event(record: Record) -> JudgedEvent:
    """The judged event in a record; raises Undecodable."""
    return _decoded(record, _judged_from)


def event_and_webhook(record: Record) -> tuple[str, str] | None:
    """The ids of event and webhook, if the record has them; never raises."""
    found = dict(record.headers)
    event_id, source = found.get("ce_id"), found.get("ce_source")
    if event_id is None or source is None:
        return None
    webhook_id = source.decode("utf-8", "replace").removeprefix(SOURCE_PREFIX)
    return event_id.decode("utf-8", "replace"), webhook_id


def raw_position(delivered: Delivered) -> tuple[str, int, int] | None:
    """Where the raw request of a raw or judged event lies, if the record tells; never raises."""
    where = delivered.position
    if where.topic == RECEIVED.name:
        return where.topic, where.partition, where.offset
    written = dict(delivered.record.headers).get("ce_position")
    try:
        return None if written is None else _position_of(written)
    except msgspec.DecodeError:
        return None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _time(at_ms: int) -> bytes:
    return b"%s.%03dZ" % (_second(at_ms // 1000), at_ms % 1000)


@lru_cache(maxsize=64)  # the events of one second share all but the milliseconds
def _second(at: int) -> bytes:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()


def _raw_headers(event: RawEvent, kind: str) -> list[tuple[str, bytes]]:
    headers = [
        _SPEC_VERSION,
        ("ce_id", event.id.encode()),
        ("ce_source", _bytes(SOURCE_PREFIX + event.webhook_id)),
        ("ce_type", kind.encode()),
        ("ce_time", _time(event.received_at)),
        ("ce_receivedat", b"%d" % event.received_at),
        ("ce_method", event.method.encode()),
        ("ce_url", _bytes(event.url)),
        ("ce_query", _bytes(event.query)),
        ("ce_httpheaders", _encode(event.headers)),
        ("ce_remoteaddress", event.remote_address.encode()),
    ]
    content_type = next((value for name, value in event.headers if name == "content-type"), None)
    if content_type is not None:
        headers.append(("content-type", _bytes(content_type)))
    if event.answer:
        headers.append(("ce_answer", event.answer.encode()))
    if event.sealed:
        headers.append(("ce_sealed", _encode(event.sealed)))
    if event.replay is not None:
        headers.append(("ce_replay", _encode(event.replay)))
    return headers


def _raw_from(found: dict[str, bytes], body: bytes) -> RawEvent:
    sealed, replay = found.get("ce_sealed"), found.get("ce_replay")
    return RawEvent(
        id=found["ce_id"].decode(),
        webhook_id=_text(found["ce_source"]).removeprefix(SOURCE_PREFIX),
        received_at=int(found["ce_receivedat"]),
        method=found["ce_method"].decode(),
        url=_text(found["ce_url"]),
        query=_text(found["ce_query"]),
        headers=_headers_of(found["ce_httpheaders"]),
        body=body,
        remote_address=found["ce_remoteaddress"].decode(),
        answer=_answer(found.get("ce_answer", b"")),
        sealed=() if sealed is None else _names_of(sealed),
        replay=None if replay is None else _replay_of(replay),
    )


def _judged_from(found: dict[str, bytes], body: bytes) -> JudgedEvent:
    verification, position = found.get("ce_verification"), found.get("ce_position")
    return JudgedEvent(
        raw=_raw_from(found, body),
        verdict=_verdict(found["ce_verdict"]),
        verified_at=int(found["ce_verifiedat"]),
        incarnation=int(found["ce_incarnation"]),
        webhook_name=_text(found["ce_webhookname"]),
        delivery_id=_optional(found.get("ce_deliveryid")),
        type=_optional(found.get("ce_subject")),
        verification=None if verification is None else _verification_of(verification),
        reason=_optional(found.get("ce_reason")),
        detail=_optional(found.get("ce_detail")),
        position=None if position is None else _position_of(position),
    )


def _optional(value: bytes | None) -> str | None:
    return None if value is None else _text(value)


def _answer(value: bytes) -> Any:
    if value not in (b"", b"handshake", b"unauthorized"):
        raise ValueError(f"ce_answer is {value!r}")
    return value.decode()


def _verdict(value: bytes) -> Any:
    if value not in (b"verified", b"rejected", b"handshake", b"paused"):
        raise ValueError(f"ce_verdict is {value!r}")
    return value.decode()


def _decoded(record: Record, build: Callable[[dict[str, bytes], bytes], T]) -> T:
    found = dict(record.headers)
    version = found.get("ce_specversion", b"1.0")
    if not version.startswith(b"1."):
        raise Undecodable(f"a CloudEvent of version {_text(version)}: this Hookline reads 1.x")
    try:
        return build(found, record.value or b"")
    except KeyError as error:
        raise Undecodable(f"a CloudEvent without the attribute {error.args[0]}") from error
    except (ValueError, msgspec.DecodeError) as error:
        raise Undecodable(f"not a CloudEvent of Hookline: {error}") from error
