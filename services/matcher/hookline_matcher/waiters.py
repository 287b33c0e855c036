"""Waiting tasks in the store: open -> taken(event) -> closed, never back (protocols.md F1)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from hookline_common.collections import WAITERS
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
        known = await self._documents.insert(WAITERS, [_document(wait) for wait in waits])
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

    async def find(
        self, keys: Sequence[str], states: Sequence[str], after: str | None
    ) -> tuple[list[WaitInHand], str | None]:
        """A page of the waits on any of the keys, and the cursor of the next page."""
        where = All((Condition("keys", Op.IN, keys), Condition("state", Op.IN, states)))
        page = await self._documents.find(WAITERS, Query(where, limit=PAGE, after=after))
        return [_wait_of(document) for document in page.documents], page.cursor

    async def take(self, taken: Mapping[str, tuple[WaitInHand, str]]) -> frozenset[str]:
        """Move waits (by task id) open -> taken by an event; return those that were not open."""
        if not taken:
            return frozenset()
        documents = [_document(wait, event_id) for wait, event_id in taken.values()]
        lost = await self._documents.replace(WAITERS, documents)
        for task_id, (wait, event_id) in taken.items():
            if task_id not in lost:
                wait.waiter = msgspec.structs.replace(wait.waiter, taken_by=event_id)
                wait.state, wait.rev = TAKEN, wait.rev + 1
        return lost

    async def close(self, closings: Mapping[str, WaitClosed], now_ms: int) -> None:
        """Leave a tombstone for each task, so that a late WaitOpened opens nothing."""
        waiting = dict(closings)
        for _ in range(MAX_ROUNDS):
            waiting = await self._close_once(waiting, now_ms)
            if not waiting:
                return
        raise StoreUnavailable("a wait was changed by others again and again")

    async def _close_once(
        self, closings: Mapping[str, WaitClosed], now_ms: int
    ) -> dict[str, WaitClosed]:
        stored = await self.load(closings)
        missing = [_never_opened(closings[key]) for key in closings if key not in stored]
        still = [wait for wait in stored.values() if wait.state != CLOSED]
        lost: frozenset[str] = frozenset()
        if still:
            tombstones = [_tombstone(wait, closings[wait.id], now_ms) for wait in still]
            lost |= await self._documents.replace(WAITERS, tombstones)
        if missing:
            tombstones = [_tombstone(wait, closings[wait.id], now_ms) for wait in missing]
            lost |= await self._documents.insert(WAITERS, tombstones)
        return {key: closings[key] for key in lost}


def _document(wait: WaitInHand, taken_by: str | None = None) -> Document:
    waiter, state = wait.waiter, wait.state
    if taken_by is not None:
        waiter, state = msgspec.structs.replace(waiter, taken_by=taken_by), TAKEN
    return Document(
        id=waiter.task_id,
        body=_encode(waiter),
        fields={
            "keys": wait.keys,
            "workflow": waiter.wait.workflow,
            "state": state,
            "workflow_id": waiter.workflow_id,
            "opened_at": waiter.opened_at,
        },
        rev=wait.rev,
    )


def _tombstone(wait: WaitInHand, closing: WaitClosed, now_ms: int) -> Document:
    waiter = msgspec.structs.replace(
        wait.waiter, closed_at=closing.closed_at, close_reason=closing.reason or None
    )
    closed = WaitInHand(waiter, (), CLOSED, wait.rev)
    return msgspec.structs.replace(_document(closed), expires_at_ms=now_ms + TOMBSTONE_MS)


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
