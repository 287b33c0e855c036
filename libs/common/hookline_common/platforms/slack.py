"""Slack: a signed challenge first, then HMAC-SHA256 over version, timestamp and body."""

from hookline_common.platforms.declaration import (
    Condition,
    Declaration,
    EventFacts,
    Field,
    Format,
    Handshake,
    Platform,
    Reply,
    Scheme,
    Timestamp,
)
from hookline_common.platforms.samples import load_samples

_TIMESTAMP = "header:x-slack-request-timestamp"
_DEADLINE_MS = 3_000

SLACK = Platform(
    key="slack",
    label="Slack",
    verifier="SLACK_BASED",
    declaration=Declaration(
        method="challenge",
        secret_required=False,
        schemes=(
            Scheme(
                sig="header:x-slack-signature",
                fmt=Format("", "=", "v0"),
                alg="hmac-sha256",
                msg=f"v0:{{{_TIMESTAMP}}}:{{body}}",
                ts=Timestamp(_TIMESTAMP),
            ),
        ),
        event=EventFacts(
            # Slash commands and interactivity have no event id; their trigger is used only once.
            id=("{body:event_id}", "{body:trigger_id}", "{body:payload.trigger_id}"),
            type=("{body:event.type}", "{body:command}", "{body:payload.type}", "{body:type}"),
            id_signed=True,
        ),
        handshakes=(
            Handshake(
                name="url_verification",
                methods=("POST",),
                when=(
                    Condition("body:type", equals="url_verification"),
                    Condition("body:challenge", pattern=r"[^\x00-\x1f]{1,1024}"),
                ),
                reply=Reply(
                    content_type="text/plain; charset=utf-8",
                    body="{{body:challenge}}",
                    deadline_ms=_DEADLINE_MS,
                ),
                signed=True,
            ),
            # Slack's own libraries answer this one before they look at any signature.
            Handshake(
                name="ssl_check",
                methods=("GET", "POST"),
                when=(Condition("body:ssl_check", equals="1"),),
                reply=Reply(deadline_ms=_DEADLINE_MS),
                verifies_url=False,
            ),
        ),
        ack=Reply(deadline_ms=_DEADLINE_MS),
    ),
    fields=(
        Field(
            name="secretValue",
            label="Signing secret",
            help="“Signing Secret” under Basic Information of your Slack app. Without it only the "
            "challenge is answered and later requests are not authenticated.",
            required=False,
        ),
    ),
    setup=(
        "At api.slack.com/apps open your app and copy its Signing Secret to here.",
        "Under Event Subscriptions switch events on. Request URL: the address shown here.",
        "Slack sends a challenge at once, which turns the URL verified.",
        "Subscribe to the bot events you want, save, and install the app again.",
        "For slash commands and interactivity use the same address as their Request URL.",
    ),
    samples=load_samples("slack"),
    documentation="https://docs.slack.dev/authentication/verifying-requests-from-slack",
)
