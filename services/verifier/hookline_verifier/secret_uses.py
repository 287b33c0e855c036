"""When each secret of a webhook last fitted an event, so that an operator sees which may go."""

from collections.abc import Mapping

import msgspec
import structlog

from hookline_common.collections import SECRET_USES
from hookline_common.documents import Document, Documents
from hookline_common.errors import Retryable
from hookline_common.webhooks import WebhookConfig

WRITTEN_EVERY_MS = 60_000
"""At most so often for each secret: what is shown is true to the minute."""

KEPT_MS = 366 * 24 * 3600 * 1000

_log = structlog.get_logger()


class SecretUse(msgspec.Struct, frozen=True, rename="camel"):
    """The body of a document of `secret_uses`."""

    last_used_at: int


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(SecretUse).decode


def use_id(config: WebhookConfig, secret_id: str) -> str:
    """The id of the document."""
    return f"{config.id}:{config.incarnation}:{secret_id}"


class SecretUses:
    """What this process has seen; several verifiers keep the latest of all."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._seen: dict[str, int] = {}
        self._written_at: dict[str, int] = {}

    def note(self, key: str, received_at: int) -> None:
        """An event that arrived then was proved by this secret."""
        if received_at > self._seen.get(key, 0):
            self._seen[key] = received_at

    async def save(self, now_ms: int) -> None:
        """Write what is new, where that was not done within the last minute."""
        due = {
            key: at
            for key, at in self._seen.items()
            if now_ms - self._written_at.get(key, 0) >= WRITTEN_EVERY_MS
        }
        if not due:
            return
        for key in due:
            del self._seen[key]
            self._written_at[key] = now_ms
        try:
            await self._write(due)
        except Retryable as error:
            # Events are not held up by it: the next use is written a minute later.
            _log.info("secret_uses_not_written", error=str(error))

    async def _write(self, due: Mapping[str, int]) -> None:
        stored = await self._documents.get(SECRET_USES, list(due))
        later = [
            _document(key, due[key], one.rev)
            for key, one in stored.items()
            if _decode(one.body).last_used_at < due[key]
        ]
        await self._documents.insert(
            SECRET_USES, [_document(key, at) for key, at in due.items() if key not in stored]
        )
        await self._documents.replace(SECRET_USES, later)


def _document(key: str, at: int, rev: int = 0) -> Document:
    return Document(key, _encode(SecretUse(at)), {}, rev, at + KEPT_MS)
