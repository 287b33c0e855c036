"""The algorithms: secrets to keys, messages to signatures, and the comparison of the two."""

import base64
import binascii
import hmac
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from hookline_common.platforms.declaration import Algorithm, Encoding, KeyKind, Scheme
from hookline_common.platforms.sources import wire_bytes

_DIGESTS = {"hmac-sha1": "sha1", "hmac-sha256": "sha256", "hmac-sha512": "sha512"}
_SIZES = {"hmac-sha1": 20, "hmac-sha256": 32, "hmac-sha512": 64, "ed25519": 64}
_LARGEST_ELLIPTIC = 72  # two integers of 33 bytes in DER
_HEX = frozenset(b"0123456789abcdefABCDEF")
_FEWEST_KEY_BYTES, _MOST_KEY_BYTES = 24, 64


class KeyMalformed(ValueError):
    """The secret is not what this platform gives out; the message says what it should be."""


def is_mac(algorithm: Algorithm) -> bool:
    """Whether sender and receiver hold the same key."""
    return algorithm in _DIGESTS


def key_bytes(kind: KeyKind, secret: str) -> bytes:
    """The key that a secret stands for; raises KeyMalformed."""
    match kind:
        case "utf8":
            return _nonempty(secret.encode("utf-8", "surrogatepass"))
        case "base64" | "spki-b64":
            return _from_base64(secret.strip())
        case "base64!":
            return _standard_key(secret.strip())
        case "whpk":
            return _standard_public_key(secret.strip())
        case "hex":
            return _from_hex(secret.strip())


def _standard_key(secret: str) -> bytes:
    """Standard Webhooks: `whsec_` and base64 of 24 to 64 bytes; never a public key as a secret."""
    if secret.startswith(("whpk_", "whsk_")):
        raise KeyMalformed("the secret begins with whsec_, this is a key of another kind")
    return _from_base64(_padded(secret.removeprefix("whsec_")))


def _standard_public_key(secret: str) -> bytes:
    if not secret.startswith("whpk_"):
        raise KeyMalformed("the public key begins with whpk_, this is a key of another kind")
    return _from_base64(_padded(secret.removeprefix("whpk_")))


def _padded(text: str) -> str:
    return text + "=" * (-len(text) % 4)


def _from_base64(text: str) -> bytes:
    try:
        return _nonempty(base64.b64decode(text.encode("ascii"), validate=True))
    except (binascii.Error, UnicodeEncodeError) as error:
        raise KeyMalformed("it is not base64") from error


def _from_hex(text: str) -> bytes:
    try:
        return _nonempty(bytes.fromhex(text))
    except ValueError as error:
        raise KeyMalformed("it is not hex") from error


def _nonempty(key: bytes) -> bytes:
    if not key:
        raise KeyMalformed("it is empty")
    return key


@lru_cache(maxsize=256)
def _elliptic_key(der: bytes) -> EllipticCurvePublicKey:
    try:
        key = load_der_public_key(der)
    except Exception as error:
        raise KeyMalformed("it is not a public key in DER form") from error
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise KeyMalformed("it is not a public key of the curve P-256")
    return key


def _edwards_key(key: bytes) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(key)
    except ValueError as error:
        raise KeyMalformed("it is not an Ed25519 public key of 32 bytes") from error


def key_problem(scheme: Scheme, secret: str) -> str | None:
    """Why the secret cannot be used with the scheme, if so."""
    try:
        _check_key(scheme, secret)
    except KeyMalformed as problem:
        return str(problem)
    return None


def _check_key(scheme: Scheme, secret: str) -> None:
    if scheme.alg == "basic" and ":" not in secret:
        raise KeyMalformed("it is not of the form user:password")
    key = key_bytes(scheme.key, secret)
    if scheme.key == "base64!" and not _FEWEST_KEY_BYTES <= len(key) <= _MOST_KEY_BYTES:
        raise KeyMalformed("it is not base64 of 24 to 64 bytes")
    if scheme.alg == "ecdsa-p256-sha256":
        _elliptic_key(key)
    if scheme.alg == "ed25519":
        _edwards_key(key)


def mac_text(scheme: Scheme, secret: str, message: bytes) -> bytes:
    """The signature as the platform writes it; raises KeyMalformed."""
    mac = hmac.digest(key_bytes(scheme.key, secret), message, _DIGESTS[scheme.alg])
    return encoded(scheme.enc, mac)


def encoded(encoding: Encoding, signature: bytes) -> bytes:
    """Bytes as the text of a header."""
    return signature.hex().encode() if encoding == "hex" else base64.b64encode(signature)


def normal_form(scheme: Scheme, candidate: str) -> bytes | None:
    """A received signature in the one form that is compared, or None where it cannot be one.

    Hex in any case is lower-cased. Base64 must be what its bytes encode to, so that no other text
    passes for the same signature.
    """
    text = wire_bytes(candidate)
    if scheme.enc == "hex":
        good = _HEX.issuperset(text) and len(text) % 2 == 0
        return text.lower() if good and _right_size(scheme, len(text) // 2) else None
    try:
        signature = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    canonical = base64.b64encode(signature) == text and _right_size(scheme, len(signature))
    return text if canonical else None


def _right_size(scheme: Scheme, size: int) -> bool:
    wanted = _SIZES.get(scheme.alg)
    return 0 < size <= _LARGEST_ELLIPTIC if wanted is None else size == wanted


def fits(scheme: Scheme, secret: str, message: bytes, candidates: list[bytes]) -> bool:
    """Whether one of the normal forms is the signature of the message; raises KeyMalformed."""
    if is_mac(scheme.alg):
        expected = mac_text(scheme, secret, message)
        # Every candidate is compared: how long it takes must not tell which one came close.
        verdicts = [hmac.compare_digest(expected, candidate) for candidate in candidates]
        return any(verdicts)
    key = key_bytes(scheme.key, secret)
    return any(
        _public_key_fits(scheme, key, message, _decoded(scheme.enc, candidate))
        for candidate in candidates
    )


def _decoded(encoding: Encoding, candidate: bytes) -> bytes:
    return bytes.fromhex(candidate.decode()) if encoding == "hex" else base64.b64decode(candidate)


def _public_key_fits(scheme: Scheme, key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        if scheme.alg == "ed25519":
            _edwards_key(key).verify(signature, message)
        else:
            _elliptic_key(key).verify(signature, message, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def same_value(expected: str, received: str) -> bool:
    """Whether a header has the configured value, compared as bytes in constant time.

    A value beyond ASCII may have been sent as UTF-8 or as Latin-1: both are the same text.
    """
    came = wire_bytes(received)
    forms = (expected.encode("utf-8", "surrogatepass"), wire_bytes(expected))
    verdicts = [hmac.compare_digest(form, came) for form in forms]
    return any(verdicts)
