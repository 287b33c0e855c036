"""Which events a replay is about: as they were when it was made, the oldest first, in pages."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hookline_common.collections import WEBHOOK_EVENTS
from hookline_common.documents import All, Condition, Documents, Op, Order, Query, Where
from hookline_common.eventrecords import EventRecord
from hookline_common.ids import digest
from hookline_engine.event_history import event_in, events_in
from hookline_engine.replay_jobs import ReplayFilter, ReplayJob

NOTHING_TO_REPLAY: Mapping[str, str] = {
    "duplicate": "a duplicate had its effects under the event that came first; replay that one",
    "handshake": "a handshake was answered when it came; it has no effect that could be had again",
    "pending": "a pending event is still on its way",
}
"""Verdicts of events that are never replayed, and why."""


class SelectedPage(msgspec.Struct, frozen=True):
    """Events to replay, how many others were looked at, and where the next page begins."""

    events: Sequence[EventRecord]
    passed_over: int
    cursor: str | None


class Selection:
    """The events of a replay job, read from the history."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def count(self, wanted: ReplayFilter, at: int) -> int:
        """How many events the filter selects of those that had come by `at`."""
        if wanted.ids:
            named = await self.named(wanted.ids)
            return sum(selects(wanted, at, event) for event in named.values())
        return await self._documents.count(WEBHOOK_EVENTS, _where(wanted, at))

    async def page(self, job: ReplayJob, limit: int) -> SelectedPage:
        """The page that begins at the job's cursor."""
        found, cursor = await self._found(job, limit)
        firsts = await self._firsts(found)
        chosen: dict[str, EventRecord] = {}
        for event in found:
            if _is_for(job, event, firsts):
                chosen.setdefault(first_id(event), event)
        return SelectedPage(list(chosen.values()), len(found) - len(chosen), cursor)

    async def named(self, ids: Sequence[str]) -> dict[str, EventRecord]:
        """Those of the events that there are."""
        if not ids:
            return {}
        found = await self._documents.get(WEBHOOK_EVENTS, ids)
        return {event_id: event_in(document.body) for event_id, document in found.items()}

    async def _found(self, job: ReplayJob, limit: int) -> tuple[list[EventRecord], str | None]:
        wanted = job.filter
        if wanted.ids:
            done = int(job.cursor or 0)
            ids = wanted.ids[done : done + limit]
            named = await self.named(ids)
            rest = str(done + limit) if done + limit < len(wanted.ids) else None
            return [named[one] for one in ids if one in named], rest
        query = Query(
            _where(wanted, job.created_at), (Order("received_at"),), limit, after=job.cursor
        )
        page = await self._documents.find(WEBHOOK_EVENTS, query)
        return events_in(page.documents), page.cursor

    async def _firsts(self, found: Iterable[EventRecord]) -> Mapping[str, EventRecord]:
        """The first events of replays, which may be selected themselves."""
        ids = sorted({event.replay_of for event in found if event.replay_of})
        return await self.named(ids)


def selects(wanted: ReplayFilter, at: int, event: EventRecord) -> bool:
    """Whether the filter selected the event at that time (but for `text`, which the store knows).

    What came, or changed its verdict, afterwards was not selected: the job does not chase it.
    """
    came = event.counts_from or event.received_at
    return (
        came <= at
        and event.done_at <= at
        and event.verdict not in NOTHING_TO_REPLAY
        and wanted.webhook_id in (None, event.webhook_id)
        and (not wanted.verdicts or event.verdict in wanted.verdicts)
        and (not wanted.types or event.type in wanted.types)
        and (wanted.begin is None or came >= wanted.begin)
        and (wanted.end is None or came < wanted.end)
        and (not wanted.ids or event.id in wanted.ids)
    )


def first_id(event: EventRecord) -> str:
    """The event that a replay of this one stands for: of a replay, the one that it replayed."""
    return event.replay_of or event.id


def replay_event_id(job_id: str, event: EventRecord) -> str:
    """The id of the replayed event: the same whenever its page is done again (E4)."""
    return digest(job_id, first_id(event))


def _is_for(job: ReplayJob, event: EventRecord, firsts: Mapping[str, EventRecord]) -> bool:
    """Whether the job is to replay it: not what it has replayed itself, however the clocks stand,
    and not the replay of an event that it replays as well.
    """
    if not selects(job.filter, job.created_at, event) or event.id == replay_event_id(job.id, event):
        return False
    first = firsts.get(event.replay_of or "")
    return first is None or not selects(job.filter, job.created_at, first)


def _where(wanted: ReplayFilter, at: int) -> Where:
    parts: list[Where] = [Condition("received_at", Op.LE, at)]
    if wanted.webhook_id is not None:
        parts.append(Condition("webhook_id", Op.EQ, wanted.webhook_id))
    if wanted.verdicts:
        parts.append(Condition("verdict", Op.IN, wanted.verdicts))
    else:
        parts += [Condition("verdict", Op.NE, verdict) for verdict in NOTHING_TO_REPLAY]
    if wanted.types:
        parts.append(Condition("type", Op.IN, wanted.types))
    if wanted.begin is not None:
        parts.append(Condition("received_at", Op.GE, wanted.begin))
    if wanted.end is not None:
        parts.append(Condition("received_at", Op.LT, wanted.end))
    if wanted.text is not None:
        parts.append(Condition("search", Op.CONTAINS, wanted.text))
    return All(tuple(parts))
