"""Waiting tasks in the store: open -> taken(event) -> closed, never back (protocols.md F1)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from hookline_common.collections import WAITERS
from hookline_common.crash_points import CrashPoint, reached
from hookline_common.documents import All, Condition, Document, Documents, Op, Query
from hookline_common.errors import StoreUnavailable
from hookline_common.eventrecords import Waiter
from hookline_common.matching import wait_key
from hookline_common.messages import Wait, WaitClosed, WaitOpened
from hookline_common.topics import WAITS
from hookline_matcher.records import MAX_ROUNDS

OPEN = "open"
TAKEN = "taken"
CLOSED = "closed"
PAGE = 500
TOMBSTONE_MS = 2 * WAITS.retention_ms

_encode = msgspec.json.Encoder().encode
_waiter_of = msgspec.json.Decoder(Waiter).decode
_NO_WAIT = Wait(workflow="", version=0)


@dataclass(slots=True, eq=False)
class WaitInHand:
    """A waiter with its place in the store."""

    waiter: Waiter
    keys: tuple[str, ...]
    state: str = OPEN
    rev: int = 0

    @property
    def id(self) -> str:
        """The id of the waiting task."""
        return self.waiter.task_id


def wait_in_hand(opened: WaitOpened) -> WaitInHand:
    """The waiter of a wait that opened, as new."""
    waiter = Waiter(
        task_id=opened.task_id,
        workflow_id=opened.workflow_id,
        run=opened.run,
        task_ref=opened.task_ref,
        iteration=opened.iteration,
        opened_at=opened.opened_at,
        execution_started_at=opened.execution_started_at,
        wait=opened.wait,
    )
    return WaitInHand(waiter, (wait_key(opened.wait),))


class Waiters:
    """The collection of waiting tasks."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def insert(self, waits: Sequence[WaitInHand]) -> frozenset[str]:
        """Insert new ones; return the task ids that were there before, open or not."""
        reached(CrashPoint.MATCHER_OPENING_WAITS)
        known = await self._documents.insert(WAITERS, [_document(wait) for wait in waits])
        reached(CrashPoint.MATCHER_OPENED_WAITS)
        for wait in waits:
            wait.rev = 1
        return known

    async def load(self, task_ids: Iterable[str]) -> dict[str, WaitInHand]:
        """Those of the tasks that are or were waiting."""
        wanted = list(dict.fromkeys(task_ids))
        if not wanted:
            return {}
        found = await self._documents.get(WAITERS, wanted)
        return {task_id: _wait_of(document) for task_id, document in found.items()}

    async def taken_by(self, event_ids: Iterable[str]) -> list[WaitInHand]:
        """The waits that the events took and that are not closed."""
        keys = [_key_of_taker(event_id) for event_id in event_ids]
        found: list[WaitInHand] = []
        cursor: str | None = None
        while keys:
            waits, cursor = await self._find(keys, TAKEN, cursor)
            found += waits
            if cursor is None:
                break
        return found

    async def find_open(
        self, keys: Sequence[str], after: str | None
    ) -> tuple[list[WaitInHand], str | None]:
        """A page of the open waits on any of the keys, and the cursor of the next page."""
        return await self._find(keys, OPEN, after)

    async def _find(
        self, keys: Sequence[str], state: str, after: str | None
    ) -> tuple[list[WaitInHand], str | None]:
        where = All((Condition("keys", Op.IN, keys), Condition("state", Op.EQ, state)))
        page = await self._documents.find(WAITERS, Query(where, limit=PAGE, after=after))
        return [_wait_of(document) for document in page.documents], page.cursor

    async def take(
        self, taken: Mapping[str, tuple[WaitInHand, str]], now_ms: int
    ) -> frozenset[str]:
        """Move waits (by task id) open -> taken by an event; return those that another event has
        or that are closed. One that the other side has moved for the same event counts as taken:
        its take is shared and must stay, and a second command for it is harmless (F4).

        A taken wait is never found by its own keys again, so that what has been resumed costs the
        next event nothing, and is as good as a tombstone when its task closes it.
        """
        if not taken:
            return frozenset()
        moved = {
            task_id: (wait, _taken(wait, event_id)) for task_id, (wait, event_id) in taken.items()
        }
        until = now_ms + TOMBSTONE_MS
        documents = [_document(after, until) for _, after in moved.values()]
        reached(CrashPoint.MATCHER_MOVING_WAITS)
        lost = await self._documents.replace(WAITERS, documents)
        reached(CrashPoint.MATCHER_MOVED_WAITS)
        for task_id, (wait, after) in moved.items():
            if task_id not in lost:
                wait.waiter, wait.keys, wait.state = after.waiter, after.keys, TAKEN
                wait.rev += 1
        return lost - await self._taken_by_the_other_side(lost, taken)

    async def _taken_by_the_other_side(
        self, lost: frozenset[str], taken: Mapping[str, tuple[WaitInHand, str]]
    ) -> frozenset[str]:
        found = await self.load(lost)
        return frozenset(
            task_id
            for task_id, stored in found.items()
            if stored.state == TAKEN and stored.waiter.taken_by == taken[task_id][1]
        )

    async def close(self, closings: Mapping[str, WaitClosed], now_ms: int) -> None:
        """Leave a tombstone for each task, so that a late WaitOpened opens nothing.

        A wait that is taken is left as it is: it opens no more either, and what its event still
        has to do is found by it.
        """
        await self._close(closings, (TAKEN, CLOSED), now_ms)

    async def close_refused(self, closings: Mapping[str, WaitClosed], now_ms: int) -> None:
        """Leave a tombstone for tasks that could not be completed with the event they took."""
        await self._close(closings, (CLOSED,), now_ms)

    async def _close(
        self, closings: Mapping[str, WaitClosed], done: Sequence[str], now_ms: int
    ) -> None:
        waiting = dict(closings)
        for _ in range(MAX_ROUNDS):
            waiting = await self._close_once(waiting, done, now_ms)
            if not waiting:
                return
        raise StoreUnavailable("a wait was changed by others again and again")

    async def _close_once(
        self, closings: Mapping[str, WaitClosed], done: Sequence[str], now_ms: int
    ) -> dict[str, WaitClosed]:
        stored = await self._documents.get(WAITERS, list(closings))
        missing = [_never_opened(closings[key]) for key in closings if key not in stored]
        still = [
            _wait_of(document)
            for document in stored.values()
            if document.fields.get("state") not in done
        ]
        lost: frozenset[str] = frozenset()
        reached(CrashPoint.MATCHER_CLOSING_WAITS)
        if still:
            tombstones = [_tombstone(wait, closings[wait.id], now_ms) for wait in still]
            lost |= await self._documents.replace(WAITERS, tombstones)
        if missing:
            tombstones = [_tombstone(wait, closings[wait.id], now_ms) for wait in missing]
            lost |= await self._documents.insert(WAITERS, tombstones)
        reached(CrashPoint.MATCHER_CLOSED_WAITS)
        return {key: closings[key] for key in lost}


def _key_of_taker(event_id: str) -> str:
    """The key of a taken wait; match keys are digests, so that it is none of them."""
    return f"event:{event_id}"


def _taken(wait: WaitInHand, event_id: str) -> WaitInHand:
    waiter = msgspec.structs.replace(wait.waiter, taken_by=event_id)
    return WaitInHand(waiter, (_key_of_taker(event_id),), TAKEN, wait.rev)


def _document(wait: WaitInHand, expires_at_ms: int | None = None) -> Document:
    waiter = wait.waiter
    return Document(
        id=waiter.task_id,
        body=_encode(waiter),
        fields={
            "keys": wait.keys,
            "workflow": waiter.wait.workflow,
            "state": wait.state,
            "workflow_id": waiter.workflow_id,
            "opened_at": waiter.opened_at,
        },
        rev=wait.rev,
        expires_at_ms=expires_at_ms,
    )


def _tombstone(wait: WaitInHand, closing: WaitClosed, now_ms: int) -> Document:
    waiter = msgspec.structs.replace(
        wait.waiter, closed_at=closing.closed_at, close_reason=closing.reason or None
    )
    return _document(WaitInHand(waiter, (), CLOSED, wait.rev), now_ms + TOMBSTONE_MS)


def _never_opened(closing: WaitClosed) -> WaitInHand:
    waiter = Waiter(
        task_id=closing.task_id,
        workflow_id=closing.workflow_id,
        run=0,
        task_ref="",
        iteration=0,
        opened_at=0,
        execution_started_at=0,
        wait=_NO_WAIT,
    )
    return WaitInHand(waiter, ())


def _wait_of(document: Document) -> WaitInHand:
    waiter = _waiter_of(document.body)
    keys = document.fields.get("keys") or ()
    return WaitInHand(
        waiter,
        keys if isinstance(keys, tuple) else (),
        str(document.fields.get("state")),
        document.rev,
    )
