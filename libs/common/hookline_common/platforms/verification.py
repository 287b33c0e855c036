"""One verifier for every platform: is this request from the sender that the webhook names?

A pure function of declaration, credentials and request; the clock is the request's time of
arrival. Checks run in this order and stop at the first that fails: headers present, timestamp,
signature over the bytes received. No detail ever holds a secret or a whole signature.
"""

import base64
import binascii
import hmac

import msgspec

from hookline_common import reasons
from hookline_common.platforms.credentials import Credentials, KnownSecret
from hookline_common.platforms.declaration import Declaration, Format, Scheme, Timestamp
from hookline_common.platforms.signatures import KeyMalformed, fits, normal_form, same_value
from hookline_common.platforms.sources import Fields, Reading, Source, parse_source, wire_bytes
from hookline_common.rawevents import Check, RawEvent, Verification

_SHOWN = 6
_LONGEST_TIMESTAMP = 16


class Judgement(msgspec.Struct, frozen=True):
    """The outcome: `reason` (a code of reasons.py) and `detail` (a sentence) only if rejected."""

    verification: Verification
    reason: str | None = None
    detail: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the sender was proved."""
        return self.reason is None


class _Refused(Exception):
    """A check failed. `checks` holds what was checked, the failed one last."""

    def __init__(self, reason: str, name: str, detail: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.check = Check(name, ok=False, detail=detail)


def verify(
    declaration: Declaration,
    credentials: Credentials,
    raw: RawEvent,
    *,
    tolerance_seconds: int | None = None,
) -> Judgement:
    """Judge a request whose sealed headers have been opened.

    `tolerance_seconds` overrides the platform's own (`options.toleranceSeconds`); 0 accepts any
    time.
    """
    if declaration.method == "header":
        return _judge_headers(credentials, raw)
    if not credentials.secrets and not declaration.secret_required:
        return _unauthenticated(declaration)
    secrets = credentials.in_force(raw.received_at)
    if not secrets:
        return _rejected(declaration, reasons.NO_SECRET, ())
    if declaration.only_objects and raw.body.lstrip()[:1] != b"{":
        return _rejected(declaration, reasons.BODY_NOT_EXPECTED, ())
    return _judge_schemes(declaration, secrets, Reading(raw), tolerance_seconds)


def _judge_schemes(
    declaration: Declaration, secrets: list[KnownSecret], reading: Reading, tolerance: int | None
) -> Judgement:
    """The first scheme that fits, otherwise the failure of the one that came furthest."""
    furthest = _rejected(declaration, reasons.SIGNATURE_MISSING, ())
    for scheme in declaration.schemes:
        judgement = _Attempt(scheme, reading, tolerance).judgement(declaration, secrets)
        if judgement.ok:
            return judgement
        if len(judgement.verification.checks) > len(furthest.verification.checks):
            furthest = judgement
    return furthest


class _Attempt:
    """One scheme tried on one request; `checks` grows with each step."""

    def __init__(self, scheme: Scheme, reading: Reading, tolerance: int | None) -> None:
        self.scheme = scheme
        self.reading = reading
        self.tolerance = tolerance
        self.checks: list[Check] = []

    def judgement(self, declaration: Declaration, secrets: list[KnownSecret]) -> Judgement:
        try:
            secret_id = self._run(secrets)
        except _Refused as refused:
            checks = (*self.checks, refused.check)
            return _rejected(declaration, refused.reason, checks)
        return Judgement(Verification(declaration.method, secret_id, tuple(self.checks)))

    def _run(self, secrets: list[KnownSecret]) -> str:
        text = self._signature_text()
        if self.scheme.alg in ("token", "basic"):
            return self._matching_token(text, secrets)
        fields = _fields(self.scheme.fmt, text)
        if self.scheme.ts is not None:
            self._check_time(self.scheme.ts, fields)
        candidates = self._candidates(text, fields)
        message = self.reading.filled(self.scheme.msg, fields)
        if message is None:
            raise _Refused(reasons.SIGNED_VALUE_MISSING, "signature", f"signed: {self.scheme.msg}")
        return self._matching_secret(message, candidates, secrets)

    def _signature_text(self) -> str:
        source = parse_source(self.scheme.sig)
        token = self.scheme.alg in ("token", "basic")
        missing = reasons.TOKEN_MISSING if token else reasons.SIGNATURE_MISSING
        return self._single(source, self.reading.texts(source), missing)

    def _single(self, source: Source, texts: list[str], missing: str) -> str:
        name = f"{source.kind} {source.name}"
        if not texts:
            raise _Refused(missing, name, f"expected {_shape(self.scheme)}; it is not there")
        if len(texts) > 1:
            raise _Refused(reasons.HEADER_REPEATED, name, f"expected once; came {len(texts)} times")
        self.checks.append(Check(name, ok=True))
        return texts[0]

    def _check_time(self, rule: Timestamp, fields: Fields) -> None:
        source = parse_source(rule.source)
        texts = self.reading.texts(source, fields)
        text = self._single(source, texts, reasons.TIMESTAMP_MISSING)
        if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_TIMESTAMP):
            detail = f"expected a whole number in {rule.unit}; came {_glimpse(text)}"
            raise _Refused(reasons.TIMESTAMP_MALFORMED, "timestamp", detail)
        stamped_ms = int(text) * (1000 if rule.unit == "s" else 1)
        self._check_age(rule, self.reading.raw.received_at - stamped_ms)

    def _check_age(self, rule: Timestamp, age_ms: int) -> None:
        tolerance = rule.tolerance_seconds if self.tolerance is None else self.tolerance
        detail = f"allowed {tolerance} s; came {age_ms / 1000:.0f} s after the timestamp"
        if tolerance and age_ms > tolerance * 1000:
            raise _Refused(reasons.TIMESTAMP_TOO_OLD, "timestamp", detail)
        if tolerance and age_ms < -tolerance * 1000 and rule.future == "refused":
            raise _Refused(reasons.TIMESTAMP_IN_FUTURE, "timestamp", detail)
        self.checks.append(Check("timestamp", ok=True, detail=detail))

    def _candidates(self, text: str, fields: Fields) -> list[bytes]:
        fmt = self.scheme.fmt
        texts = [_without(self.scheme.prefix, text)] if fmt is None else fields.get(fmt.name, ())
        forms = [normal_form(self.scheme, found) for found in texts if found is not None]
        candidates = [form for form in forms if form is not None]
        if not candidates:
            detail = f"expected {_shape(self.scheme)}; came {_glimpse(text)}"
            raise _Refused(reasons.SIGNATURE_MALFORMED, "signature", detail)
        return candidates

    def _matching_secret(
        self, message: bytes, candidates: list[bytes], secrets: list[KnownSecret]
    ) -> str:
        problems: list[str] = []
        for secret in secrets:
            try:
                if fits(self.scheme, secret.value, message, candidates):
                    self.checks.append(Check("signature", ok=True))
                    return secret.id
            except KeyMalformed as problem:
                problems.append(str(problem))
        if len(problems) == len(secrets):
            raise _Refused(reasons.SECRET_MALFORMED, "secret", f"every secret: {problems[0]}")
        raise _Refused(reasons.SIGNATURE_MISMATCH, "signature", _tried(candidates, secrets))

    def _matching_token(self, text: str, secrets: list[KnownSecret]) -> str:
        token = _without_scheme_word(self.scheme.prefix, text)
        fitting = [secret for secret in secrets if _token_fits(self.scheme, secret.value, token)]
        if not fitting:
            detail = f"expected {_shape(self.scheme)}; came {len(text)} characters"
            raise _Refused(reasons.TOKEN_MISMATCH, "token", detail)
        self.checks.append(Check("token", ok=True))
        return fitting[0].id


def _fields(fmt: Format | None, text: str) -> Fields:
    """The named parts of a signature header; a part that names nothing is left out."""
    fields: dict[str, list[str]] = {}
    if fmt is None:
        return fields
    for item in text.split(fmt.item) if fmt.item else (text,):
        name, pair, value = item.strip().partition(fmt.pair)
        if pair:
            fields.setdefault(name, []).append(value)
    return fields


def _without(prefix: str, text: str) -> str | None:
    return text[len(prefix) :] if text.startswith(prefix) else None


def _without_scheme_word(prefix: str, text: str) -> str | None:
    """As RFC 9110 has it, `Bearer` and `Basic` may be written in any case."""
    return text[len(prefix) :] if text[: len(prefix)].lower() == prefix.lower() else None


def _token_fits(scheme: Scheme, secret: str, token: str | None) -> bool:
    if token is None:
        return False
    if scheme.alg == "token":
        return same_value(secret, token)
    try:
        pair = base64.b64decode(wire_bytes(token), validate=True)
    except binascii.Error:
        return False
    return hmac.compare_digest(pair, secret.encode("utf-8", "surrogatepass"))


def _judge_headers(credentials: Credentials, raw: RawEvent) -> Judgement:
    """Every configured header exactly once with exactly its value; each is a check of its own."""
    reading = Reading(raw)
    found = [_judge_header(name, value, reading) for name, value in credentials.headers]
    checks = tuple(check for check, _ in found)
    failed = [reason for _, reason in found if reason is not None]
    verification = Verification("header", None, checks)
    if not found:
        return Judgement(verification, reasons.NO_SECRET, reasons.sentence(reasons.NO_SECRET))
    if not failed:
        return Judgement(verification)
    detail = "; ".join(f"{check.name}: {check.detail}" for check in checks if not check.ok)
    return Judgement(verification, failed[0], detail)


def _judge_header(name: str, expected: str, reading: Reading) -> tuple[Check, str | None]:
    values = reading.headers(name)
    label = f"header {name}"
    if not values:
        return Check(label, ok=False, detail="it is not there"), reasons.HEADER_MISSING
    if len(values) > 1:
        detail = f"expected once; came {len(values)} times"
        return Check(label, ok=False, detail=detail), reasons.HEADER_REPEATED
    if not same_value(expected, values[0]):
        detail = f"a different value came ({len(values[0])} characters)"
        return Check(label, ok=False, detail=detail), reasons.HEADER_MISMATCH
    return Check(label, ok=True, detail="matched"), None


def _unauthenticated(declaration: Declaration) -> Judgement:
    detail = "no secret is configured: the sender of events is not proved"
    return Judgement(Verification(declaration.method, None, (Check("secret", True, detail),)))


def _rejected(declaration: Declaration, reason: str, checks: tuple[Check, ...]) -> Judgement:
    sentence = reasons.sentence(reason)
    detail = f"{sentence} ({checks[-1].name}: {checks[-1].detail})" if checks else sentence
    return Judgement(Verification(declaration.method, None, checks), reason, detail)


def _shape(scheme: Scheme) -> str:
    """What the signature should look like, in words that hold no secret."""
    if scheme.alg == "token":
        return f"{scheme.prefix}<token>"
    if scheme.alg == "basic":
        return f"{scheme.prefix}<base64 of user:password>"
    lead = scheme.prefix if scheme.fmt is None else f"{scheme.fmt.name}{scheme.fmt.pair}"
    return f"{lead}<{scheme.enc} {scheme.alg}>"


def _glimpse(text: str) -> str:
    """Enough of a received value to recognise its form, and no more: it may be a secret that was
    put into the wrong place.
    """
    return f"{text[: min(_SHOWN, len(text) // 4)]!a}… ({len(text)} characters)"


def _tried(candidates: list[bytes], secrets: list[KnownSecret]) -> str:
    shown = ", ".join(_glimpse(candidate.decode()) for candidate in candidates[:3])
    return f"{len(secrets)} secret(s) tried; came {shown}"
