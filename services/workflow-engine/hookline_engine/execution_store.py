"""Loads and saves executions: heads by compare-and-set, immutable bodies, pages, snapshots (G1)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from hookline_common.clock import Clock
from hookline_common.collections import BODIES, EXECUTIONS, TASK_LOGS, TASK_PAGES
from hookline_common.crash_points import CrashPoint, reached
from hookline_common.documents import Collection, Condition, Document, Documents, Op, Query
from hookline_common.errors import Poison
from hookline_engine.bounded_cache import BoundedCache
from hookline_engine.core.decisions import NewBody, NewPage
from hookline_engine.core.model import Head, TaskLine, decode_head, decode_page
from hookline_engine.definitions.model import WorkflowDef
from hookline_engine.definitions.snapshots import Snapshot, thaw
from hookline_engine.execution_documents import (
    Texts,
    body_document,
    head_document,
    page_document,
    texts_in,
)

LONGEST_SAVE_MS = 1_800_000
"""A process that was stopped for longer between bodies and heads begins anew, as if it had lost:
its bodies may be taken for orphans from now on (orphans.py)."""

SNAPSHOTS_KEPT = 500
_REMOVE_PAGE = 500


class Stored(msgspec.Struct, frozen=True):
    """A head and its revision; 0 = not stored yet."""

    head: Head
    rev: int
    texts: Texts = Texts()


class Change(msgspec.Struct, frozen=True):
    """A head to save over revision `rev`, with the bodies and pages that it newly names.

    `new_snapshot`: the head names a snapshot that it did not name before.
    """

    head: Head
    rev: int
    snapshot: Snapshot | None
    texts: Texts = Texts()
    bodies: Sequence[NewBody] = ()
    pages: Sequence[NewPage] = ()
    new_snapshot: bool = False


class BodyMissing(Poison):
    """A body that the execution names is not in the store."""


def classifier_of(definition: WorkflowDef) -> str:
    """The label that searches filter by (engine.md 1.2)."""
    metadata = definition.metadata
    if "classifier" in metadata:
        return str(metadata["classifier"])
    return "agent" if "agent_sdk" in metadata or "agentDef" in metadata else "workflow"


class ExecutionStore:
    """The collections of executions. Snapshots are shared, so the newest used ones are kept."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._snapshots: BoundedCache[str, Snapshot] = BoundedCache(SNAPSHOTS_KEPT)
        self._stored_snapshots: BoundedCache[str, bool] = BoundedCache(SNAPSHOTS_KEPT)

    async def heads(self, ids: Sequence[str]) -> Mapping[str, Stored]:
        """The executions among `ids` that exist."""
        found = await self._documents.get(EXECUTIONS, ids)
        return {
            key: Stored(decode_head(one.body), one.rev, texts_in(one)) for key, one in found.items()
        }

    async def head(self, workflow_id: str) -> Head | None:
        """One execution, or None."""
        stored = (await self.heads([workflow_id])).get(workflow_id)
        return stored.head if stored else None

    async def bodies(self, tokens: Iterable[str]) -> dict[str, Any]:
        """The bodies as raw JSON by token; raises BodyMissing."""
        wanted = [token for token in dict.fromkeys(tokens) if token]
        found = await self.present_bodies(wanted)
        missing = [token for token in wanted if token not in found]
        if missing:
            raise BodyMissing(f"body {missing[0]} is not in the store")
        return found

    async def present_bodies(self, tokens: Sequence[str]) -> dict[str, Any]:
        """Those of the bodies that are there."""
        if not tokens:
            return {}
        found = await self._documents.get(BODIES, tokens)
        return {token: msgspec.Raw(one.body) for token, one in found.items()}

    async def pages(self, tokens: Iterable[str]) -> dict[str, tuple[TaskLine, ...]]:
        """The pages of finished lines by token; raises BodyMissing."""
        wanted = list(dict.fromkeys(tokens))
        if not wanted:
            return {}
        found = await self._documents.get(TASK_PAGES, wanted)
        missing = [token for token in wanted if token not in found]
        if missing:
            raise BodyMissing(f"page {missing[0]} is not in the store")
        return {token: decode_page(found[token].body) for token in wanted}

    async def snapshots(self, tokens: Iterable[str]) -> Mapping[str, Snapshot]:
        """The snapshots by token, from memory where they were used lately."""
        known = {token: self._snapshots.get(token) for token in tokens if token}
        missing = [token for token, snapshot in known.items() if snapshot is None]
        for token, body in (await self.bodies(missing)).items():
            snapshot = thaw(bytes(body))
            self._snapshots.put(token, snapshot)
            known[token] = snapshot
        return {token: snapshot for token, snapshot in known.items() if snapshot is not None}

    async def save(self, changes: Sequence[Change]) -> frozenset[str]:
        """Save the heads after what they name; returns the ids that lost the compare-and-set."""
        begun = self._clock.now_ms()
        bodies = self._new_bodies(changes)
        pages = [
            page_document(change.head.workflow_id, page, change.head.updated_at)
            for change in changes
            for page in change.pages
        ]
        if bodies:
            reached(CrashPoint.ENGINE_SAVING_BODIES)
            await self._documents.insert(BODIES, bodies)
            reached(CrashPoint.ENGINE_SAVED_BODIES)
            self._remember_snapshots(changes)
        if pages:
            await self._documents.insert(TASK_PAGES, pages)
        if self._clock.now_ms() - begun > LONGEST_SAVE_MS:
            return frozenset(change.head.workflow_id for change in changes)
        return await self._save_heads(changes)

    async def _save_heads(self, changes: Sequence[Change]) -> frozenset[str]:
        new = [_document(change) for change in changes if change.rev == 0]
        known = [_document(change) for change in changes if change.rev != 0]
        lost: frozenset[str] = frozenset()
        reached(CrashPoint.ENGINE_SAVING_HEADS)
        if new:
            lost = await self._documents.insert(EXECUTIONS, new)
        if known:
            lost |= await self._documents.replace(EXECUTIONS, known)
        reached(CrashPoint.ENGINE_SAVED_HEADS)
        return lost

    def _new_bodies(self, changes: Sequence[Change]) -> list[Document]:
        documents: list[Document] = []
        for change in changes:
            head = change.head
            documents += [
                body_document(head.workflow_id, body, head.updated_at) for body in change.bodies
            ]
        unknown = {
            snapshot.token: snapshot
            for change in changes
            if change.new_snapshot
            and (snapshot := change.snapshot) is not None
            and self._stored_snapshots.get(snapshot.token) is None
        }
        # A snapshot belongs to no execution: it outlives each of those that share it.
        documents += [Document(token, one.body, {}) for token, one in unknown.items()]
        return documents

    def _remember_snapshots(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.new_snapshot and change.snapshot is not None:
                self._snapshots.put(change.snapshot.token, change.snapshot)
                self._stored_snapshots.put(change.snapshot.token, True)

    async def remove(self, workflow_id: str) -> bool:
        """Delete an execution with its bodies, pages and logs; the head goes first."""
        gone = await self._documents.delete(EXECUTIONS, [workflow_id])
        own = Condition("workflow_id", Op.EQ, workflow_id)
        await self._delete_all(BODIES, own)
        await self._delete_all(TASK_PAGES, own)
        await self._delete_all(TASK_LOGS, Condition("task_id", Op.PREFIX, f"{workflow_id}-"))
        return gone > 0

    async def _delete_all(self, collection: Collection, where: Condition) -> None:
        query = Query(where, limit=_REMOVE_PAGE)
        while found := (await self._documents.find(collection, query)).documents:
            await self._documents.delete(collection, [document.id for document in found])


def _document(change: Change) -> Document:
    snapshot = change.snapshot
    label = classifier_of(snapshot.definition) if snapshot else "workflow"
    return head_document(change.head, change.rev, label, change.texts)
