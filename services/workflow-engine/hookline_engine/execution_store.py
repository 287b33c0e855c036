"""Loads and saves executions: heads by compare-and-set, immutable bodies, pages, snapshots (G1)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from hookline_common.collections import BODIES, EXECUTIONS, TASK_PAGES
from hookline_common.documents import Condition, Document, Documents, Op, Query
from hookline_common.errors import Poison
from hookline_engine.bounded_cache import BoundedCache
from hookline_engine.core.decisions import NewBody, NewPage
from hookline_engine.core.model import Head, TaskLine, decode_head, decode_page
from hookline_engine.definitions.model import WorkflowDef
from hookline_engine.definitions.snapshots import Snapshot, thaw
from hookline_engine.execution_documents import body_document, head_document, page_document

SNAPSHOTS_KEPT = 500
_REMOVE_PAGE = 500


class Stored(msgspec.Struct, frozen=True):
    """A head and its revision; 0 = not stored yet."""

    head: Head
    rev: int


class Change(msgspec.Struct, frozen=True):
    """A head to save over revision `rev`, with the bodies and pages that it newly names.

    `new_snapshot`: the head names a snapshot that it did not name before.
    """

    head: Head
    rev: int
    snapshot: Snapshot | None
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

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._snapshots: BoundedCache[str, Snapshot] = BoundedCache(SNAPSHOTS_KEPT)
        self._stored_snapshots: BoundedCache[str, bool] = BoundedCache(SNAPSHOTS_KEPT)

    async def heads(self, ids: Sequence[str]) -> Mapping[str, Stored]:
        """The executions among `ids` that exist."""
        found = await self._documents.get(EXECUTIONS, ids)
        return {key: Stored(decode_head(one.body), one.rev) for key, one in found.items()}

    async def head(self, workflow_id: str) -> Head | None:
        """One execution, or None."""
        stored = (await self.heads([workflow_id])).get(workflow_id)
        return stored.head if stored else None

    async def bodies(self, tokens: Iterable[str]) -> dict[str, Any]:
        """The bodies as raw JSON by token; raises BodyMissing."""
        wanted = [token for token in dict.fromkeys(tokens) if token]
        if not wanted:
            return {}
        found = await self._documents.get(BODIES, wanted)
        missing = [token for token in wanted if token not in found]
        if missing:
            raise BodyMissing(f"body {missing[0]} is not in the store")
        return {token: msgspec.Raw(found[token].body) for token in wanted}

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
        bodies = self._new_bodies(changes)
        pages = [
            page_document(change.head.workflow_id, page)
            for change in changes
            for page in change.pages
        ]
        if bodies:
            await self._documents.insert(BODIES, bodies)
            self._remember_snapshots(changes)
        if pages:
            await self._documents.insert(TASK_PAGES, pages)
        return await self._save_heads(changes)

    async def _save_heads(self, changes: Sequence[Change]) -> frozenset[str]:
        new = [_document(change) for change in changes if change.rev == 0]
        known = [_document(change) for change in changes if change.rev != 0]
        lost: frozenset[str] = frozenset()
        if new:
            lost = await self._documents.insert(EXECUTIONS, new)
        if known:
            lost |= await self._documents.replace(EXECUTIONS, known)
        return lost

    def _new_bodies(self, changes: Sequence[Change]) -> list[Document]:
        documents: list[Document] = []
        for change in changes:
            workflow_id = change.head.workflow_id
            documents += [body_document(workflow_id, body) for body in change.bodies]
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
        """Delete an execution with its bodies and pages; the head goes first."""
        gone = await self._documents.delete(EXECUTIONS, [workflow_id])
        for collection in (BODIES, TASK_PAGES):
            where = Condition("workflow_id", Op.EQ, workflow_id)
            while ids := [
                document.id
                for document in (
                    await self._documents.find(collection, Query(where, limit=_REMOVE_PAGE))
                ).documents
            ]:
                await self._documents.delete(collection, ids)
        return gone > 0


def _document(change: Change) -> Document:
    snapshot = change.snapshot
    label = classifier_of(snapshot.definition) if snapshot else "workflow"
    return head_document(change.head, change.rev, label)
