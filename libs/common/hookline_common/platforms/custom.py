"""Senders without a platform: header checks, and Conductor's generic signature verifiers."""

import msgspec

from hookline_common.platforms.declaration import (
    Declaration,
    Field,
    Format,
    Platform,
    Scheme,
)
from hookline_common.platforms.samples import load_samples

_HEADER_KEY = Field(
    name="headerKey",
    label="Signature header",
    help="The header that carries the signature.",
    required=False,
    secret=False,
)

CUSTOM = Platform(
    key="custom",
    label="Custom",
    verifier="HEADER_BASED",
    declaration=Declaration(method="header", secret_required=False),
    fields=(
        Field(
            name="headers",
            label="Headers",
            help="Header names and the exact values that every request must carry.",
            required=False,
        ),
        Field(
            name="verification",
            label="Other verification",
            help='Instead of headers: {"alg": "token", "header": …}, {"alg": "basic"} or '
            '{"alg": "hmac-sha256", "header": …, "prefix": …, "enc": …} and secretValue.',
            required=False,
            secret=False,
        ),
    ),
    setup=(
        "Choose headers with values that are hard to guess, or a token, basic or HMAC check.",
        "Let the sender post to the address shown here with exactly these headers.",
        "The first good request turns the URL verified.",
    ),
    samples=load_samples("custom"),
)

# SIGNATURE_BASED where no platform is named: hex, with or without the name of the algorithm.
_SIGNATURE = Scheme(
    sig="header:x-hub-signature-256", fmt=Format("", "=", "sha256"), alg="hmac-sha256"
)
GENERIC_SIGNATURE = Platform(
    key="generic_signature",
    label="Signature in hex",
    verifier="SIGNATURE_BASED",
    declaration=Declaration(
        method="signature", schemes=(_SIGNATURE, msgspec.structs.replace(_SIGNATURE, fmt=None))
    ),
    fields=(
        Field(name="secretValue", label="Secret", help="The key of the HMAC-SHA256 signature."),
        _HEADER_KEY,
    ),
    setup=("Let the sender sign the body with HMAC-SHA256 and send it in hex in the header.",),
    samples=load_samples("custom"),
    listed=False,
)

# HMAC_BASED where no platform is named: base64, with or without the word HMAC.
_HMAC = Scheme(
    sig="header:authorization",
    fmt=Format("", " ", "HMAC"),
    alg="hmac-sha256",
    enc="base64",
    key="base64",
)
GENERIC_HMAC = Platform(
    key="generic_hmac",
    label="Signature in base64",
    verifier="HMAC_BASED",
    declaration=Declaration(
        method="signature", schemes=(_HMAC, msgspec.structs.replace(_HMAC, fmt=None))
    ),
    fields=(
        Field(name="secretValue", label="Security token", help="The HMAC-SHA256 key, in base64."),
        _HEADER_KEY,
    ),
    setup=("Let the sender sign the body with HMAC-SHA256 and send it in base64 in the header.",),
    samples=load_samples("custom"),
    listed=False,
)
