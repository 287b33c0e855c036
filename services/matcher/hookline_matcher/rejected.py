"""Rejected events, handshakes and events of paused webhooks: recorded, and nothing else happens."""

from collections.abc import Sequence

from hookline_common.eventlog import Delivered
from hookline_common.eventrecords import EventRecord, Step
from hookline_common.payloads import Payload, PayloadUnreadable
from hookline_common.rawevents import JudgedEvent
from hookline_common.webhooks import Options
from hookline_matcher.arrivals import payload_of
from hookline_matcher.batch import Batch
from hookline_matcher.events import Change, EventInHand, judged_in_hand
from hookline_matcher.records import EventRecords
from hookline_matcher.replays import Replays
from hookline_matcher.verdicts import out_of_death, with_step

_NO_OPTIONS = Options()


class RejectedEvents:
    """Handles the messages of `webhooks.rejected`."""

    def __init__(self, records: EventRecords, replays: Replays) -> None:
        self._records = records
        self._replays = replays

    async def handle(self, batch: Batch, events: Sequence[tuple[Delivered, JudgedEvent]]) -> None:
        """Record the events. What was verified before is not undone (E3), and shows both."""
        found: dict[str, EventInHand] = {}
        for delivered, judged in events:
            if judged.raw.id not in found:
                found[judged.raw.id] = _in_hand(batch, delivered, judged)
        if not found:
            return
        await self._replays.note(list(found.values()), batch.tally)
        known = await self._records.insert(list(found.values()), batch.tally)
        if not known:
            return
        stored = await self._records.load(known)
        for event_id, event in stored.items():
            event.changes.append(_rejected_after(found[event_id].record))
        await self._records.save(stored.values(), batch.tally)


def _in_hand(batch: Batch, delivered: Delivered, judged: JudgedEvent) -> EventInHand:
    config = batch.webhook(judged.raw.webhook_id, judged.incarnation)
    options = _NO_OPTIONS if config is None else config.options
    return judged_in_hand(judged, delivered, options, _payload(judged, options))


def _payload(judged: JudgedEvent, options: Options) -> Payload | None:
    try:
        return payload_of(judged, options)
    except PayloadUnreadable:
        return None


def _rejected_after(fresh: EventRecord) -> Change:
    """A dead event becomes rejected; of any other the record only tells that it was judged so."""
    step = Step(service="verifier", did=fresh.verdict, at=fresh.verified_at, error=fresh.reason)

    def change(record: EventRecord) -> EventRecord:
        revived = out_of_death(record, fresh)
        return with_step(record, step) if revived is record else revived

    return change
