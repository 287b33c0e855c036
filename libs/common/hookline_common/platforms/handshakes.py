"""One handshake for every platform: recognise the request that asks, and say what to answer."""

import base64
import hmac
import re

import msgspec

from hookline_common import reasons
from hookline_common.platforms.credentials import Credentials
from hookline_common.platforms.declaration import Condition, Declaration, Handshake, Reply
from hookline_common.platforms.signatures import KeyMalformed, key_bytes
from hookline_common.platforms.sources import Reading, Source, parse_source, wire_bytes
from hookline_common.platforms.verification import Judgement, verify
from hookline_common.rawevents import Check, RawEvent, Verification

_SLOT = re.compile(r"\{\{([^{}|]+)(?:\|(hmac-hex|hmac-b64))?\}\}")


class HandshakeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A recognised handshake. If `accepted`, answer with status, headers and body; otherwise 401,
    and record `judgement`, whose reason says why. `verifies_url`: the URL is verified now.
    """

    name: str
    judgement: Judgement
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    verifies_url: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the platform gets what it wants."""
        return self.judgement.ok


def reads_body(declaration: Declaration, method: str) -> bool:
    """Whether a handshake of this method can be recognised only by its body."""
    return any(
        parse_source(condition.source).kind in ("body", "key")
        for handshake in declaration.handshakes
        if method in handshake.methods
        for condition in handshake.when
    )


def handshake(
    declaration: Declaration,
    credentials: Credentials,
    raw: RawEvent,
    *,
    tolerance_seconds: int | None = None,
) -> HandshakeAnswer | None:
    """The answer to a handshake, or None for a request that is none (or that cannot be read)."""
    reading = Reading(raw)
    for declared in declaration.handshakes:
        if raw.method in declared.methods and _asked(declared, reading):
            judgement = _judged(declaration, declared, credentials, raw, tolerance_seconds)
            return _answer(declaration, declared, credentials, reading, judgement)
    return None


def _asked(declared: Handshake, reading: Reading) -> bool:
    return all(_holds(condition, reading) for condition in declared.when)


def _holds(condition: Condition, reading: Reading) -> bool:
    source = parse_source(condition.source)
    if source.kind == "body" and not _may_have(condition, source, reading):
        return False
    texts = reading.texts(source)
    if len(texts) != 1:
        return False
    if condition.equals is not None:
        return texts[0] == condition.equals
    return condition.pattern is None or re.fullmatch(condition.pattern, texts[0]) is not None


def _may_have(condition: Condition, source: Source, reading: Reading) -> bool:
    """A look at the bytes, so that no ordinary event is parsed to learn that it asks nothing."""
    text = reading.raw.body or reading.raw.query.encode()
    name = source.name.rpartition(".")[2]
    return name.encode() in text and (condition.equals or "").encode() in text


def _judged(
    declaration: Declaration,
    declared: Handshake,
    credentials: Credentials,
    raw: RawEvent,
    tolerance_seconds: int | None,
) -> Judgement:
    if declared.signed:
        return verify(declaration, credentials, raw, tolerance_seconds=tolerance_seconds)
    check = Check(f"handshake {declared.name}", ok=True, detail="this request is never signed")
    return Judgement(Verification("challenge", None, (check,)))


def _answer(
    declaration: Declaration,
    declared: Handshake,
    credentials: Credentials,
    reading: Reading,
    judgement: Judgement,
) -> HandshakeAnswer:
    if not judgement.ok:
        return HandshakeAnswer(name=declared.name, judgement=judgement)
    body = _filled(declaration, declared.reply, credentials, reading)
    if body is None:
        return HandshakeAnswer(name=declared.name, judgement=_without_secret(declared))
    return HandshakeAnswer(
        name=declared.name,
        judgement=judgement,
        status=declared.reply.status,
        headers=_headers(declared.reply),
        body=body,
        verifies_url=declared.verifies_url,
    )


def _headers(reply: Reply) -> tuple[tuple[str, str], ...]:
    # A challenge is a stranger's text that comes back from our host: no browser may guess its type.
    kind = (("content-type", reply.content_type),) if reply.content_type else ()
    return (*kind, ("x-content-type-options", "nosniff"))


def _without_secret(declared: Handshake) -> Judgement:
    reason = reasons.NO_SECRET
    check = Check(f"handshake {declared.name}", ok=False, detail=reasons.sentence(reason))
    verification = Verification("challenge", None, (check,))
    return Judgement(verification, reason, reasons.sentence(reason))


def _filled(
    declaration: Declaration, reply: Reply, credentials: Credentials, reading: Reading
) -> bytes | None:
    """The body of the reply; None where it needs a secret and none is usable."""
    parts = _SLOT.split(reply.body)
    body = parts[0].encode()
    for source, function, literal in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        value = _value(reading, source)
        if function is not None:
            key = _key(declaration, credentials, reading.raw.received_at)
            if key is None:
                return None
            value = _mac(function, key, value)
        body += value + literal.encode()
    return body


def _value(reading: Reading, source: str) -> bytes:
    """The bytes of the one value that the handshake's conditions found there."""
    parsed = parse_source(source)
    text = reading.texts(parsed)[0]
    return wire_bytes(text) if parsed.kind == "header" else text.encode("utf-8", "replace")


def _key(declaration: Declaration, credentials: Credentials, at_ms: int) -> bytes | None:
    kind = declaration.schemes[0].key
    for secret in credentials.in_force(at_ms):
        try:
            return key_bytes(kind, secret.value)
        except KeyMalformed:
            continue
    return None


def _mac(function: str, key: bytes, value: bytes) -> bytes:
    mac = hmac.digest(key, value, "sha256")
    return mac.hex().encode() if function == "hmac-hex" else base64.b64encode(mac)
