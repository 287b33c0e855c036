"""Microsoft Teams outgoing webhooks: HMAC-SHA256 over the body, answered within the request."""

from hookline_common.platforms.declaration import (
    Declaration,
    EventFacts,
    Field,
    Format,
    Platform,
    Reply,
    Scheme,
)
from hookline_common.platforms.samples import load_samples

MICROSOFT_TEAMS = Platform(
    key="microsoft_teams",
    label="Microsoft Teams",
    verifier="HMAC_BASED",
    declaration=Declaration(
        method="signature",
        schemes=(
            Scheme(
                sig="header:authorization",
                fmt=Format("", " ", "HMAC"),
                alg="hmac-sha256",
                enc="base64",
                key="base64",
            ),
        ),
        event=EventFacts(
            id=("{body:conversation.id}/{body:id}", "{body:id}"),
            type=("{body:type}",),
            id_signed=True,
        ),
        # The reply is posted into the conversation, so a forged request must not get it.
        synchronous=True,
        ack=Reply(
            content_type="application/json",
            body='{"type":"message","text":"Received."}',
            deadline_ms=5_000,
        ),
        only_objects=True,
    ),
    fields=(
        Field(
            name="secretValue",
            label="Security token",
            help="The HMAC security token (base64) that Teams shows once, when the outgoing "
            "webhook is created.",
        ),
    ),
    setup=(
        "In the team open Manage team, Apps, Create an outgoing webhook.",
        "Callback URL: the address shown here (Teams accepts https only).",
        "Copy the security token that Teams shows now, and only now, to here.",
        "Mention the webhook in a channel; the first good message turns the URL verified.",
    ),
    samples=load_samples("microsoft_teams"),
    documentation="https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/"
    "how-to/add-outgoing-webhook",
)
