"""Vectors that the platforms have published, and their own checkers on what we sign."""

import base64
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from gidgethub.sansio import Event, validate_event
from sendgrid.helpers.eventwebhook import EventWebhook
from standardwebhooks import Webhook
from stripe import Webhook as StripeWebhook

from hookline_common import reasons
from hookline_common.errors import BadRequest
from hookline_common.platforms.catalogue import PLATFORMS
from hookline_common.platforms.credentials import Credentials
from hookline_common.platforms.samples import sample_named, sample_request
from hookline_common.platforms.signing import (
    NeedsPrivateKey,
    SignedRequest,
    new_key_pair,
    sign,
    sign_with_private_key,
)
from hookline_common.platforms.verification import verify
from tests.common.foreign_senders import (
    NOW,
    NOW_MS,
    SENDERS,
    arrived,
    new_openssl_pair,
    openssl_hmac,
    secret_of,
    slack_verifier,
)

DELIVERY = "0b989ba4-242f-11e5-81e1-c7b6966d2516"
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&"
    b"channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&"
    b"command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2F"
    b"T1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
    b"803a0bc887a14d10d2c447fce8b6703c"
)
SENDGRID_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw"
    "+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
)
SENDGRID_SIGNATURE = (
    "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLt"
    "EZtM="
)
SENDGRID_BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":'
    b'"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","sg_message_id":"LRzXl_NHStOGhQ4kofSm'
    b'_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@'
    b'ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)


def _published(platform: str, secret: str, headers: dict[str, str], body: bytes, at: int) -> Any:
    raw = arrived(headers.items(), body, at_ms=at * 1000)
    return verify(PLATFORMS[platform].declaration, secret_of(secret), raw)


def test_github_published_vector() -> None:
    digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    secret, body = "It's a Secret to Everybody", b"Hello, World!"
    for text in (digest, digest.upper()):
        headers = {"x-hub-signature-256": f"sha256={text}"}
        assert _published("github", secret, headers, body, NOW).ok
        assert not _published("github", secret, headers, b"Hello World!", NOW).ok


def test_slack_published_vector() -> None:
    headers = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    secret = "8f742231b10e8888abcd99yyyzzz85a5"
    assert _published("slack", secret, headers, SLACK_BODY, 1531420618).ok
    late = _published("slack", secret, headers, SLACK_BODY, 1531420618 + 301)
    assert late.reason == reasons.TIMESTAMP_TOO_OLD


def test_sendgrid_published_vector_with_its_line_ending() -> None:
    headers = {
        "x-twilio-email-event-webhook-signature": SENDGRID_SIGNATURE,
        "x-twilio-email-event-webhook-timestamp": "1600112502",
    }
    assert _published("sendgrid", SENDGRID_KEY, headers, SENDGRID_BODY, 1600112502).ok
    stripped = _published("sendgrid", SENDGRID_KEY, headers, SENDGRID_BODY.strip(), 1600112502)
    assert stripped.reason == reasons.SIGNATURE_MISMATCH


@pytest.mark.parametrize(
    ("platform", "event"),
    [
        (platform.key, sample.name)
        for platform in PLATFORMS.values()
        if platform.key not in ("sendgrid", "custom")
        for sample in platform.samples
        if sample.method == "POST"
    ],
)
def test_our_own_samples_pass_our_own_check_and_fail_under_another_secret(
    platform: str, event: str
) -> None:
    chosen = PLATFORMS[platform]
    key = base64.b64encode(b"k" * 32).decode()
    request = sample_request(sample_named(chosen, event), delivery=DELIVERY, now_ms=NOW_MS)
    signed = sign(chosen.declaration, secret_of(key), request, NOW_MS)
    raw = arrived(signed.headers, signed.body, query=signed.query)
    assert verify(chosen.declaration, secret_of(key), raw).ok
    other = secret_of(base64.b64encode(b"o" * 32).decode())
    assert verify(chosen.declaration, other, raw).reason == reasons.SIGNATURE_MISMATCH


def _signed(platform: str, event: str, secret: str) -> SignedRequest:
    chosen = PLATFORMS[platform]
    request = sample_request(sample_named(chosen, event), delivery=DELIVERY, now_ms=NOW_MS)
    return sign(chosen.declaration, secret_of(secret), request, NOW_MS)


@pytest.mark.parametrize("event", [sample.name for sample in PLATFORMS["github"].samples])
def test_gidgethub_accepts_what_we_sign_for_github(event: str) -> None:
    request = _signed("github", event, "s3cret")
    headers = dict(request.headers)
    parsed = Event.from_http(headers, request.body, secret="s3cret")
    assert (parsed.event, parsed.delivery_id) == (event, DELIVERY)
    validate_event(request.body, signature=headers["x-hub-signature-256"], secret="s3cret")


@pytest.mark.parametrize("event", ["message", "app_mention", "slash_command", "url_verification"])
def test_slack_sdk_accepts_what_we_sign_for_slack(event: str) -> None:
    request = _signed("slack", event, "s3cret")
    assert slack_verifier("s3cret", NOW).is_valid_request(request.body, dict(request.headers))
    assert not slack_verifier("other", NOW).is_valid_request(request.body, dict(request.headers))


@pytest.mark.parametrize("event", [sample.name for sample in PLATFORMS["stripe"].samples])
def test_stripe_accepts_what_we_sign_for_stripe(event: str) -> None:
    request = _signed("stripe", event, "whsec_test_secret")
    signature = dict(request.headers)["stripe-signature"]
    parsed = StripeWebhook.construct_event(request.body, signature, "whsec_test_secret", None)
    assert parsed.type == event


def test_standardwebhooks_accepts_what_we_sign() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    now_ms = int(dt.datetime.now(tz=dt.UTC).timestamp() * 1000)  # their checker reads the clock
    chosen = PLATFORMS["standard_webhooks"]
    sample = sample_named(chosen, "invoice.paid")
    request = sample_request(sample, delivery=DELIVERY, now_ms=now_ms)
    signed = sign(chosen.declaration, secret_of(secret), request, now_ms)
    assert Webhook(secret).verify(signed.body, dict(signed.headers))["type"] == "invoice.paid"


def test_openssl_computes_what_we_sign_for_teams() -> None:
    token = base64.b64encode(bytes(range(32))).decode()
    request = _signed("microsoft_teams", "message", token)
    expected = base64.b64encode(openssl_hmac(bytes(range(32)), request.body)).decode()
    assert dict(request.headers)["authorization"] == f"HMAC {expected}"


@pytest.mark.parametrize("event", ["delivered", "dropped"])
def test_sendgrids_library_accepts_what_we_sign_with_either_kind_of_pair(
    event: str, tmp_path: Path
) -> None:
    ours = new_key_pair()
    theirs, public = new_openssl_pair(tmp_path, "theirs")
    chosen = PLATFORMS["sendgrid"]
    request = sample_request(sample_named(chosen, event), delivery=DELIVERY, now_ms=NOW_MS)
    assert request.body.endswith(b"\r\n")
    for private, key in ((ours.private_pem, ours.public_key), (theirs.read_text(), public)):
        signed = sign_with_private_key(chosen.declaration, private, request, NOW_MS)
        headers = dict(signed.headers)
        checker = EventWebhook(key)
        assert checker.verify_signature(
            signed.body.decode(),
            headers["x-twilio-email-event-webhook-signature"],
            headers["x-twilio-email-event-webhook-timestamp"],
        )
        raw = arrived(signed.headers, signed.body)
        assert verify(chosen.declaration, secret_of(key), raw).ok


def test_sendgrid_cannot_be_signed_for_with_the_public_key() -> None:
    chosen = PLATFORMS["sendgrid"]
    request = sample_request(sample_named(chosen, "open"), delivery=DELIVERY, now_ms=NOW_MS)
    with pytest.raises(NeedsPrivateKey) as refused:
        sign(chosen.declaration, secret_of(new_key_pair().public_key), request, NOW_MS)
    assert (refused.value.status, refused.value.code) == (409, "needs_private_key")


@pytest.mark.parametrize("key", ["", "no pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_file_that_is_no_private_key_is_refused(key: str) -> None:
    request = SignedRequest("POST", (), b"[]")
    with pytest.raises(BadRequest):
        sign_with_private_key(PLATFORMS["sendgrid"].declaration, key, request, NOW_MS)


def test_stripe_accepts_every_v1_of_the_header_and_ignores_other_schemes() -> None:
    sender = next(sender for sender in SENDERS if sender.platform == "stripe")
    body = b'{"id":"evt_1"}'
    first = sender.sign("whsec_old", body, NOW)["stripe-signature"]
    second = sender.sign("whsec_new", body, NOW)["stripe-signature"].partition(",")[2]
    header = {"stripe-signature": f"{first},{second},v0=abc,scheme=x"}
    for secret in ("whsec_old", "whsec_new"):
        assert sender.judged(header, body, secrets=(secret,)).ok
    v0_only = {"stripe-signature": first.replace("v1=", "v0=")}
    assert sender.judged(v0_only, body, secrets=("whsec_old",)).reason == (
        reasons.SIGNATURE_MALFORMED
    )


def test_svix_header_names_and_several_signatures_are_accepted() -> None:
    sender = next(sender for sender in SENDERS if sender.platform == "standard_webhooks")
    body = b'{"test": 2432232314}'
    signed = sender.sign(sender.secret, body, NOW)
    svix = {name.replace("webhook-", "svix-"): value for name, value in signed.items()}
    svix["svix-signature"] = f"v1,{'A' * 43}= v2,what {svix['svix-signature']}"
    assert sender.judged(svix, body).ok
    assert not sender.judged({**svix, "svix-id": "msg_other"}, body).ok


def test_standard_webhooks_with_an_ed25519_key_and_never_the_key_as_a_secret() -> None:
    key = Ed25519PrivateKey.generate()
    raw_key = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    public = "whpk_" + base64.b64encode(raw_key).decode()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    chosen = PLATFORMS["standard_webhooks"]
    sample = sample_named(chosen, "invoice.paid")
    request = sample_request(sample, delivery=DELIVERY, now_ms=NOW_MS)
    signed = sign_with_private_key(chosen.declaration, pem, request, NOW_MS)
    assert verify(chosen.declaration, secret_of(public), arrived(signed.headers, signed.body)).ok
    with pytest.raises(NeedsPrivateKey):
        sign(chosen.declaration, secret_of(public), request, NOW_MS)
    # Whoever knows the public key must not be able to use it as an HMAC key.
    forged = sign(
        chosen.declaration, secret_of("whsec_" + public.removeprefix("whpk_")), request, NOW_MS
    )
    raw = arrived(forged.headers, forged.body)
    assert verify(chosen.declaration, secret_of(public), raw).reason is not None


def test_a_key_that_cannot_be_used_is_a_reason_and_not_an_error() -> None:
    for platform, secret in (
        ("microsoft_teams", "not base64!"),
        ("sendgrid", "AAAA"),
        ("standard_webhooks", "whsec_*"),
    ):
        sender_headers = {
            "authorization": "HMAC " + base64.b64encode(b"x" * 32).decode(),
            "x-twilio-email-event-webhook-signature": SENDGRID_SIGNATURE,
            "x-twilio-email-event-webhook-timestamp": str(NOW),
            "webhook-id": "m",
            "webhook-timestamp": str(NOW),
            "webhook-signature": "v1," + base64.b64encode(b"x" * 32).decode(),
        }
        judgement = _published(platform, secret, sender_headers, b"{}", NOW)
        assert judgement.reason == reasons.SECRET_MALFORMED, platform


def test_without_any_secret_nothing_is_proved_except_where_the_platform_allows_it() -> None:
    raw = arrived([], b"{}")
    for platform in PLATFORMS.values():
        judgement = verify(platform.declaration, Credentials(), raw)
        assert judgement.ok == (platform.key == "slack"), platform.key
