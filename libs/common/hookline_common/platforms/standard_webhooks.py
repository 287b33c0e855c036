"""Standard Webhooks 1.0.0, which Svix, Clerk, Resend, OpenAI and others use as it is."""

from hookline_common.platforms.declaration import (
    Algorithm,
    Declaration,
    EventFacts,
    Field,
    Format,
    KeyKind,
    Platform,
    Scheme,
    Timestamp,
)
from hookline_common.platforms.samples import load_samples


def _scheme(prefix: str, version: str, algorithm: Algorithm, key: KeyKind) -> Scheme:
    timestamp = f"header:{prefix}-timestamp"
    return Scheme(
        sig=f"header:{prefix}-signature",
        fmt=Format(" ", ",", version),
        alg=algorithm,
        enc="base64",
        key=key,
        # The timestamp as it came, never a number printed again.
        msg=f"{{header:{prefix}-id}}.{{{timestamp}}}.{{body}}",
        ts=Timestamp(timestamp),
    )


STANDARD_WEBHOOKS = Platform(
    key="standard_webhooks",
    label="Standard Webhooks",
    verifier="CATALOGUE",
    declaration=Declaration(
        method="signature",
        schemes=(
            _scheme("webhook", "v1", "hmac-sha256", "base64!"),
            _scheme("webhook", "v1a", "ed25519", "whpk"),
            _scheme("svix", "v1", "hmac-sha256", "base64!"),
            _scheme("svix", "v1a", "ed25519", "whpk"),
        ),
        event=EventFacts(
            id=("{header:webhook-id}", "{header:svix-id}"),
            type=("{body:type}",),
            id_signed=True,
        ),
    ),
    fields=(
        Field(
            name="secretValue",
            label="Signing secret",
            help="whsec_ and base64 of 24 to 64 bytes; or the public key, which begins with whpk_.",
        ),
    ),
    setup=(
        "At the sender add an endpoint with the address shown here.",
        "Copy its signing secret (whsec_…) to here.",
        "Let the sender send a test event; the first good one turns the URL verified.",
    ),
    samples=load_samples("standard_webhooks"),
    documentation="https://www.standardwebhooks.com",
)
