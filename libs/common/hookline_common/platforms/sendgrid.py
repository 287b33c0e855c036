"""SendGrid Event Webhook: ECDSA over timestamp and body; the receiver holds the public key only."""

from hookline_common.platforms.declaration import (
    Declaration,
    EventFacts,
    Field,
    Platform,
    Scheme,
    Timestamp,
)
from hookline_common.platforms.samples import load_samples

_TIMESTAMP = "header:x-twilio-email-event-webhook-timestamp"

SENDGRID = Platform(
    key="sendgrid",
    label="SendGrid",
    verifier="SENDGRID",
    declaration=Declaration(
        method="signature",
        schemes=(
            Scheme(
                sig="header:x-twilio-email-event-webhook-signature",
                alg="ecdsa-p256-sha256",
                enc="base64",
                key="spki-b64",
                msg=f"{{{_TIMESTAMP}}}{{body}}",
                # Twilio documents no tolerance; five minutes is what other receivers use.
                ts=Timestamp(_TIMESTAMP),
            ),
        ),
        event=EventFacts(
            # A batch has no id, but every event in it has: equal bytes are the same batch.
            id=("{digest}",),
            type=("{body:request.*.event}",),
            id_signed=True,
            items="$",
        ),
    ),
    fields=(
        Field(
            name="secretKey",
            label="Verification key",
            help="The public key of the Signed Event Webhook, base64 without PEM lines.",
            secret=False,
        ),
    ),
    setup=(
        "In SendGrid open Settings, Mail Settings, Event Webhooks, Create new webhook.",
        "Post URL: the address shown here. Choose the events.",
        "Switch Enable Signature Verification on, save, and copy the Verification Key to here.",
        "Use Test Integration; the first good batch turns the URL verified.",
    ),
    samples=load_samples("sendgrid"),
    documentation="https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/"
    "getting-started-event-webhook-security-features",
)
