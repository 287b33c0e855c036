"""API keys and the tokens made from them, as the Conductor SDK uses them (specs/rest.md 1.6)."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from hashlib import sha256

import msgspec

from hookline_common.clock import Clock, SystemClock
from hookline_common.errors import Unauthorized

TOKEN_LIFETIME_MS = 60 * 60 * 1000
"""The SDK fetches a new token after 45 minutes."""


class _Claims(msgspec.Struct, frozen=True):
    key: str
    until: int


_decoder = msgspec.json.Decoder(_Claims)


class ApiKeys:
    """Key ids and their secrets. A token is its claims and a MAC over them with the key's secret,
    so that every instance with the same keys accepts it and removing a key ends its tokens.
    """

    def __init__(self, secrets: Mapping[str, str], clock: Clock | None = None) -> None:
        self._secrets = {key: secret.encode() for key, secret in secrets.items()}
        self._clock = clock or SystemClock()

    def issue(self, key_id: str, secret: str) -> str:
        """A token for the key; raises Unauthorized if the secret is not the key's."""
        known = self._secrets.get(key_id)
        if (
            not hmac.compare_digest(known or b"", secret.encode("utf-8", "surrogatepass"))
            or not known
        ):
            raise Unauthorized("The key id or its secret is wrong.", code="INVALID_TOKEN")
        claims = msgspec.json.encode(_Claims(key_id, self._clock.now_ms() + TOKEN_LIFETIME_MS))
        return f"{_text(claims)}.{_text(_mac(known, claims))}"

    def caller(self, token: str) -> str:
        """The id of the key that the token was made with; raises Unauthorized."""
        claims, mac, raw = _parts(token)
        secret = self._secrets.get(claims.key)
        if secret is None or not hmac.compare_digest(_mac(secret, raw), mac):
            raise Unauthorized("The token is not valid.", code="INVALID_TOKEN")
        if claims.until <= self._clock.now_ms():
            raise Unauthorized("The token has expired.", code="EXPIRED_TOKEN")
        return claims.key


def _mac(secret: bytes, claims: bytes) -> bytes:
    return hmac.new(secret, b"hookline token\n" + claims, sha256).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _parts(token: str) -> tuple[_Claims, bytes, bytes]:
    try:
        claims, mac = (_bytes(part) for part in token.split("."))
        return _decoder.decode(claims), mac, claims
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        raise Unauthorized(
            "A valid X-Authorization token is needed.", code="INVALID_TOKEN"
        ) from error
