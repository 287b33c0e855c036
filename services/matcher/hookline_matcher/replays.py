"""Replays: an event of its own that stands for the first one, whose record lists it (E4)."""

from collections.abc import Sequence

from msgspec.structs import replace

from hookline_common.eventrecords import EventRecord
from hookline_matcher.counts import Tally
from hookline_matcher.events import Change, EventInHand
from hookline_matcher.records import EventRecords


class Replays:
    """Keeps the records of replayed events and of their replays together."""

    def __init__(self, records: EventRecords) -> None:
        self._records = records

    async def note(self, events: Sequence[EventInHand], tally: Tally) -> None:
        """List each replay in the first event's record, and let it stand for that event."""
        replays = [event for event in events if event.record.replay_of]
        if not replays:
            return
        firsts = await self._records.load(event.record.replay_of or "" for event in replays)
        for event in replays:
            first = firsts.get(event.record.replay_of or "")
            if first is not None:
                first.changes.append(_with_replay(event.id))
                event.record = replace(event.record, stands_for=first.identity)
        await self._records.save(firsts.values(), tally)


def _with_replay(event_id: str) -> Change:
    def change(record: EventRecord) -> EventRecord:
        if event_id in record.replays:
            return record
        return replace(record, replays=(*record.replays, event_id))

    return change
