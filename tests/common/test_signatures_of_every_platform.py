"""What must hold for the signature of every platform, on requests that others' code has signed."""

import base64
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookline_common import reasons
from hookline_common.platforms.credentials import Credentials, KnownSecret
from hookline_common.platforms.verification import verify
from tests.common.foreign_senders import (
    BODY,
    NOW,
    NOW_MS,
    SENDERS,
    Sender,
    arrived,
    new_openssl_pair,
    secret_of,
    sendgrid_headers,
)


def _sendgrid(folder: Path) -> Sender:
    """SendGrid's secret is a public key: its signer finds the private half by it."""
    pairs = [new_openssl_pair(folder, name) for name in ("first", "second")]
    private = {public: path for path, public in pairs}
    return Sender(
        "sendgrid",
        pairs[0][1],
        pairs[1][1],
        lambda secret, body, now: sendgrid_headers(private[secret], body, now),
        "x-twilio-email-event-webhook-signature",
        timed=True,
    )


@pytest.fixture(scope="module", params=[*(sender.platform for sender in SENDERS), "sendgrid"])
def sender(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sender:
    if request.param == "sendgrid":
        return _sendgrid(tmp_path_factory.mktemp("keys"))
    return next(sender for sender in SENDERS if sender.platform == request.param)


@pytest.fixture(scope="module")
def signed(sender: Sender) -> dict[str, str]:
    return sender.sign(sender.secret, BODY, NOW)


def test_a_good_signature_is_accepted_and_names_its_secret(sender: Sender, signed: dict) -> None:
    judgement = sender.judged(signed)
    assert judgement.ok, judgement.detail
    assert judgement.verification.secret_id == "s0"
    assert all(check.ok for check in judgement.verification.checks)


def test_a_tampered_body_is_rejected(sender: Sender, signed: dict) -> None:
    judgement = sender.judged(signed, BODY.replace(b"happened", b"happenex"))
    assert judgement.reason == reasons.SIGNATURE_MISMATCH
    assert judgement.detail


def test_a_line_ending_is_part_of_what_is_signed(sender: Sender, signed: dict) -> None:
    assert BODY.endswith(b"\r\n")
    for changed in (BODY[:-2], BODY[:-2] + b"\n", BODY + b"\r\n"):
        assert sender.judged(signed, changed).reason == reasons.SIGNATURE_MISMATCH


def test_the_signature_of_another_body_is_rejected(sender: Sender) -> None:
    other = sender.sign(sender.secret, BODY + b" ", NOW)
    assert sender.judged(other).reason == reasons.SIGNATURE_MISMATCH


def test_a_signature_under_another_secret_is_rejected(sender: Sender) -> None:
    forged = sender.sign(sender.other_secret, BODY, NOW)
    assert sender.judged(forged).reason == reasons.SIGNATURE_MISMATCH


def test_any_of_several_secrets_may_fit(sender: Sender, signed: dict) -> None:
    judgement = sender.judged(signed, secrets=(sender.other_secret, sender.secret))
    assert judgement.ok
    assert judgement.verification.secret_id == "s1"


def test_an_expired_secret_does_not_count(sender: Sender, signed: dict) -> None:
    raw = arrived(signed.items())
    for expiry, reason in ((NOW_MS, reasons.NO_SECRET), (NOW_MS + 1, None)):
        known = Credentials((KnownSecret("s0", sender.secret, expiry),))
        assert verify(sender.declaration, known, raw).reason == reason


def test_each_missing_header_is_named(sender: Sender, signed: dict) -> None:
    expected = {
        sender.signature_header: reasons.SIGNATURE_MISSING,
        "webhook-id": reasons.SIGNED_VALUE_MISSING,
    }
    for name in signed:
        judgement = sender.judged({key: value for key, value in signed.items() if key != name})
        assert judgement.reason == expected.get(name, reasons.TIMESTAMP_MISSING), name


def test_a_repeated_header_is_rejected(sender: Sender, signed: dict) -> None:
    name = sender.signature_header
    raw = arrived([*signed.items(), (name, signed[name])])
    assert verify(sender.declaration, secret_of(sender.secret), raw).reason == (
        reasons.HEADER_REPEATED
    )


def test_a_late_request_is_rejected_by_its_time_of_arrival(sender: Sender, signed: dict) -> None:
    within, beyond = NOW_MS + 300_000, NOW_MS + 300_001
    assert sender.judged(signed, at_ms=within).ok
    late = sender.judged(signed, at_ms=beyond)
    assert late.reason == (reasons.TIMESTAMP_TOO_OLD if sender.timed else None)


def test_a_request_from_the_future_is_rejected(sender: Sender, signed: dict) -> None:
    assert sender.judged(signed, at_ms=NOW_MS - 300_000).ok
    refused = sender.timed and not sender.future_accepted
    early = sender.judged(signed, at_ms=NOW_MS - 300_001)
    assert early.reason == (reasons.TIMESTAMP_IN_FUTURE if refused else None)


@pytest.mark.parametrize(
    "value",
    ["", " ", "grüße", "sha256=grüße", "v1,grüße", "t=1,v1=é", "\udcff", "=", ",,,", "HMAC "],
)
def test_nonsense_as_a_signature_is_rejected_without_an_error(
    sender: Sender, signed: dict, value: str
) -> None:
    judgement = sender.judged({**signed, sender.signature_header: value})
    assert judgement.reason in (reasons.SIGNATURE_MALFORMED, reasons.TIMESTAMP_MISSING) or (
        sender.platform == "stripe" and judgement.reason == reasons.TIMESTAMP_TOO_OLD
    )


@pytest.mark.parametrize("stamp", ["", "soon", "1.5", "-1", "+1", "1_0", "１２３", "9" * 40, " 1"])
def test_a_timestamp_that_is_no_whole_number_is_rejected(
    sender: Sender, signed: dict, stamp: str
) -> None:
    if not sender.timed:
        return
    changed = {name: value.replace(str(NOW), stamp) for name, value in signed.items()}
    assert sender.judged(changed).reason == reasons.TIMESTAMP_MALFORMED


def test_an_empty_body_is_judged_like_any_other(sender: Sender) -> None:
    judgement = sender.judged(sender.sign(sender.secret, b"", NOW), b"")
    refused = reasons.BODY_NOT_EXPECTED if sender.declaration.only_objects else None
    assert judgement.reason == refused


def test_bytes_that_are_no_text_never_raise(sender: Sender, signed: dict) -> None:
    assert not sender.judged(signed, b"\xff\xfe\x00" + BODY).ok


def test_the_other_encoding_of_a_good_signature_is_rejected(sender: Sender, signed: dict) -> None:
    """Hex where base64 belongs and the other way round."""
    name = sender.signature_header
    lead, text = _split(signed[name])
    other = _reencoded(sender, text)
    assert sender.judged({**signed, name: lead + other}).reason == reasons.SIGNATURE_MALFORMED


def test_no_reason_shows_the_secret_or_the_whole_signature(sender: Sender) -> None:
    headers = sender.sign(sender.other_secret, BODY, NOW)
    judgement = sender.judged(headers)
    said = f"{judgement.detail} {judgement.verification}"
    assert sender.secret not in said
    assert _split(headers[sender.signature_header])[1] not in said


def test_changing_any_character_of_an_elliptic_signature_breaks_it(tmp_path: Path) -> None:
    sender = _sendgrid(tmp_path)
    headers = sender.sign(sender.secret, BODY, NOW)
    text = headers[sender.signature_header]
    for at, letter in enumerate(text):
        changed = text[:at] + ("A" if letter != "A" else "B") + text[at + 1 :]
        assert not sender.judged({**headers, sender.signature_header: changed}).ok


def _split(value: str) -> tuple[str, str]:
    """What stands before the signature, and the signature."""
    for lead in ("sha256=", "v0=", "HMAC ", "v1,"):
        if value.startswith(lead):
            return lead, value[len(lead) :]
    before, mark, text = value.partition("v1=")
    return (before + mark, text) if mark else ("", value)


def _reencoded(sender: Sender, text: str) -> str:
    if sender.declaration.schemes[0].enc == "hex":
        return base64.b64encode(bytes.fromhex(text)).decode()
    return base64.b64decode(text).hex()


@cache
def _request(platform: str) -> tuple[Sender, dict[str, str]]:
    sender = next(sender for sender in SENDERS if sender.platform == platform)
    return sender, sender.sign(sender.secret, BODY, NOW)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([sender.platform for sender in SENDERS]),
    st.integers(0, len(BODY) - 1),
    st.integers(1, 255),
)
def test_changing_any_byte_of_the_body_breaks_it(platform: str, at: int, mask: int) -> None:
    sender, headers = _request(platform)
    changed = BODY[:at] + bytes([BODY[at] ^ mask]) + BODY[at + 1 :]
    assert not sender.judged(headers, changed).ok


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from([sender.platform for sender in SENDERS]),
    st.integers(0, 10_000),
    st.characters(codec="latin-1"),
)
def test_changing_any_character_of_the_signature_breaks_it(
    platform: str, place: int, letter: str
) -> None:
    sender, headers = _request(platform)
    lead, text = _split(headers[sender.signature_header])
    at = place % len(text)
    if text[at] == letter or (sender.declaration.schemes[0].enc == "hex" and letter.isupper()):
        return  # the same signature: hex may be written in any case
    changed = lead + text[:at] + letter + text[at + 1 :]
    assert not sender.judged({**headers, sender.signature_header: changed}).ok
