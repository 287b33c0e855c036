"""The records of events in the store: insert, load, and save by compare-and-set."""

from collections.abc import Iterable, Sequence

from hookline_common.collections import WEBHOOK_EVENTS
from hookline_common.crash_points import CrashPoint, reached
from hookline_common.documents import Documents, Page, Query
from hookline_common.errors import StoreUnavailable
from hookline_common.eventrecords import EventRecord
from hookline_matcher.counts import Tally
from hookline_matcher.events import EventInHand, document_of, event_of

# Each lost round means that another writer got on, so that many in a row mean a store that lies.
MAX_ROUNDS = 30


class EventRecords:
    """The collection of events."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def insert(self, events: Sequence[EventInHand], tally: Tally) -> frozenset[str]:
        """Insert new records; return the ids that were there before and were left alone."""
        if not events:
            return frozenset()
        documents = [document_of(event, event.record) for event in events]
        reached(CrashPoint.MATCHER_RECORDING)
        known = await self._documents.insert(WEBHOOK_EVENTS, documents)
        reached(CrashPoint.MATCHER_RECORDED)
        for event in events:
            if event.id not in known:
                event.rev = 1
                tally.moved(None, event.record)
        return known

    async def load(self, ids: Iterable[str]) -> dict[str, EventInHand]:
        """Those of the events that have a record."""
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return {}
        found = await self._documents.get(WEBHOOK_EVENTS, wanted)
        return {event_id: event_of(document) for event_id, document in found.items()}

    async def find(self, query: Query) -> tuple[list[EventInHand], str | None]:
        """A page of events and the cursor of the next one."""
        page: Page = await self._documents.find(WEBHOOK_EVENTS, query)
        return [event_of(document) for document in page.documents], page.cursor

    async def save(self, events: Iterable[EventInHand], tally: Tally) -> None:
        """Apply each event's changes to its newest stored record.

        A record that is gone by now (its retention ended) stays gone.
        """
        waiting = [event for event in events if event.changes]
        for _ in range(MAX_ROUNDS):
            waiting = await self._save_once(waiting, tally)
            if not waiting:
                return
            await self._reload(waiting)
            waiting = [event for event in waiting if event.rev]
        raise StoreUnavailable("an event's record was changed by others again and again")

    async def _save_once(self, events: list[EventInHand], tally: Tally) -> list[EventInHand]:
        changed = [(event, record) for event in events if (record := _changed(event)) is not None]
        if not changed:
            return []
        documents = [document_of(event, record) for event, record in changed]
        reached(CrashPoint.MATCHER_SAVING_EVENTS)
        conflicts = await self._documents.replace(WEBHOOK_EVENTS, documents)
        reached(CrashPoint.MATCHER_SAVED_EVENTS)
        for event, record in changed:
            if event.id not in conflicts:
                tally.moved(event.record, record)
                event.record, event.rev = record, event.rev + 1
                event.changes.clear()
        return [event for event, _ in changed if event.id in conflicts]

    async def _reload(self, events: list[EventInHand]) -> None:
        stored = await self.load([event.id for event in events])
        for event in events:
            newest = stored.get(event.id)
            if newest is None:
                event.rev = 0
            else:
                event.record, event.rev = newest.record, newest.rev
                event.keys = tuple(dict.fromkeys(newest.keys + event.keys))


def _changed(event: EventInHand) -> EventRecord | None:
    """What the event's record becomes; None, and the changes are done, if it is that already."""
    record = event.record
    for change in event.changes:
        record = change(record)
    if record is event.record:
        event.changes.clear()
        return None
    return record
