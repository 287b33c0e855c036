"""Takes: an event is taken at most once per execution and task reference (protocols.md F3).

A take is inserted before its wait is moved to taken, and let go if that fails. It is let go by a
compare-and-set to "free", not deleted: a delete could hit the take of whoever came next.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hookline_common.collections import TAKES
from hookline_common.crash_points import CrashPoint, reached
from hookline_common.documents import Document, Documents
from hookline_common.meetings import Take, is_spent, take_id
from hookline_common.topics import DAY_MS
from hookline_matcher.events import EventInHand
from hookline_matcher.waiters import OPEN, Waiters, WaitInHand

_LEAST_KEPT_MS = 30 * DAY_MS


class StoredTake(msgspec.Struct, frozen=True):
    """A take and the revision of its document."""

    take: Take
    rev: int


class Meeting(msgspec.Struct, frozen=True):
    """An event and the wait that takes it."""

    event: EventInHand
    wait: WaitInHand


_encode = msgspec.json.Encoder().encode
_take_of = msgspec.json.Decoder(Take).decode
_FREE = Take()
_FREE_TAKE = StoredTake(_FREE, 0)


def take_id_of(meeting: Meeting) -> str:
    """The id of the take that a meeting needs."""
    waiter = meeting.wait.waiter
    return take_id(waiter.workflow_id, waiter.task_ref, meeting.event.identity)


class Takes:
    """The collection of takes."""

    def __init__(self, documents: Documents, waiters: Waiters) -> None:
        self._documents = documents
        self._waiters = waiters

    async def unspent(self, meetings: Sequence[Meeting]) -> list[Meeting]:
        """The meetings whose event the execution has not taken by another task of the reference."""
        takes, holders = await self._standing(dict.fromkeys(take_id_of(each) for each in meetings))
        return [
            each
            for each in meetings
            if not _is_spent(takes.get(take_id_of(each), _FREE_TAKE), each, holders)
        ]

    async def claim(self, wanted: dict[str, Meeting], now_ms: int) -> dict[str, Document]:
        """Take by id; return the takes that are now held for the meetings."""
        documents = {key: _document(key, meeting, now_ms) for key, meeting in wanted.items()}
        reached(CrashPoint.MATCHER_TAKING)
        known = await self._documents.insert(TAKES, list(documents.values()))
        reached(CrashPoint.MATCHER_TAKEN)
        held = {
            key: msgspec.structs.replace(document, rev=1)
            for key, document in documents.items()
            if key not in known
        }
        if known:
            contested = {key: (wanted[key], documents[key]) for key in known}
            held |= await self._contest(contested)
        return held

    async def let_go(self, held: Sequence[Document]) -> None:
        """Free takes whose wait was lost; what changed hands in the meantime is left alone."""
        free = [msgspec.structs.replace(document, body=_encode(_FREE)) for document in held]
        if free:
            await self._documents.replace(TAKES, free)

    async def release(self, holders: dict[str, str]) -> None:
        """Free the takes (by id) that are still held by these tasks (F5)."""
        if not holders:
            return
        found = await self._documents.get(TAKES, list(holders))
        await self.let_go(
            [
                document
                for key, document in found.items()
                if _take_of(document.body).task_id == holders[key]
            ]
        )

    async def _standing(
        self, ids: Iterable[str]
    ) -> tuple[dict[str, StoredTake], Mapping[str, WaitInHand]]:
        """The takes among `ids` that exist, and the tasks that hold them."""
        found = await self._documents.get(TAKES, list(ids))
        takes = {
            key: StoredTake(_take_of(document.body), document.rev)
            for key, document in found.items()
        }
        task_ids = [stored.take.task_id for stored in takes.values() if stored.take.task_id]
        return takes, await self._waiters.load(task_ids)

    async def _contest(self, contested: dict[str, tuple[Meeting, Document]]) -> dict[str, Document]:
        """Go on with one's own (F4), take free ones, and those whose task never got the event."""
        takes, holders = await self._standing(contested)
        held: dict[str, Document] = {}
        taking: dict[str, Document] = {}
        for key, stored in takes.items():
            meeting, wanted = contested[key]
            if stored.take == _own(meeting):
                held[key] = msgspec.structs.replace(wanted, rev=stored.rev)
            elif not _is_spent(stored, meeting, holders):
                taking[key] = msgspec.structs.replace(wanted, rev=stored.rev)
        if taking:
            lost = await self._documents.replace(TAKES, list(taking.values()))
            held |= {
                key: msgspec.structs.replace(document, rev=document.rev + 1)
                for key, document in taking.items()
                if key not in lost
            }
        return held


def _own(meeting: Meeting) -> Take:
    return Take(meeting.event.id, meeting.wait.id)


def _is_spent(stored: StoredTake, meeting: Meeting, holders: Mapping[str, WaitInHand]) -> bool:
    holder = holders.get(stored.take.task_id)
    known = None if holder is None else holder.waiter
    return is_spent(
        stored.take, _own(meeting), known, holder_open=holder is not None and holder.state == OPEN
    )


def _document(key: str, meeting: Meeting, now_ms: int) -> Document:
    until = max(meeting.event.expires_at_ms or 0, now_ms + _LEAST_KEPT_MS)
    body = _encode(Take(meeting.event.id, meeting.wait.id))
    return Document(id=key, body=body, expires_at_ms=until)
