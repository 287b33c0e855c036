"""Stripe: HMAC-SHA256 over timestamp and body, one `v1` signature per secret in force."""

from hookline_common.platforms.declaration import (
    Declaration,
    EventFacts,
    Field,
    Format,
    Platform,
    Scheme,
    Timestamp,
)
from hookline_common.platforms.samples import load_samples

STRIPE = Platform(
    key="stripe",
    label="Stripe",
    verifier="STRIPE",
    declaration=Declaration(
        method="signature",
        schemes=(
            Scheme(
                sig="header:stripe-signature",
                fmt=Format(",", "=", "v1"),
                alg="hmac-sha256",
                msg="{field:t}.{body}",
                # As in Stripe's own libraries a time in the future is accepted: only Stripe can
                # have signed it, so it shows that our clock is late and nothing worse.
                ts=Timestamp("field:t", future="accepted"),
            ),
        ),
        event=EventFacts(id=("{body:id}",), type=("{body:type}",), id_signed=True),
    ),
    fields=(
        Field(
            name="secretValue",
            label="Endpoint Secret",
            help="The signing secret of the endpoint, with its whsec_ in front.",
        ),
    ),
    setup=(
        "In the Stripe dashboard open Developers, Webhooks, Add destination.",
        "Endpoint URL: the address shown here. Choose the events to send.",
        "Reveal the signing secret (whsec_…) and enter it here as Endpoint Secret.",
        "Send a test event; the first good one turns the URL verified.",
    ),
    samples=load_samples("stripe"),
    documentation="https://docs.stripe.com/webhooks",
)
