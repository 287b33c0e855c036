"""Idempotency keys of starts: one execution per (workflow name, key), by its strategy (G6).

A key lives as long as its execution, at least 30 days (webhooks.md 6): from then on `sweep` looks
now and then whether the execution is still there. One that was removed earlier leaves a mark, so
that neither its key nor a repeated command brings it back.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import msgspec

from hookline_common.clock import Clock
from hookline_common.collections import IDEMPOTENCY_KEYS
from hookline_common.crash_points import CrashPoint, reached
from hookline_common.documents import AnyOf, Condition, Document, Documents, Op, Query
from hookline_common.errors import Conflict
from hookline_common.ids import digest
from hookline_common.webhooks import IdempotencyStrategy
from hookline_engine.core.model import Head
from hookline_engine.execution_store import ExecutionStore

KEPT_MS = 30 * 24 * 3600 * 1000
"""How long a key is kept at least, and how often it is looked at from then on."""

_SWEEP_PAGE = 500


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

    def __init__(self, documents: Documents, store: ExecutionStore, clock: Clock) -> None:
        self._documents = documents
        self._store = store
        self._clock = clock
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
        document = _document(key.document_id, promise, self._clock.now_ms() + KEPT_MS)
        while True:
            reached(CrashPoint.ENGINE_CLAIMING_KEY)
            if not await self._documents.insert(IDEMPOTENCY_KEYS, [document]):
                reached(CrashPoint.ENGINE_CLAIMED_KEY)
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
        same = held.command_id == promise.command_id
        removed = head is None and bool(await self.removed([held.workflow_id]))
        if not removed and (same or head is None):
            return Claimed(held.workflow_id)
        if same or key.strategy == "RETURN_EXISTING":
            return Claimed(held.workflow_id, existing=True)
        if key.strategy == "FAIL" or (head is not None and not head.terminal):
            raise Conflict(
                f"Workflow {held.workflow_id} of {key.workflow} already has the idempotency key "
                f"{key.text!r}.",
                code="idempotency_key_used",
                metadata={"workflowId": held.workflow_id},
            )
        moved = _document(holder.id, promise, self._clock.now_ms() + KEPT_MS, holder.rev)
        if await self._documents.replace(IDEMPOTENCY_KEYS, [moved]):
            return None
        return Claimed(promise.workflow_id)

    # --- executions that were removed ---

    async def mark_removed(self, head: Head) -> None:
        """The execution is about to be removed: what started it does not start it again."""
        until = head.created_at + KEPT_MS
        if until <= self._clock.now_ms() or not (head.event or head.idempotency_key):
            return
        mark = _document(_mark_id(head.workflow_id), Promise(head.workflow_id, ""), until)
        await self._documents.insert(IDEMPOTENCY_KEYS, [mark])

    async def removed(self, workflow_ids: Sequence[str]) -> frozenset[str]:
        """Those of the executions that were there and have been removed."""
        marks = {_mark_id(workflow_id): workflow_id for workflow_id in workflow_ids}
        found = await self._documents.get(IDEMPOTENCY_KEYS, list(marks))
        return frozenset(marks[key] for key in found)

    # --- expiry ---

    async def sweep(self) -> int:
        """Delete the keys and marks whose time is up and whose execution is not there."""
        deleted = 0
        now = self._clock.now_ms()
        # Keys without the field were made before it existed.
        due = AnyOf((Condition("check_at", Op.LE, now), Condition("check_at", Op.EQ, None)))
        while True:
            page = await self._documents.find(IDEMPOTENCY_KEYS, Query(due, limit=_SWEEP_PAGE))
            if not page.documents:
                return deleted
            deleted += await self._sweep(page.documents, now)

    async def _sweep(self, documents: Sequence[Document], now: int) -> int:
        promises = {one.id: _decoder.decode(one.body) for one in documents}
        there = await self._store.heads([one.workflow_id for one in promises.values()])
        alive = [one for one in documents if promises[one.id].workflow_id in there]
        later = [_document(one.id, promises[one.id], now + KEPT_MS, one.rev) for one in alive]
        await self._documents.replace(IDEMPOTENCY_KEYS, later)
        kept = {one.id for one in alive}
        gone = [one.id for one in documents if one.id not in kept]
        return await self._documents.delete(IDEMPOTENCY_KEYS, gone)


def _document(key: str, promise: Promise, check_at: int, rev: int = 0) -> Document:
    return Document(key, _encoder.encode(promise), {"check_at": check_at}, rev)


def _mark_id(workflow_id: str) -> str:
    return digest("removed", workflow_id)
