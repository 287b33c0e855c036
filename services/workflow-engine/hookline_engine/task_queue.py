"""The queue of tasks that wait for a worker or for the engine's own executor (G4).

An entry is (task, hand-off number). Who takes one holds it under a lease until the hand-off is
saved in the execution and the entry deleted; an entry whose hand-off fails is dropped.
"""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from hookline_common.clock import Clock
from hookline_common.collections import TASK_QUEUE
from hookline_common.documents import All, Condition, Document, Documents, Op, Order, Query
from hookline_engine.core.effects import DequeueTask, EnqueueTask
from hookline_engine.core.model import FAR_FUTURE

CLAIM_LEASE_MS = 10_000
"""How long a claimed entry is out of reach of others; a crash in between costs this delay.

Between claim and hand-off lie milliseconds. Should it be longer after all, another engine claims
the entry too, and the compare-and-set of the hand-off decides.
"""

RECHECK_SECONDS = 1.0
"""How often a waiting poller looks again for what another process has queued."""

_SYSTEM_MARK = "@"


class Entry(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A queue entry as stored; its id is `<task id>:<hand-off>`."""

    task_id: str
    hand_off: int
    def_name: str = ""


class Row(msgspec.Struct, frozen=True):
    """An entry as it stands in the queue."""

    document: Document

    @property
    def id(self) -> str:
        """The entry's id."""
        return self.document.id

    @property
    def rank(self) -> int:
        """99 - priority."""
        return int(str(self.document.fields["rank"]))

    @property
    def visible_at(self) -> int:
        """From when on it may be claimed."""
        return int(str(self.document.fields["visible_at"]))

    def visible_from(self, at: int) -> Document:
        """The document with another time."""
        fields = {**self.document.fields, "visible_at": at}
        return msgspec.structs.replace(self.document, fields=fields)


class Shown(msgspec.Struct, frozen=True):
    """How many hidden entries became visible, and which are being changed by others."""

    shown: int
    conflicts: frozenset[str]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Entry)


def entry_id(task_id: str, hand_off: int) -> str:
    """The id of a queue entry."""
    return f"{task_id}:{hand_off}"


def worker_queue(task_type: str, domain: str | None = None) -> str:
    """The name of the queue that workers of a type (and domain) poll."""
    return f"{domain}:{task_type}" if domain else task_type


def system_queue(task_type: str) -> str:
    """The name of the queue that the executor takes from, and that no worker can poll."""
    return _SYSTEM_MARK + task_type


class _Arrivals:
    """Wakes those who wait at a queue, and knows when its next put-off entry becomes visible."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}
        self._due: dict[str, int] = {}
        self._waiting: dict[str, int] = {}

    def announce(self, queue: str, visible_at: int, now_ms: int) -> None:
        if visible_at > now_ms:
            self._due[queue] = min(visible_at, self._due.get(queue, visible_at))
        event = self._events.get(queue)
        if event is not None:
            event.set()

    def announce_all(self) -> None:
        for event in self._events.values():
            event.set()

    async def wait(self, queue: str, seconds: float, now_ms: int) -> None:
        """Return at an arrival, when something becomes visible, or after `seconds`."""
        due = self._due.get(queue)
        if due is not None:
            seconds = min(seconds, max(0.0, (due - now_ms) / 1000) + 0.001)
            if due <= now_ms:
                del self._due[queue]
        event = self._events.setdefault(queue, asyncio.Event())
        self._waiting[queue] = self._waiting.get(queue, 0) + 1
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            self._leave(queue)

    def _leave(self, queue: str) -> None:
        self._waiting[queue] -= 1
        event = self._events.get(queue)
        if event is not None and event.is_set():
            del self._events[queue]
        if not self._waiting[queue]:
            del self._waiting[queue]
            self._events.pop(queue, None)


class TaskQueue:
    """The collection TASK_QUEUE, and the in-process news about it."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._arrivals = _Arrivals()

    async def put(self, effects: Sequence[EnqueueTask]) -> None:
        """Insert the entries that are not there, and wake who waits for them."""
        if not effects:
            return
        await self._documents.insert(TASK_QUEUE, [_document(effect) for effect in effects])
        now = self._clock.now_ms()
        for effect in effects:
            self._arrivals.announce(_queue_of(effect), effect.visible_at, now)

    async def drop(self, effects: Sequence[DequeueTask]) -> None:
        """Remove the entries of tasks that ended or were put off."""
        await self.delete([entry_id(effect.task_id, effect.hand_off) for effect in effects])

    async def delete(self, ids: Sequence[str]) -> None:
        """Remove entries by id."""
        if ids:
            await self._documents.delete(TASK_QUEUE, ids)

    async def claim(
        self, queue: str, count: int, token: str, lease_ms: int = CLAIM_LEASE_MS
    ) -> Sequence[Entry]:
        """Take up to `count` visible entries, by priority and then by age."""
        visible = Condition("visible_at", Op.LE, self._clock.now_ms())
        query = Query(
            All((Condition("queue", Op.EQ, queue), visible)),
            (Order("rank"), Order("visible_at")),
            limit=count,
        )
        found = await self._documents.claim(TASK_QUEUE, query, lease_ms, token)
        return [_decoder.decode(document.body) for document in found]

    async def renew(self, entry: Entry, lease_ms: int, token: str) -> bool:
        """Extend the lease on an entry; False if it is lost."""
        ids = [entry_id(entry.task_id, entry.hand_off)]
        return not await self._documents.renew(TASK_QUEUE, ids, lease_ms, token)

    async def release(self, entries: Sequence[Entry], token: str) -> None:
        """Give up leases, so that others can claim the entries now."""
        ids = [entry_id(entry.task_id, entry.hand_off) for entry in entries]
        if ids:
            await self._documents.renew(TASK_QUEUE, ids, 0, token)

    async def rows(self, ids: Sequence[str]) -> Sequence[Row]:
        """Those of the entries that are there."""
        found = await self._documents.get(TASK_QUEUE, ids)
        return [Row(found[one]) for one in ids if one in found]

    async def hide(self, rows: Sequence[Row]) -> None:
        """Nobody claims them until they are shown; those that changed meanwhile are left alone."""
        if rows:
            hidden = [row.visible_from(FAR_FUTURE) for row in rows]
            await self._documents.replace(TASK_QUEUE, hidden)

    async def show(self, visible_at: Mapping[str, int]) -> Shown:
        """Make entries visible again, with the time that gives them their old place.

        One that is not hidden is written too: whoever is about to hide it finds it changed.
        """
        rows = await self.rows(list(visible_at))
        documents = [row.visible_from(visible_at[row.id]) for row in rows]
        conflicts = await self._documents.replace(TASK_QUEUE, documents)
        shown = [row for row in rows if row.id not in conflicts and row.visible_at == FAR_FUTURE]
        now = self._clock.now_ms()
        for row in shown:
            self._arrivals.announce(str(row.document.fields["queue"]), 0, now)
        return Shown(len(shown), conflicts)

    async def arrival(self, queue: str, seconds: float) -> None:
        """Wait until something may be there to claim, at most `seconds`."""
        await self._arrivals.wait(queue, min(seconds, RECHECK_SECONDS), self._clock.now_ms())

    def wake_all(self) -> None:
        """Let everybody who waits look again."""
        self._arrivals.announce_all()

    async def next_visible_at(self, queue: str) -> int | None:
        """When the first entry of the queue becomes, or became, visible."""
        where = Condition("queue", Op.EQ, queue)
        page = await self._documents.find(TASK_QUEUE, Query(where, (Order("visible_at"),), 1))
        fields = [document.fields["visible_at"] for document in page.documents]
        return int(str(fields[0])) if fields else None

    async def size(self, queue: str) -> int:
        """How many entries wait in a queue, put-off ones included."""
        return await self._documents.count(TASK_QUEUE, Condition("queue", Op.EQ, queue))

    async def size_of_type(self, task_type: str) -> int:
        """How many entries of a task type wait, in whatever domain."""
        return await self._documents.count(TASK_QUEUE, Condition("task_type", Op.EQ, task_type))

    async def sizes(self, *, of_workers: bool = False) -> Mapping[str, int]:
        """The size of every queue that is not empty, by name; perhaps only of those for workers."""
        sizes: dict[str, int] = {}
        cursor: str | None = None
        while True:
            query = Query(order=(Order("queue"),), limit=1000, after=cursor)
            page = await self._documents.find(TASK_QUEUE, query)
            for document in page.documents:
                queue = str(document.fields["queue"])
                if of_workers and queue.startswith(_SYSTEM_MARK):
                    continue
                name = queue.removeprefix(_SYSTEM_MARK)
                sizes[name] = sizes.get(name, 0) + 1
            cursor = page.cursor
            if cursor is None:
                return sizes


def _queue_of(effect: EnqueueTask) -> str:
    return system_queue(effect.task_type) if effect.kind == "system" else effect.queue


def _document(effect: EnqueueTask) -> Document:
    entry = Entry(effect.task_id, effect.hand_off, effect.def_name)
    fields = {
        "queue": _queue_of(effect),
        "rank": effect.rank,
        "visible_at": effect.visible_at,
        "task_type": effect.task_type,
    }
    return Document(entry_id(effect.task_id, effect.hand_off), _encoder.encode(entry), fields)
