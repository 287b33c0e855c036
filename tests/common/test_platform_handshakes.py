"""Handshakes: what is answered, what must be signed for it, and what is none."""

import base64
import json

import pytest

from hookline_common import reasons
from hookline_common.platforms.catalogue import PLATFORMS
from hookline_common.platforms.credentials import Credentials
from hookline_common.platforms.handshakes import handshake, reads_body
from hookline_common.platforms.samples import sample_named, sample_request
from hookline_common.platforms.signing import sign
from hookline_common.platforms.verification import verify
from tests.common.foreign_senders import NOW_MS, arrived, openssl_hmac, secret_of

SLACK = PLATFORMS["slack"].declaration
X = PLATFORMS["x"].declaration
JSON = ("content-type", "application/json")


def _challenge(secret: str = "s3cret"):
    sample = sample_named(PLATFORMS["slack"], "url_verification")
    request = sample_request(sample, delivery="d", now_ms=NOW_MS)
    return sign(SLACK, secret_of(secret), request, NOW_MS)


def test_slack_gets_its_challenge_back_as_text() -> None:
    request = _challenge()
    answer = handshake(SLACK, secret_of("s3cret"), arrived(request.headers, request.body))
    assert answer is not None
    assert answer.accepted
    assert answer.verifies_url
    assert (answer.name, answer.status) == ("url_verification", 200)
    assert answer.body == b"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
    assert dict(answer.headers)["content-type"].startswith("text/plain")
    assert dict(answer.headers)["x-content-type-options"] == "nosniff"


def test_slack_challenge_needs_a_good_signature_once_a_secret_is_configured() -> None:
    request = _challenge("somebody else's")
    answer = handshake(SLACK, secret_of("s3cret"), arrived(request.headers, request.body))
    assert answer is not None
    assert not answer.accepted
    assert (answer.body, answer.verifies_url) == (b"", False)
    assert answer.judgement.reason == reasons.SIGNATURE_MISMATCH


def test_slack_challenge_without_any_secret_is_answered_unsigned() -> None:
    body = b'{"type":"url_verification","challenge":"abc"}'
    answer = handshake(SLACK, Credentials(), arrived([JSON], body))
    assert answer is not None
    assert answer.accepted
    assert answer.body == b"abc"


def test_slack_ssl_check_is_answered_empty_and_proves_nothing() -> None:
    form = ("content-type", "application/x-www-form-urlencoded")
    post = arrived([form], b"ssl_check=1&token=x")
    get = arrived([], b"", method="GET", query="ssl_check=1")
    for raw in (post, get):
        answer = handshake(SLACK, secret_of("s3cret"), raw)
        assert answer is not None
        assert answer.accepted
        assert (answer.status, answer.body, answer.verifies_url) == (200, b"", False)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"url_verification challenge",
        b'{"type":"url_verification"}',
        b'{"type":"url_verification","challenge":""}',
        b'{"type":"url_verification","challenge":{"a":1}}',
        b'{"type":"url_verification","challenge":"a\\u0000b"}',
        b'{"type":"url_verification","challenge":"a","challenge":"b"}',
        b'{"type":["url_verification"],"challenge":"a"}',
        b'{"type":"event_callback","text":"url_verification challenge"}',
        b'{"type":"url_verification","challenge":"a"',
        b"\xff\xfeurl_verification challenge",
        b"[" * 5000 + b'"url_verification","challenge","type"' + b"]" * 5000,
    ],
)
def test_a_body_that_is_no_challenge_is_no_handshake_and_no_error(body: bytes) -> None:
    assert handshake(SLACK, Credentials(), arrived([JSON], body)) is None


def test_other_methods_are_no_handshake() -> None:
    body = b'{"type":"url_verification","challenge":"abc"}'
    assert handshake(SLACK, Credentials(), arrived([JSON], body, method="PUT")) is None


def test_x_crc_is_answered_with_an_hmac_of_the_token() -> None:
    raw = arrived([], b"", method="GET", query="crc_token=MDg1ZTQ1&nonce=n")
    answer = handshake(X, secret_of("consumer secret"), raw)
    assert answer is not None
    expected = base64.b64encode(openssl_hmac(b"consumer secret", b"MDg1ZTQ1")).decode()
    assert json.loads(answer.body) == {"response_token": f"sha256={expected}"}
    assert dict(answer.headers)["content-type"] == "application/json"
    assert answer.verifies_url


def test_x_crc_without_a_secret_is_refused_with_a_reason() -> None:
    raw = arrived([], b"", method="GET", query="crc_token=abc")
    answer = handshake(X, Credentials(), raw)
    assert answer is not None
    assert not answer.accepted
    assert answer.judgement.reason == reasons.NO_SECRET


def test_the_answer_to_a_crc_can_never_sign_an_event() -> None:
    """Anyone may ask for the HMAC of a token: none that is answered may pass as an event."""
    for token in ("%7B%22forged%22%3A1%7D", "a=b", "123", "abc", "x" * 300, ""):
        raw = arrived([], b"", method="GET", query=f"crc_token={token}")
        answer = handshake(X, secret_of("consumer secret"), raw)
        if answer is None:
            continue
        signature = json.loads(answer.body)["response_token"]
        header = [("x-twitter-webhooks-signature", signature)]
        forged = arrived(header, token.encode())
        judgement = verify(X, secret_of("consumer secret"), forged)
        assert judgement.reason == reasons.BODY_NOT_EXPECTED


def test_a_repeated_token_is_no_handshake() -> None:
    raw = arrived([], b"", method="GET", query="crc_token=a&crc_token=b")
    assert handshake(X, secret_of("s"), raw) is None


def test_only_body_handshakes_make_ingest_read_the_body() -> None:
    assert reads_body(SLACK, "POST")
    assert not reads_body(X, "GET")
    assert not reads_body(PLATFORMS["github"].declaration, "POST")
    assert not reads_body(SLACK, "PUT")
