"""The declarative model of a platform: how it signs, asks, names its events and is answered.

It is section C of specs/platforms.md as frozen structs. A *source* is one string that says where
a value is: `header:NAME`, `query:NAME`, `field:NAME` (a named part of the signature header),
`body:a.b.0` (a dotted path into the payload, `*` for every element), `key:GLOB` (the name of the
first top-level key that fits), `url`, `method`, `body` (the raw bytes), `digest` (SHA-256 of them).
A *template* is text with sources in braces: `v0:{header:x-slack-request-timestamp}:{body}`.
"""

from typing import Literal

import msgspec

from hookline_common.rawjson import RawOrNone

Algorithm = Literal[
    "hmac-sha1", "hmac-sha256", "hmac-sha512", "ecdsa-p256-sha256", "ed25519", "token", "basic"
]
Encoding = Literal["hex", "base64"]
KeyKind = Literal["utf8", "base64", "base64!", "hex", "spki-b64", "whpk"]
Method = Literal["header", "signature", "challenge"]

DEFAULT_TOLERANCE_SECONDS = 300


class Format(msgspec.Struct, frozen=True):
    """How a header lists signatures: items apart by `item`, each a `name`, `pair` and the text.

    An empty `item` means one item only. Items of other names are ignored; a repeated one counts.
    """

    item: str
    pair: str
    name: str


class Timestamp(msgspec.Struct, frozen=True):
    """Where the signed time is, and how far from the time of arrival it may be."""

    source: str
    unit: Literal["s", "ms"] = "s"
    tolerance_seconds: int = DEFAULT_TOLERANCE_SECONDS
    future: Literal["refused", "accepted"] = "refused"


class Scheme(msgspec.Struct, frozen=True, kw_only=True):
    """One way to prove the sender. `sig` is the source of the signature, `msg` the template of the
    signed bytes; `prefix` stands before the signature or token and is no part of it.
    """

    sig: str
    alg: Algorithm
    fmt: Format | None = None
    prefix: str = ""
    enc: Encoding = "hex"
    key: KeyKind = "utf8"
    msg: str = "{body}"
    ts: Timestamp | None = None


class EventFacts(msgspec.Struct, frozen=True):
    """What an event says about itself: templates, of which the first complete one counts.

    `id_signed` says whether the signature covers the delivery id. `items` is the path of the
    array where one request carries many events.
    """

    id: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    id_signed: bool = False
    items: str | None = None


class Condition(msgspec.Struct, frozen=True):
    """A value that a handshake has: exactly `equals`, or in full of the form `pattern`."""

    source: str
    equals: str | None = None
    pattern: str | None = None


class Reply(msgspec.Struct, frozen=True):
    """What is answered. In a handshake's body `{{source}}` is the value itself, and
    `{{source|hmac-hex}}` or `{{source|hmac-b64}}` its HMAC-SHA256 under the first secret in force.
    """

    status: int = 200
    content_type: str | None = None
    body: str = ""
    deadline_ms: int = 10_000


class Handshake(msgspec.Struct, frozen=True, kw_only=True):
    """A request by which the platform asks whether anyone is there.

    `signed`: it must carry a good signature if a secret is configured. `verifies_url`: answering
    it proves the URL.
    """

    name: str
    methods: tuple[str, ...]
    when: tuple[Condition, ...]
    reply: Reply
    signed: bool = False
    verifies_url: bool = True


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the generic verifier, handshake and signer know of a platform.

    `method` is the verification method of specs/webhooks.md section 3; with "header" the checks
    are the webhook's own `headers`. Of several `schemes` one that fits is enough. `synchronous`:
    judged while the platform waits for the answer. `only_objects`: a body that is no JSON object
    is refused before anything is compared.
    """

    method: Method
    schemes: tuple[Scheme, ...] = ()
    event: EventFacts = EventFacts()
    handshakes: tuple[Handshake, ...] = ()
    ack: Reply = Reply()
    synchronous: bool = False
    secret_required: bool = True
    only_objects: bool = False


class Field(msgspec.Struct, frozen=True):
    """A field that the user fills in, by the name its platform uses for it."""

    name: Literal["secretValue", "secretKey", "headers", "headerKey", "verification"]
    label: str
    help: str
    required: bool = True
    secret: bool = True


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """A platform of the catalogue. `verifier` is its name in the Conductor API; an unlisted one
    serves Conductor's verifier names where no platform is named.
    """

    key: str
    label: str
    verifier: str
    declaration: Declaration
    fields: tuple[Field, ...]
    setup: tuple[str, ...]
    samples: tuple["Sample", ...] = ()
    documentation: str = ""
    listed: bool = True


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A realistic request of a platform, before it is made unique and signed.

    `body` is what the JSON says (bytes, because a sample is data that is never changed in place);
    `form` sends its fields as a form instead; `suffix` are bytes that the platform adds.
    """

    name: str
    title: str
    body: RawOrNone = None
    form: bool = False
    method: str = "POST"
    query: str = ""
    headers: dict[str, str] = {}
    suffix: str = ""
