"""Deletes executions some days after their end, with inputs, outputs, pages and logs (G1).

Engines may do it at the same time. A head is made to expire by compare-and-set, so that one which
was just restarted or retried stays; what it owned goes after it, or as orphans.
"""

import asyncio
import time
from collections.abc import Sequence

import msgspec

from hookline_common.clock import Clock
from hookline_common.collections import EXECUTIONS
from hookline_common.documents import All, Condition, Document, Documents, Op, Order, Query
from hookline_common.topics import DAY_MS
from hookline_engine.core.model import decode_head
from hookline_engine.execution_store import ExecutionStore
from hookline_engine.start_keys import StartKeys

_PAGE = 50
_REST = 10
"""Times as long as a page took nothing is done, so that a sweep takes a tenth of one core."""


class ExecutionRetention:
    """The executions that ended more than `days` days ago go; 0: none ever."""

    def __init__(
        self, documents: Documents, store: ExecutionStore, keys: StartKeys, clock: Clock, days: int
    ) -> None:
        self._documents = documents
        self._store = store
        self._keys = keys
        self._clock = clock
        self._days = days

    async def sweep(self) -> int:
        """Delete those whose time is up; returns how many there were."""
        if not self._days:
            return 0
        deleted = 0
        query = _ended_before(self._clock.now_ms() - self._days * DAY_MS)
        while True:
            begun = time.monotonic()
            page = await self._documents.find(EXECUTIONS, query)
            deleted += await self._delete(await self._unneeded(page.documents))
            if page.cursor is None:
                return deleted
            query = msgspec.structs.replace(query, after=page.cursor)
            await asyncio.sleep((time.monotonic() - begun) * _REST)

    async def _unneeded(self, ended: Sequence[Document]) -> list[Document]:
        """A sub-workflow stays as long as its parent: that may still be shown, or retry it."""
        parents = {one.id: str(one.fields.get("parent_workflow_id") or "") for one in ended}
        there = await self._documents.get(EXECUTIONS, sorted({*parents.values()} - {""}))
        return [one for one in ended if parents[one.id] not in there]

    async def _delete(self, ended: Sequence[Document]) -> int:
        deleted = 0
        for document in ended:
            await self._keys.mark_removed(decode_head(document.body))
            gone = msgspec.structs.replace(document, expires_at_ms=self._clock.now_ms())
            if await self._documents.replace(EXECUTIONS, [gone]):
                continue
            await self._store.remove(document.id)
            deleted += 1
        return deleted


def _ended_before(end_ms: int) -> Query:
    """Those whose effects are out: an outbox is never lost with its head."""
    where = All((Condition("end_time", Op.LE, end_ms), Condition("outbox_since", Op.EQ, None)))
    return Query(where, (Order("end_time"),), limit=_PAGE)
