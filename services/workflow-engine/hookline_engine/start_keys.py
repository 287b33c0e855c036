"""Idempotency keys of starts: one execution per (workflow name, key), by its strategy (G6)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from hookline_common.collections import IDEMPOTENCY_KEYS
from hookline_common.documents import Document, Documents
from hookline_common.errors import Conflict
from hookline_common.ids import digest
from hookline_common.webhooks import IdempotencyStrategy
from hookline_engine.execution_store import ExecutionStore


class Key(msgspec.Struct, frozen=True):
    """A key, its scope, and what to do when an execution has it already."""

    workflow: str
    text: str
    strategy: IdempotencyStrategy = "FAIL"

    @property
    def document_id(self) -> str:
        """The id in the collection."""
        return digest(self.workflow, self.text)


class Promise(msgspec.Struct, frozen=True, rename="camel"):
    """The execution that a key stands for, and the command that was promised it."""

    workflow_id: str
    command_id: str


class Claimed(msgspec.Struct, frozen=True):
    """The id to start under; or, with `existing`, the execution to answer with instead."""

    workflow_id: str
    existing: bool = False


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Promise)


class StartKeys:
    """The collection IDEMPOTENCY_KEYS."""

    def __init__(self, documents: Documents, store: ExecutionStore) -> None:
        self._documents = documents
        self._store = store
        self._locks: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def held(self, key: Key) -> AsyncGenerator[None]:
        """Others in this process wait with this key until the execution is there."""
        lock = self._locks.setdefault(key.document_id, asyncio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked():
                self._locks.pop(key.document_id, None)

    async def claim(self, key: Key, promise: Promise) -> Claimed:
        """Take the key for `promise`, or find who has it; raises Conflict by the strategy.

        A key whose execution is not there belongs to a start that was cut off: whoever finds it
        goes on under the promised id.
        """
        document = Document(key.document_id, _encoder.encode(promise))
        while True:
            if not await self._documents.insert(IDEMPOTENCY_KEYS, [document]):
                return Claimed(promise.workflow_id)
            found = await self._documents.get(IDEMPOTENCY_KEYS, [key.document_id])
            holder = found.get(key.document_id)
            if holder is None:
                continue
            claimed = await self._beside(key, promise, holder)
            if claimed is not None:
                return claimed

    async def _beside(self, key: Key, promise: Promise, holder: Document) -> Claimed | None:
        """What follows from the promise that is there; None: it changed, look again."""
        held = _decoder.decode(holder.body)
        head = await self._store.head(held.workflow_id)
        if held.command_id == promise.command_id or head is None:
            return Claimed(held.workflow_id)
        if key.strategy == "RETURN_EXISTING":
            return Claimed(held.workflow_id, existing=True)
        if key.strategy == "FAIL" or not head.terminal:
            raise Conflict(
                f"Workflow {held.workflow_id} of {key.workflow} already has the idempotency key "
                f"{key.text!r}.",
                code="idempotency_key_used",
                metadata={"workflowId": held.workflow_id},
            )
        moved = Document(holder.id, _encoder.encode(promise), {}, holder.rev)
        if await self._documents.replace(IDEMPOTENCY_KEYS, [moved]):
            return None
        return Claimed(promise.workflow_id)
