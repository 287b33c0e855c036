"""The `verification` object of a Custom webhook: a declaration that the user writes.

    {"alg": "token", "header": "X-Api-Key"}
    {"alg": "token", "header": "Authorization", "prefix": "Bearer "}
    {"alg": "basic"}
    {"alg": "hmac-sha256", "header": "X-Signature", "prefix": "sha256=", "enc": "hex"}
    {"alg": "hmac-sha256", "header": "X-Signature", "fmt": [",", "=", "v1"], "msg": "{ts}.{body}",
     "ts": {"source": "field:t", "unit": "s", "tolerance": 300}}

Field names are those of section C of specs/platforms.md.
"""

from typing import Annotated, Any, Literal

import msgspec

from hookline_common.errors import BadRequest
from hookline_common.platforms.declaration import (
    DEFAULT_TOLERANCE_SECONDS,
    Algorithm,
    Declaration,
    Encoding,
    EventFacts,
    Format,
    KeyKind,
    Reply,
    Scheme,
    Timestamp,
)
from hookline_common.platforms.signatures import is_mac
from hookline_common.platforms.sources import BadSource, parse_source, parse_template

FIELD = "/verification"
_SECONDS_A_DAY = 86_400

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class _OwnTime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: _Text
    unit: Literal["s", "ms"] = "s"
    tolerance: Annotated[int, msgspec.Meta(ge=1, le=_SECONDS_A_DAY)] = DEFAULT_TOLERANCE_SECONDS


class _OwnEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: _Text | None = None
    type: _Text | None = None


class _OwnAck(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    status: Annotated[int, msgspec.Meta(ge=200, le=299)] = 200
    content_type: _Text | None = None
    body: Annotated[str, msgspec.Meta(max_length=4096)] = ""


class _OwnVerification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: Algorithm
    header: _Text | None = None
    sig: _Text | None = None
    prefix: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    fmt: tuple[str, _Text, _Text] | None = None
    enc: Encoding | None = None
    key: KeyKind | None = None
    msg: _Text = "{body}"
    ts: _OwnTime | None = None
    event: _OwnEvent = _OwnEvent()
    ack: _OwnAck = _OwnAck()


def declaration_of(verification: dict[str, Any]) -> Declaration:
    """The declaration that the user wrote; raises BadRequest naming the field."""
    own = _converted(verification)
    _check_consistent(own)
    scheme = Scheme(
        sig=_signature_source(own),
        alg=own.alg,
        fmt=Format(*own.fmt) if own.fmt else None,
        prefix=own.prefix if own.prefix is not None else _usual_prefix(own.alg),
        enc=own.enc or ("hex" if is_mac(own.alg) else "base64"),
        key=own.key or _usual_key(own.alg),
        msg=_message(own),
        ts=own.ts and Timestamp(own.ts.source, own.ts.unit, own.ts.tolerance),
    )
    _check_sources(own, scheme)
    return Declaration(
        method="signature",
        schemes=(scheme,),
        event=EventFacts(
            id=_as_template(own.event.id),
            type=_as_template(own.event.type),
            id_signed=_covers_id(own, scheme),
        ),
        ack=Reply(own.ack.status, own.ack.content_type, own.ack.body),
    )


def _converted(verification: dict[str, Any]) -> _OwnVerification:
    try:
        return msgspec.convert(verification, _OwnVerification)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        steps = path.rstrip("`").replace("[", ".").replace("]", "").split(".")
        pointer = "/".join(step for step in steps if step and step != "...")
        raise _refused(message, pointer) from error


def _refused(message: str, pointer: str = "") -> BadRequest:
    field = f"{FIELD}/{pointer}" if pointer else FIELD
    return BadRequest(f"verification: {message}", code="bad_verification", field=field)


def _check_consistent(own: _OwnVerification) -> None:
    bare = own.alg in ("token", "basic")
    if own.header and own.sig:
        raise _refused("`header` and `sig` say the same: use one of them", "sig")
    if own.prefix and own.fmt:
        raise _refused("`prefix` and `fmt` cannot both be used", "prefix")
    if not (own.header or own.sig or own.alg == "basic"):
        raise _refused("`header` says where the signature or token is", "header")
    if bare and (own.fmt or own.ts or own.msg != "{body}"):
        raise _refused(f"`fmt`, `ts` and `msg` mean nothing with {own.alg}", "alg")
    if not bare and "{body}" not in own.msg:
        raise _refused("`msg` must cover {body}, otherwise the body could be changed", "msg")
    if own.ts and own.ts.source.startswith("field:") and not own.fmt:
        raise _refused("`field:` needs `fmt`, which says how the header is divided", "ts/source")
    if own.ts and "{ts}" not in own.msg:
        raise _refused("`msg` must cover {ts}, otherwise the timestamp could be changed", "msg")


def _signature_source(own: _OwnVerification) -> str:
    return own.sig or f"header:{own.header or 'authorization'}".lower()


def _usual_prefix(algorithm: Algorithm) -> str:
    return "Basic " if algorithm == "basic" else ""


def _usual_key(algorithm: Algorithm) -> KeyKind:
    usual: dict[Algorithm, KeyKind] = {"ecdsa-p256-sha256": "spki-b64", "ed25519": "hex"}
    return usual.get(algorithm, "utf8")


def _message(own: _OwnVerification) -> str:
    """`{ts}` and `{id}` are short for the sources that `ts` and `event.id` name."""
    message = own.msg
    if own.ts:
        message = message.replace("{ts}", f"{{{own.ts.source}}}")
    if own.event.id:
        message = message.replace("{id}", f"{{{own.event.id}}}")
    return message


def _covers_id(own: _OwnVerification, scheme: Scheme) -> bool:
    """Whether changing the delivery id would break the signature."""
    if own.event.id is None or own.alg in ("token", "basic"):
        return False
    covered = own.event.id.startswith(("body:", "digest"))
    return covered or f"{{{own.event.id}}}" in scheme.msg


def _as_template(source: str | None) -> tuple[str, ...]:
    return (f"{{{source}}}",) if source else ()


def _check_sources(own: _OwnVerification, scheme: Scheme) -> None:
    _check_source(scheme.sig, ("header", "query"), "sig" if own.sig else "header")
    if own.ts:
        _check_source(own.ts.source, ("header", "query", "field", "body"), "ts/source")
    for source, pointer in ((own.event.id, "event/id"), (own.event.type, "event/type")):
        if source:
            _check_source(source, ("header", "query", "body", "digest"), pointer)
    try:
        parse_template(scheme.msg)
    except BadSource as error:
        raise _refused(str(error), "msg") from error


def _check_source(text: str, kinds: tuple[str, ...], pointer: str) -> None:
    try:
        source = parse_source(text)
    except BadSource as error:
        raise _refused(str(error), pointer) from error
    if source.kind not in kinds or (source.kind == "body" and not source.name):
        raise _refused(f"{text!r} cannot be used here: allowed are {', '.join(kinds)}", pointer)
