"""One signer for every platform: makes a request that the platform's own check accepts.

`hookline send` and `POST …/test` use it. The clock and the ids are passed in.
"""

import base64
from collections.abc import Iterable
from urllib.parse import quote

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from hookline_common.errors import BadRequest, Conflict
from hookline_common.platforms.credentials import Credentials
from hookline_common.platforms.declaration import Declaration, Scheme, Timestamp
from hookline_common.platforms.signatures import (
    encoded,
    is_mac,
    key_problem,
    mac_text,
)
from hookline_common.platforms.sources import Reading, parse_source
from hookline_common.rawevents import RawEvent


class NeedsPrivateKey(Conflict):
    """Only the holder of the private key can sign for this platform."""

    default_code = "needs_private_key"


class SignedRequest(msgspec.Struct, frozen=True):
    """A request to send; also what is signed, before it is. `query` is the raw query string and
    `url` the address without it, which some platforms sign.
    """

    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    query: str = ""
    url: str = ""


class KeyPair(msgspec.Struct, frozen=True):
    """A new pair: the private key in PEM, the public one as SendGrid's settings page shows it."""

    private_pem: str
    public_key: str

    def __repr__(self) -> str:
        return f"KeyPair(public_key={self.public_key!r})"  # the private half must not reach a log


def new_key_pair() -> KeyPair:
    """A pair for the curve P-256."""
    key = generate_private_key(SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return KeyPair(pem.decode(), base64.b64encode(der).decode())


def sign(
    declaration: Declaration, credentials: Credentials, request: SignedRequest, now_ms: int
) -> SignedRequest:
    """The request, signed with the first secret in force that can be used.

    Raises NeedsPrivateKey where the secrets are public keys, BadRequest where there is none.
    """
    if declaration.method == "header":
        return _with_headers(request, credentials.headers)
    for secret in credentials.in_force(now_ms):
        for scheme in declaration.schemes:
            if key_problem(scheme, secret.value) is None:
                return _signed_with(scheme, secret.value, request, now_ms)
    if not credentials.secrets and not declaration.secret_required:
        return request
    raise BadRequest("No secret in force can sign for this webhook.", code="no_secret")


def sign_with_private_key(
    declaration: Declaration, private_pem: str, request: SignedRequest, now_ms: int
) -> SignedRequest:
    """The request, signed with a private key in PEM form; raises BadRequest for another key."""
    key = _private_key(private_pem)
    for scheme in declaration.schemes:
        if _algorithm_of(key) == scheme.alg:
            request, message = _prepared(scheme, request, now_ms)
            return _put(scheme, request, encoded(scheme.enc, _signature(key, message)), now_ms)
    raise BadRequest(
        "This private key is of a kind that the platform does not use.", code="bad_key"
    )


def _signed_with(scheme: Scheme, secret: str, request: SignedRequest, now_ms: int) -> SignedRequest:
    if scheme.alg == "token":
        return _put(scheme, request, secret.encode(), now_ms)
    if scheme.alg == "basic":
        return _put(scheme, request, base64.b64encode(secret.encode()), now_ms)
    if not is_mac(scheme.alg):
        raise NeedsPrivateKey
    request, message = _prepared(scheme, request, now_ms)
    return _put(scheme, request, mac_text(scheme, secret, message), now_ms)


def _prepared(scheme: Scheme, request: SignedRequest, now_ms: int) -> tuple[SignedRequest, bytes]:
    """The request with its timestamp, and the bytes that are signed of it."""
    fields: dict[str, list[str]] = {}
    if scheme.ts is not None:
        source, text = parse_source(scheme.ts.source), _stamp(scheme.ts, now_ms)
        if source.kind == "header":
            request = _with_headers(request, ((source.name, text),))
        elif source.kind == "field":
            fields = {source.name: [text]}
    message = Reading(_as_raw(request, now_ms)).filled(scheme.msg, fields)
    if message is None:
        raise BadRequest(f"The sample has not all that is signed: {scheme.msg}", code="bad_sample")
    return request, message


def _stamp(rule: Timestamp, now_ms: int) -> str:
    return str(now_ms if rule.unit == "ms" else now_ms // 1000)


def _put(scheme: Scheme, request: SignedRequest, signature: bytes, now_ms: int) -> SignedRequest:
    """The signature in its place, together with what the format keeps beside it."""
    text = signature.decode()
    fmt, rule = scheme.fmt, scheme.ts
    if fmt is not None:
        text = f"{fmt.name}{fmt.pair}{text}"
        if rule is not None and rule.source.startswith("field:"):
            name = rule.source.removeprefix("field:")
            text = f"{name}{fmt.pair}{_stamp(rule, now_ms)}{fmt.item}{text}"
    source = parse_source(scheme.sig)
    if source.kind == "header":
        return _with_headers(request, ((source.name, scheme.prefix + text),))
    joined = "&".join(
        part for part in (request.query, f"{source.name}={quote(text, safe='')}") if part
    )
    return msgspec.structs.replace(request, query=joined)


def _with_headers(request: SignedRequest, headers: Iterable[tuple[str, str]]) -> SignedRequest:
    """The request with these headers instead of any of the same name."""
    added = tuple((name.lower(), value) for name, value in headers)
    names = {name for name, _ in added}
    kept = tuple((name, value) for name, value in request.headers if name.lower() not in names)
    return msgspec.structs.replace(request, headers=kept + added)


def _as_raw(request: SignedRequest, now_ms: int) -> RawEvent:
    url = f"{request.url}?{request.query}" if request.query else request.url
    return RawEvent(
        id="",
        webhook_id="",
        received_at=now_ms,
        method=request.method,
        url=url,
        query=request.query,
        headers=tuple((name.lower(), value) for name, value in request.headers),
        body=request.body,
    )


_PrivateKey = EllipticCurvePrivateKey | Ed25519PrivateKey


def _private_key(pem: str) -> _PrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise BadRequest("This is not a private key in PEM form.", code="bad_key") from error
    if not isinstance(key, EllipticCurvePrivateKey | Ed25519PrivateKey):
        raise BadRequest("The key is neither of the curve P-256 nor Ed25519.", code="bad_key")
    return key


def _algorithm_of(key: _PrivateKey) -> str:
    return "ed25519" if isinstance(key, Ed25519PrivateKey) else "ecdsa-p256-sha256"


def _signature(key: _PrivateKey, message: bytes) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(message)
    return key.sign(message, ECDSA(SHA256()))
