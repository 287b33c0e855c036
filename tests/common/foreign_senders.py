"""Requests signed with others' code: the platforms' own libraries and the openssl command."""

import base64
import datetime as dt
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from slack_sdk.signature import Clock as SlackClock
from slack_sdk.signature import SignatureVerifier
from standardwebhooks import Webhook
from stripe import WebhookSignature

from hookline_common.platforms.catalogue import PLATFORMS
from hookline_common.platforms.credentials import Credentials, KnownSecret
from hookline_common.platforms.declaration import Declaration
from hookline_common.platforms.verification import Judgement, verify
from hookline_common.rawevents import RawEvent

NOW = 1_760_000_000
NOW_MS = NOW * 1000
BODY = b'{"type":"thing.happened","text":"gr\xc3\xbc\xc3\x9fe \\u00e9","id":"evt_1"}\r\n'

Headers = dict[str, str]
Signer = Callable[[str, bytes, int], Headers]


def openssl(*arguments: str, given: bytes) -> bytes:
    """What the openssl command makes of the bytes."""
    command = ["openssl", *arguments]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def openssl_hmac(key: bytes, body: bytes) -> bytes:
    """HMAC-SHA256 as openssl computes it."""
    return openssl(
        "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{key.hex()}", "-binary", given=body
    )


def github(secret: str, body: bytes, now: int) -> Headers:
    return {"x-hub-signature-256": f"sha256={openssl_hmac(secret.encode(), body).hex()}"}


class _FixedClock(SlackClock):
    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        return self._now


def slack_verifier(secret: str, now: float) -> SignatureVerifier:
    """Slack's own verifier with a clock that stands still."""
    return SignatureVerifier(secret, _FixedClock(now))


def slack(secret: str, body: bytes, now: int) -> Headers:
    signature = slack_verifier(secret, now).generate_signature(timestamp=str(now), body=body)
    return {"x-slack-signature": signature, "x-slack-request-timestamp": str(now)}


def stripe(secret: str, body: bytes, now: int) -> Headers:
    text = body.decode("utf-8", "surrogateescape")
    signature = WebhookSignature._compute_signature(f"{now}.{text}", secret)
    return {"stripe-signature": f"t={now},v1={signature}"}


def teams(secret: str, body: bytes, now: int) -> Headers:
    mac = openssl_hmac(base64.b64decode(secret), body)
    return {"authorization": f"HMAC {base64.b64encode(mac).decode()}"}


def x(secret: str, body: bytes, now: int) -> Headers:
    mac = base64.b64encode(openssl_hmac(secret.encode(), body)).decode()
    return {"x-twitter-webhooks-signature": f"sha256={mac}"}


def standard(secret: str, body: bytes, now: int) -> Headers:
    moment = dt.datetime.fromtimestamp(now, tz=dt.UTC)
    signature = Webhook(secret).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", moment, body.decode())
    return {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": str(now),
        "webhook-signature": signature,
    }


def new_openssl_pair(folder: Path, name: str) -> tuple[Path, str]:
    """A P-256 private key file and its public key as base64 DER, both made by openssl."""
    private = folder / f"{name}.pem"
    private.write_bytes(openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", given=b""))
    der = openssl("ec", "-in", str(private), "-pubout", "-outform", "DER", given=b"")
    return private, base64.b64encode(der).decode()


def sendgrid_headers(private: Path, body: bytes, now: int) -> Headers:
    """What SendGrid would send, signed by openssl."""
    message = str(now).encode() + body
    signature = openssl("dgst", "-sha256", "-sign", str(private), given=message)
    return {
        "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
        "x-twilio-email-event-webhook-timestamp": str(now),
    }


class Sender(NamedTuple):
    """A platform, two secrets of it, its signer, and where its signature is."""

    platform: str
    secret: str
    other_secret: str
    sign: Signer
    signature_header: str
    timed: bool = False
    future_accepted: bool = False

    @property
    def declaration(self) -> Declaration:
        return PLATFORMS[self.platform].declaration

    def judged(
        self,
        headers: Mapping[str, str],
        body: bytes = BODY,
        *,
        secrets: tuple[str, ...] = (),
        at_ms: int = NOW_MS,
    ) -> Judgement:
        """The judgement of a request that arrived with these headers."""
        raw = arrived(headers.items(), body, at_ms=at_ms)
        return verify(self.declaration, secret_of(*(secrets or (self.secret,))), raw)


def secret_of(*values: str) -> Credentials:
    """Credentials whose secrets are called s0, s1, …"""
    return Credentials(tuple(KnownSecret(f"s{i}", value) for i, value in enumerate(values)))


def arrived(
    headers: object,
    body: bytes = BODY,
    *,
    at_ms: int = NOW_MS,
    method: str = "POST",
    query: str = "",
    url: str = "https://hooks.example/webhook/w1",
) -> RawEvent:
    """A request as ingest stores it."""
    return RawEvent(
        id="e1",
        webhook_id="w1",
        received_at=at_ms,
        method=method,
        url=f"{url}?{query}" if query else url,
        query=query,
        headers=tuple((name.lower(), value) for name, value in headers),
        body=body,
    )


_OTHER = "bm90IHRoZSByaWdodCBvbmUgYXQgYWxsISEh"
SENDERS = (
    Sender("github", "It's a Secret to Everybody", "other", github, "x-hub-signature-256"),
    Sender(
        "slack", "8f742231b10e8888abcd99yyyzzz85a5", "other", slack, "x-slack-signature", timed=True
    ),
    Sender(
        "stripe",
        "whsec_test_secret",
        "whsec_other",
        stripe,
        "stripe-signature",
        timed=True,
        future_accepted=True,
    ),
    Sender(
        "microsoft_teams",
        "vqF0En+Z0ucuRTM/01o2GuhMH3hKKk/N2bOmlM31zaA=",
        _OTHER,
        teams,
        "authorization",
    ),
    Sender("x", "consumer secret", "other", x, "x-twitter-webhooks-signature"),
    Sender(
        "standard_webhooks",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        f"whsec_{_OTHER}",
        standard,
        "webhook-signature",
        timed=True,
    ),
)
