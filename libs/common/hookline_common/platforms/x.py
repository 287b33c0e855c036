"""X (Twitter): a CRC question by GET that is answered with an HMAC, then signed posts."""

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
)
from hookline_common.platforms.samples import load_samples

X = Platform(
    key="x",
    label="X",
    verifier="TWITTER",
    declaration=Declaration(
        method="challenge",
        schemes=(
            Scheme(
                sig="header:x-twitter-webhooks-signature",
                fmt=Format("", "=", "sha256"),
                alg="hmac-sha256",
                enc="base64",
            ),
        ),
        event=EventFacts(
            id=(
                "{body:for_user_id}/{body:tweet_create_events.0.id_str}",
                "{body:for_user_id}/{body:direct_message_events.0.id}",
            ),
            type=("{key:*_events}", "{key:*_event}"),
            id_signed=True,
        ),
        handshakes=(
            Handshake(
                name="crc",
                methods=("GET",),
                # Anyone may ask, and the answer is a signature under the secret. No token of this
                # form is a JSON object, and only JSON objects are accepted as events: so the
                # answer to a CRC can never be used to sign a forged event.
                when=(Condition("query:crc_token", pattern=r"[A-Za-z0-9+/_.~=-]{1,256}"),),
                reply=Reply(
                    content_type="application/json",
                    body='{"response_token":"sha256={{query:crc_token|hmac-b64}}"}',
                    deadline_ms=3_000,
                ),
            ),
        ),
        only_objects=True,
    ),
    fields=(
        Field(
            name="secretValue",
            label="Consumer secret",
            help="The API key secret (consumer secret) of your X app.",
        ),
    ),
    setup=(
        "In the X developer portal copy the consumer secret of your app to here.",
        "Register the address shown here as a webhook through X's API (https, without a port).",
        "X sends a CRC, which turns the URL verified, and repeats it every hour.",
        "Subscribe the accounts whose activity you want.",
    ),
    samples=load_samples("x"),
    documentation="https://docs.x.com/x-api/webhooks/introduction",
)
