"""Custom webhooks: header checks, and the token, basic and HMAC checks that a user writes."""

import base64
import hashlib
import hmac
from typing import Any

import pytest

from hookline_common import reasons
from hookline_common.errors import BadRequest
from hookline_common.platforms.catalogue import CUSTOM, declaration_for
from hookline_common.platforms.credentials import (
    Credentials,
    check_secret,
    secret_headers,
    secret_query,
)
from hookline_common.platforms.own_verification import declaration_of
from hookline_common.platforms.signing import NeedsPrivateKey, SignedRequest, sign
from hookline_common.platforms.verification import verify
from hookline_common.webhooks import WebhookConfig
from tests.common.foreign_senders import NOW_MS, arrived, secret_of

BODY = b'{"order":1}\r\n'


def _headers_judged(expected: dict[str, str], came: list[tuple[str, str]]):
    credentials = Credentials(headers=tuple((n.lower(), v) for n, v in expected.items()))
    return verify(CUSTOM.declaration, credentials, arrived(came, BODY))


def test_every_configured_header_must_be_there_with_its_value() -> None:
    expected = {"appName": "demoApp", "X-Token": "t0ken"}
    good = _headers_judged(expected, [("APPNAME", "demoApp"), ("x-token", "t0ken"), ("a", "b")])
    assert good.ok
    assert [(check.name, check.ok) for check in good.verification.checks] == [
        ("header appname", True),
        ("header x-token", True),
    ]


@pytest.mark.parametrize(
    ("came", "reason"),
    [
        ([], reasons.HEADER_MISSING),
        ([("appname", "DemoApp")], reasons.HEADER_MISMATCH),
        ([("appname", "demoApp ")], reasons.HEADER_MISMATCH),
        ([("appname", "demoApp"), ("appName", "demoApp")], reasons.HEADER_REPEATED),
        ([("appname", "demoÄpp")], reasons.HEADER_MISMATCH),
        ([("appname", "\udcff")], reasons.HEADER_MISMATCH),
    ],
)
def test_a_missing_different_or_repeated_header_is_rejected(
    came: list[tuple[str, str]], reason: str
) -> None:
    judgement = _headers_judged({"appName": "demoApp"}, came)
    assert judgement.reason == reason
    assert not judgement.verification.checks[0].ok
    assert "demoApp" not in f"{judgement.detail}{judgement.verification}"


def test_a_header_value_beyond_ascii_fits_as_utf8_and_as_latin1() -> None:
    for came in ("grüße", "grüße".encode().decode("latin-1")):
        assert _headers_judged({"X-Greeting": "grüße"}, [("x-greeting", came)]).ok


def test_the_signer_adds_the_configured_headers() -> None:
    credentials = Credentials(headers=(("appname", "demoApp"),))
    request = SignedRequest("POST", (("AppName", "old"), ("a", "b")), BODY)
    signed = sign(CUSTOM.declaration, credentials, request, NOW_MS)
    assert signed.headers == (("a", "b"), ("appname", "demoApp"))
    assert verify(CUSTOM.declaration, credentials, arrived(signed.headers, BODY)).ok


def test_header_checks_without_any_header_accept_nothing() -> None:
    assert _headers_judged({}, [("a", "b")]).reason == reasons.NO_SECRET


def _judged(verification: dict[str, Any], secret: str, headers: list[tuple[str, str]], query=""):
    raw = arrived(headers, BODY, query=query)
    return verify(declaration_of(verification), secret_of(secret), raw)


def test_a_token_with_a_prefix() -> None:
    rule = {"alg": "token", "header": "Authorization", "prefix": "Bearer "}
    assert _judged(rule, "t0ken", [("authorization", "Bearer t0ken")]).ok
    assert _judged(rule, "t0ken", [("authorization", "bearer t0ken")]).ok
    for wrong in ("t0ken", "Bearer t0ke", "Bearer t0kenn", "Bearer ", "Bearer tökén"):
        judgement = _judged(rule, "t0ken", [("authorization", wrong)])
        assert judgement.reason == reasons.TOKEN_MISMATCH
        assert "t0ken" not in f"{judgement.detail}{judgement.verification}"
    assert _judged(rule, "t0ken", []).reason == reasons.TOKEN_MISSING


def test_a_token_in_the_query() -> None:
    rule = {"alg": "token", "sig": "query:key"}
    assert _judged(rule, "t0ken", [], "key=t0ken").ok
    assert _judged(rule, "t0ken", [], "key=other").reason == reasons.TOKEN_MISMATCH
    assert _judged(rule, "t0ken", [], "key=t0ken&key=x").reason == reasons.HEADER_REPEATED
    assert secret_query(declaration_of(rule)) == {"key"}


def test_basic_credentials() -> None:
    pair = base64.b64encode(b"ann:p\xc3\xa4ss:word").decode()
    assert _judged({"alg": "basic"}, "ann:päss:word", [("authorization", f"Basic {pair}")]).ok
    for wrong in (f"Basic {pair[:-2]}", "Basic §", pair, "Basic"):
        judgement = _judged({"alg": "basic"}, "ann:päss:word", [("authorization", wrong)])
        assert judgement.reason == reasons.TOKEN_MISMATCH
    assert check_secret(declaration_of({"alg": "basic"}), "no colon")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_hmac_in_every_algorithm_and_encoding(algorithm: str, encoding: str) -> None:
    mac = hmac.new(b"key", BODY, getattr(hashlib, algorithm)).digest()
    text = mac.hex() if encoding == "hex" else base64.b64encode(mac).decode()
    rule = {"alg": f"hmac-{algorithm}", "header": "X-Sig", "prefix": "sig=", "enc": encoding}
    assert _judged(rule, "key", [("x-sig", f"sig={text}")]).ok
    if encoding == "hex":
        assert _judged(rule, "key", [("x-sig", f"sig={text.upper()}")]).ok
    assert _judged(rule, "kez", [("x-sig", f"sig={text}")]).reason == reasons.SIGNATURE_MISMATCH
    assert _judged(rule, "key", [("x-sig", text)]).reason == reasons.SIGNATURE_MALFORMED


def test_hmac_over_a_template_with_a_timestamp_in_milliseconds() -> None:
    rule = {
        "alg": "hmac-sha256",
        "header": "X-Sig",
        "fmt": [";", "=", "h1"],
        "key": "hex",
        "msg": "{method}:{url}:{ts}:{id}:{body}",
        "ts": {"source": "field:ts", "unit": "ms", "tolerance": 60},
        "event": {"id": "header:X-Id", "type": "body:order"},
    }
    text = f"POST:https://hooks.example/webhook/w1:{NOW_MS}:42:".encode() + BODY
    mac = hmac.new(b"\x01\x02", text, "sha256").hexdigest()
    headers = [("x-sig", f"ts={NOW_MS};h1={mac}"), ("x-id", "42")]
    assert _judged(rule, "0102", headers).ok
    assert not _judged(rule, "0102", [headers[0], ("x-id", "43")]).ok
    old = [("x-sig", headers[0][1].replace(str(NOW_MS), str(NOW_MS - 60_001))), headers[1]]
    assert _judged(rule, "0102", old).reason == reasons.TIMESTAMP_TOO_OLD
    assert declaration_of(rule).event.id_signed


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({}, "/verification"),
        ({"alg": "md5"}, "/verification/alg"),
        ({"alg": "token"}, "/verification/header"),
        ({"alg": "token", "header": "X", "sig": "header:X"}, "/verification/sig"),
        ({"alg": "token", "header": "X", "colour": 1}, "/verification"),
        ({"alg": "token", "header": 5}, "/verification/header"),
        ({"alg": "token", "sig": "cookie:x"}, "/verification/sig"),
        ({"alg": "token", "sig": "header:"}, "/verification/sig"),
        ({"alg": "token", "sig": "body:a"}, "/verification/sig"),
        ({"alg": "hmac-sha256", "header": "X", "enc": "utf8"}, "/verification/enc"),
        ({"alg": "hmac-sha256", "header": "X", "msg": "{nope}{body}"}, "/verification/msg"),
        ({"alg": "hmac-sha256", "header": "X", "msg": "{url}"}, "/verification/msg"),
        ({"alg": "hmac-sha256", "header": "X", "fmt": ["a"]}, "/verification/fmt"),
        ({"alg": "token", "header": "X", "msg": "{ts}{body}"}, "/verification/alg"),
        (
            {"alg": "hmac-sha256", "header": "X", "ts": {"source": "header:T"}},
            "/verification/msg",
        ),
        (
            {"alg": "hmac-sha256", "header": "X", "msg": "{ts}{body}", "ts": {"source": "field:t"}},
            "/verification/ts/source",
        ),
        (
            {"alg": "hmac-sha256", "header": "X", "ts": {"source": "header:T", "tolerance": 0}},
            "/verification/ts/tolerance",
        ),
        ({"alg": "token", "header": "X", "event": {"id": "url"}}, "/verification/event/id"),
        ({"alg": "token", "header": "X", "ack": {"status": 404}}, "/verification/ack/status"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused_with_its_field(
    rule: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        declaration_of(rule)
    assert refused.value.field == field
    assert refused.value.code == "bad_verification"


@pytest.mark.parametrize(
    ("rule", "secret"),
    [
        ({"alg": "token", "header": "X-Key"}, "t0ken"),
        ({"alg": "token", "sig": "query:key"}, "t0ken &="),
        ({"alg": "basic"}, "ann:secret"),
        ({"alg": "hmac-sha512", "header": "X-Sig", "enc": "base64"}, "key"),
        (
            {
                "alg": "hmac-sha256",
                "header": "X-Sig",
                "msg": "{ts}.{body}",
                "ts": {"source": "header:X-Time"},
            },
            "key",
        ),
    ],
)
def test_what_the_signer_makes_passes_the_check(rule: dict[str, Any], secret: str) -> None:
    declaration = declaration_of(rule)
    signed = sign(declaration, secret_of(secret), SignedRequest("POST", (), BODY), NOW_MS)
    raw = arrived(signed.headers, BODY, query=signed.query)
    assert verify(declaration, secret_of(secret), raw).ok


def test_a_public_key_check_cannot_be_signed_for() -> None:
    rule = {"alg": "ed25519", "header": "X-Sig", "enc": "hex"}
    request = SignedRequest("POST", (), BODY)
    with pytest.raises(NeedsPrivateKey):
        sign(declaration_of(rule), secret_of("ab" * 32), request, NOW_MS)


def test_headers_that_carry_the_secret_itself_are_known() -> None:
    assert secret_headers(CUSTOM.declaration, ["appName"]) == {"appname"}
    assert secret_headers(declaration_of({"alg": "basic"})) == {"authorization"}
    assert secret_headers(declaration_of({"alg": "token", "header": "X-Key"})) == {"x-key"}
    hmac_rule = declaration_of({"alg": "hmac-sha256", "header": "X-Sig"})
    assert secret_headers(hmac_rule) == frozenset()


def _config(**changes: Any) -> WebhookConfig:
    base = {
        "id": "w",
        "incarnation": 1,
        "revision": 1,
        "name": "n",
        "platform": "custom",
        "source_platform": "Custom",
        "verifier": "HEADER_BASED",
    }
    return WebhookConfig(**{**base, **changes})


def test_a_saved_webhook_is_checked_by_its_own_declaration() -> None:
    own = declaration_for(_config(verification={"alg": "token", "header": "X-Key"}))
    assert own.schemes[0].sig == "header:x-key"
    assert declaration_for(_config()).method == "header"
    assert declaration_for(_config(platform="github")).schemes[0].sig.endswith("signature-256")


@pytest.mark.parametrize(
    ("platform", "secret", "written"),
    [("generic_signature", "key", ("sha256=", "")), ("generic_hmac", "a2V5", ("HMAC ", ""))],
)
def test_the_header_of_a_generic_signature_can_be_named(
    platform: str, secret: str, written: tuple[str, ...]
) -> None:
    declaration = declaration_for(_config(platform=platform, header_key="X-Acme-Signature"))
    mac = hmac.new(b"key", BODY, "sha256")
    hexed = platform == "generic_signature"
    text = mac.hexdigest() if hexed else base64.b64encode(mac.digest()).decode()
    for lead in written:
        raw = arrived([("x-acme-signature", lead + text)], BODY)
        assert verify(declaration, secret_of(secret), raw).ok
    raw = arrived([("x-hub-signature-256", f"sha256={text}")], BODY)
    assert verify(declaration, secret_of(secret), raw).reason == reasons.SIGNATURE_MISSING
    wrong = arrived([("x-acme-signature", written[0] + text)], BODY + b" ")
    assert verify(declaration, secret_of(secret), wrong).reason == reasons.SIGNATURE_MISMATCH
