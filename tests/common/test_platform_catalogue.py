"""Which platform a webhook means, what the catalogue tells, and what secrets are accepted."""

import msgspec
import pytest

from hookline_common.errors import BadRequest
from hookline_common.platforms.catalogue import PLATFORMS, descriptions, resolve
from hookline_common.platforms.credentials import KnownSecret, check_secret, credentials_of
from hookline_common.platforms.signing import new_key_pair
from hookline_common.webhooks import WebhookConfig


@pytest.mark.parametrize(
    ("source", "verifier", "key", "stored"),
    [
        ("GitHub", None, "github", "SIGNATURE_BASED"),
        ("GitHub", "SIGNATURE_BASED", "github", "SIGNATURE_BASED"),
        ("github", "", "github", "SIGNATURE_BASED"),
        ("Slack", None, "slack", "SLACK_BASED"),
        ("Stripe", "STRIPE", "stripe", "STRIPE"),
        ("Microsoft Teams", None, "microsoft_teams", "HMAC_BASED"),
        ("SendGrid", "SENDGRID", "sendgrid", "SENDGRID"),
        ("X", None, "x", "TWITTER"),
        ("Twitter", "TWITTER", "x", "TWITTER"),
        ("Standard Webhooks", None, "standard_webhooks", "CATALOGUE"),
        ("Standard Webhooks", "CATALOGUE", "standard_webhooks", "CATALOGUE"),
        ("Custom", None, "custom", "HEADER_BASED"),
        ("Custom", "HEADER_BASED", "custom", "HEADER_BASED"),
        ("Custom", "HMAC_BASED", "generic_hmac", "HMAC_BASED"),
        ("Custom", "STRIPE", "stripe", "STRIPE"),
        ("Acme Shop", "SIGNATURE_BASED", "generic_signature", "SIGNATURE_BASED"),
        ("Acme Shop", "HMAC_BASED", "generic_hmac", "HMAC_BASED"),
        ("Acme Shop", "HEADER_BASED", "custom", "HEADER_BASED"),
        ("", "SLACK_BASED", "slack", "SLACK_BASED"),
        (None, "SENDGRID", "sendgrid", "SENDGRID"),
    ],
)
def test_source_platform_and_verifier_mean_a_platform(
    source: str | None, verifier: str | None, key: str, stored: str
) -> None:
    platform = resolve(source, verifier)
    assert (platform.key, platform.verifier) == (key, stored)
    assert PLATFORMS[key] is platform


@pytest.mark.parametrize(
    ("source", "verifier", "field"),
    [
        (None, None, "/sourcePlatform"),
        ("Acme Shop", None, "/sourcePlatform"),
        ("Acme Shop", "CATALOGUE", "/sourcePlatform"),
        ("GitHub", "STRIPE", "/verifier"),
        ("GitHub", "MAGIC", "/verifier"),
        (None, "github", "/verifier"),
    ],
)
def test_what_means_no_platform_is_refused_with_its_field(
    source: str | None, verifier: str | None, field: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        resolve(source, verifier)
    assert refused.value.field == field


def test_the_catalogue_tells_users_the_words_of_their_platform() -> None:
    told = {entry["label"]: entry for entry in descriptions()}
    labels = {
        "GitHub": "Secret",
        "Stripe": "Endpoint Secret",
        "Microsoft Teams": "Security token",
        "SendGrid": "Verification key",
    }
    for platform, label in labels.items():
        assert told[platform]["fields"][0]["label"] == label
    assert list(told)[:6] == ["GitHub", "Slack", "Stripe", "Microsoft Teams", "SendGrid", "Custom"]
    assert all(entry["setup"] and entry["samples"] for entry in told.values())
    assert "generic_hmac" not in {entry["key"] for entry in told.values()}
    assert msgspec.json.encode(descriptions())


def test_only_teams_is_judged_in_the_request_and_answered_with_json() -> None:
    synchronous = [key for key, platform in PLATFORMS.items() if platform.declaration.synchronous]
    assert synchronous == ["microsoft_teams"]
    ack = PLATFORMS["microsoft_teams"].declaration.ack
    assert (ack.status, ack.content_type) == (200, "application/json")
    assert msgspec.json.decode(ack.body)["type"] == "message"
    for key, platform in PLATFORMS.items():
        if key != "microsoft_teams":
            assert (platform.declaration.ack.status, platform.declaration.ack.body) == (200, "")


def test_challenge_based_platforms() -> None:
    challenged = {k for k, p in PLATFORMS.items() if p.declaration.method == "challenge"}
    assert challenged == {"slack", "x"}


@pytest.mark.parametrize(
    ("platform", "good", "bad"),
    [
        ("github", ["x", "It's a Secret"], [""]),
        ("stripe", ["whsec_abc"], [""]),
        (
            "microsoft_teams",
            ["vqF0En+Z0ucuRTM/01o2GuhMH3hKKk/N2bOmlM31zaA="],
            ["", "a b", "gr\u00fc"],
        ),
        ("sendgrid", [new_key_pair().public_key], ["", "AAAA", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD"]),
        (
            "standard_webhooks",
            [
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "whpk_" + "A" * 43 + "=",
            ],
            ["whsec_", "whsec_short", "whsec_*", "whsk_AAAA", "whpk_AAAA"],
        ),
        ("custom", ["", "anything"], []),
    ],
)
def test_a_secret_is_checked_when_it_is_saved(
    platform: str, good: list[str], bad: list[str]
) -> None:
    declaration = PLATFORMS[platform].declaration
    assert [check_secret(declaration, value) for value in good] == [None] * len(good)
    for value in bad:
        problem = check_secret(declaration, value)
        assert problem
        assert not value or value not in problem


def test_sendgrids_public_key_counts_as_a_secret() -> None:
    config = WebhookConfig(
        id="w",
        incarnation=1,
        revision=1,
        name="n",
        platform="sendgrid",
        source_platform="SendGrid",
        verifier="SENDGRID",
        secret_key="the key",
    )
    known = credentials_of(config, [KnownSecret("a", "other")], {"X-A": "v"})
    assert [(secret.id, secret.value) for secret in known.secrets] == [
        ("a", "other"),
        ("secretKey", "the key"),
    ]
    assert known.headers == (("x-a", "v"),)


def test_no_text_for_logs_shows_a_secret() -> None:
    pair = new_key_pair()
    config = WebhookConfig("w", 1, 1, "n", "github", "GitHub", "SIGNATURE_BASED")
    known = credentials_of(config, [KnownSecret("a", "s3cret")], {"x": "v4lue"})
    assert "s3cret" not in repr(known)
    assert "v4lue" not in repr(known)
    assert "PRIVATE" not in repr(pair)
