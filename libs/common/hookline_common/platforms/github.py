"""GitHub: HMAC-SHA256 over the body, no timestamp, no handshake beyond an ordinary signed ping."""

from hookline_common.platforms.declaration import (
    Declaration,
    EventFacts,
    Field,
    Format,
    Platform,
    Scheme,
)
from hookline_common.platforms.samples import load_samples

GITHUB = Platform(
    key="github",
    label="GitHub",
    verifier="SIGNATURE_BASED",
    declaration=Declaration(
        method="signature",
        schemes=(
            Scheme(
                sig="header:x-hub-signature-256",
                fmt=Format("", "=", "sha256"),
                alg="hmac-sha256",
            ),
        ),
        event=EventFacts(
            # GitHub sends the same GUID again on a redelivery; the signature does not cover it.
            id=("{header:x-github-delivery}",),
            type=(
                "{header:x-github-event}.{body:action}",
                "{header:x-github-event}.{body:payload.action}",
                "{header:x-github-event}",
            ),
        ),
    ),
    fields=(
        Field(
            name="secretValue",
            label="Secret",
            help="The text you also enter as “Secret” in the settings of the webhook at GitHub.",
        ),
    ),
    setup=(
        "In the repository or organisation open Settings, Webhooks, Add webhook.",
        "Payload URL: the address shown here. Content type: application/json.",
        "Secret: the same text as here. Leave SSL verification on.",
        "Choose the events and save. GitHub sends a ping at once, which turns the URL verified.",
    ),
    samples=load_samples("github"),
    documentation="https://docs.github.com/en/webhooks",
)
