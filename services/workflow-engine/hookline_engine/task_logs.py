"""What workers and people wrote about a task while it ran."""

from collections.abc import Sequence
from typing import Any

import msgspec

from hookline_common.clock import Clock
from hookline_common.collections import TASK_LOGS
from hookline_common.documents import Condition, Document, Documents, Op, Order, Query
from hookline_common.ids import digest, uuid7

MOST_PER_UPDATE = 10
_SECONDS_BELOW = 10**11
"""A smaller time of creation is in seconds: the SDK's failure trace sends those (rest.md 3.7)."""
_PAGE = 1_000


class TaskLog(msgspec.Struct, frozen=True, rename="camel"):
    """One log entry, as the API shows it."""

    log: str
    task_id: str
    created_time: int


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(TaskLog)


class TaskLogs:
    """The collection TASK_LOGS."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    async def add(self, task_id: str, text: str) -> None:
        """An entry on its own, at the server's time."""
        now = self._clock.now_ms()
        document = _document(TaskLog(text, task_id, now), uuid7(now))
        await self._documents.insert(TASK_LOGS, [document])

    async def add_sent(self, task_id: str, sent: Sequence[Any]) -> None:
        """The first entries that came with a result; a result that comes twice adds them once."""
        now = self._clock.now_ms()
        entries = [_sent_entry(task_id, item, now) for item in sent[:MOST_PER_UPDATE]]
        documents = [
            _document(entry, digest(task_id, str(number), entry.log, str(entry.created_time)))
            for number, entry in enumerate(entries)
        ]
        if documents:
            await self._documents.insert(TASK_LOGS, documents)

    async def of_task(self, task_id: str) -> Sequence[TaskLog]:
        """All entries of a task in order of their time."""
        entries: list[TaskLog] = []
        cursor: str | None = None
        while True:
            where = Condition("task_id", Op.EQ, task_id)
            query = Query(where, (Order("created_at"),), limit=_PAGE, after=cursor)
            page = await self._documents.find(TASK_LOGS, query)
            entries += [_decoder.decode(document.body) for document in page.documents]
            cursor = page.cursor
            if cursor is None:
                return entries


def _sent_entry(task_id: str, item: Any, now: int) -> TaskLog:
    text = item.get("log") if isinstance(item, dict) else item  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    created = item.get("createdTime") if isinstance(item, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not isinstance(created, int | float) or created <= 0:
        created = now
    at = int(created * 1000) if created < _SECONDS_BELOW else int(created)
    return TaskLog("" if text is None else str(text), task_id, at)  # pyright: ignore[reportUnknownArgumentType]


def _document(entry: TaskLog, key: str) -> Document:
    fields = {"task_id": entry.task_id, "created_at": entry.created_time}
    return Document(key, _encoder.encode(entry), fields)
