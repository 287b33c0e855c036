"""Tells the matcher again of the waits that executions have open (protocols.md F7).

For a matcher whose waits were lost. What it knows already, taken and closed waits too, it leaves
alone, so a rebuild may run beside everything else, twice, and again from the middle.
"""

from collections.abc import Sequence

import msgspec

from hookline_common import messages, topics
from hookline_common.collections import EXECUTIONS
from hookline_common.documents import Condition, Documents, Op, Order, Query
from hookline_common.eventlog import EventLog, Record, Sync
from hookline_engine.core.model import Head, decode_head
from hookline_engine.core.open_waits import input_tokens, open_waits
from hookline_engine.execution_reader import ExecutionReader
from hookline_engine.execution_store import ExecutionStore

_RUNNING = Condition("status", Op.IN, ("RUNNING", "PAUSED"))


class Rebuilt(msgspec.Struct, frozen=True, rename="camel"):
    """One page: how many executions were looked at, and how many open waits they had.

    `cursor` leads to the next page; None: that was the last. `running` is how many executions there
    are to look at in all.
    """

    executions: int
    waits: int
    running: int
    cursor: str | None = None


class Waits:
    """The waits of all executions that have not ended."""

    def __init__(
        self,
        documents: Documents,
        log: EventLog,
        store: ExecutionStore,
        reader: ExecutionReader,
    ) -> None:
        self._documents = documents
        self._log = log
        self._store = store
        self._reader = reader

    async def rebuild(self, cursor: str | None, limit: int) -> Rebuilt:
        """Write the open waits of the next `limit` executions; on disk when it returns."""
        query = Query(_RUNNING, (Order("start_time"),), limit=limit, after=cursor)
        page = await self._documents.find(EXECUTIONS, query)
        heads = [decode_head(document.body) for document in page.documents]
        records = await self._records(heads)
        if records:
            await self._log.append(records, Sync.NOW)
        running = await self._documents.count(EXECUTIONS, _RUNNING)
        return Rebuilt(len(heads), len(records), running, page.cursor)

    async def _records(self, heads: Sequence[Head]) -> list[Record]:
        snapshots = await self._store.snapshots({head.snapshot for head in heads})
        known = [(head, snapshots[head.snapshot]) for head in heads if head.snapshot in snapshots]
        inputs = {head.workflow_id: input_tokens(head, snapshot) for head, snapshot in known}
        bodies = await self._reader.bodies([one for tokens in inputs.values() for one in tokens])
        return [
            _record(opened)
            for head, snapshot in known
            # An execution of which something is missing is just being removed.
            if all(token in bodies for token in inputs[head.workflow_id])
            for opened in open_waits(head, snapshot, bodies)
        ]


def _record(opened: messages.WaitOpened) -> Record:
    value = messages.WAITS_CODEC.encode(opened)
    return Record(topics.WAITS.name, opened.workflow_id, value)
