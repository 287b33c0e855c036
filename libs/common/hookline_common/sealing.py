"""Seals secrets with AES-GCM under a named key, bound to the context they belong to (D3)."""

import base64
import binascii
import os
import re
from collections.abc import Sequence

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hookline_common.errors import SealBroken
from hookline_common.webhooks import SECRET_SHOWN

KEY_BYTES = 32
_NONCE_BYTES = 12  # NIST SP 800-38D section 8.2: 96 bits
_FORM = "s1"
_SEALED = re.compile(
    _FORM + r"(?::|%3A)[^\s\"']{1,300}?(?::|%3A)(?:[A-Za-z0-9+/=]|%2B|%2F|%3D){38,}"
)
"""A sealed value in a text, as it is or quoted for a query; 28 bytes are nonce and tag alone."""


class SealKey(msgspec.Struct, frozen=True):
    """A key and the id that sealed values name it by."""

    id: str
    key: bytes

    def __repr__(self) -> str:
        return f"SealKey(id={self.id!r})"


class Sealer:
    """Seals with the first key and opens with any of them."""

    def __init__(self, keys: Sequence[SealKey]) -> None:
        if not keys:
            raise ValueError("at least one seal key is needed")
        self._first = keys[0].id
        self._keys = {key.id: AESGCM(key.key) for key in keys}

    @property
    def key_ids(self) -> Sequence[str]:
        """The ids of the keys; the first one seals."""
        return [*self._keys]

    def seal(self, text: str, context: str) -> str:
        """The sealed text; it opens only under the same context."""
        nonce = os.urandom(_NONCE_BYTES)
        data = text.encode("utf-8", "surrogatepass")
        sealed = nonce + self._keys[self._first].encrypt(nonce, data, context.encode())
        return f"{_FORM}:{self._first}:{base64.b64encode(sealed).decode('ascii')}"

    def open(self, sealed: str, context: str) -> str:
        """The text that was sealed; raises SealBroken if no key of this process opens it."""
        form, _, rest = sealed.partition(":")
        key_id, _, encoded = rest.rpartition(":")
        cipher = self._keys.get(key_id)
        if form != _FORM or cipher is None:
            raise SealBroken(f"There is no seal key {key_id!r} here.")
        try:
            data = base64.b64decode(encoded, validate=True)
            text = cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], context.encode())
            return text.decode("utf-8", "surrogatepass")
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise SealBroken(f"A value sealed with the key {key_id!r} does not open.") from error


def key_id_of(sealed: str) -> str:
    """The id of the key that sealed it; empty if it is no sealed value."""
    form, _, rest = sealed.partition(":")
    return rest.rpartition(":")[0] if form == _FORM else ""


def without_seals(text: str) -> str:
    """The text as it may be shown: what is sealed in it is not, not even as it is."""
    return _SEALED.sub(SECRET_SHOWN, text)


def secret_context(webhook_id: str, incarnation: int, secret_id: str) -> str:
    """What a secret of a webhook is bound to."""
    return f"secret/{incarnation}/{secret_id}/{webhook_id}"


def header_check_context(webhook_id: str, incarnation: int, header: str) -> str:
    """What the expected value of a header check is bound to; header names in lower case."""
    return f"header/{incarnation}/{header.lower()}/{webhook_id}"


def workflow_secret_context(name: str) -> str:
    """What a secret that workflows name is bound to."""
    return f"workflow-secret/{name}"


def event_context(event_id: str, name: str) -> str:
    """What a sealed header (`x-token`) or query value (`query:token`) of an event is bound to."""
    return f"event/{event_id}/{name}"
