"""Verified events: claim the delivery, record the event, resume waits, start workflows.

The order is the protocol: claim (E1), record with its keys (F2), plans once more, search of waits,
takes (F3), effects into the record, and only then commands. Each step may be done again after a
crash: whatever is found done already is gone on with (F4).
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from hookline_common import reasons
from hookline_common.eventlog import Delivered, Record
from hookline_common.eventrecords import Effect, EventRecord
from hookline_common.rawevents import JudgedEvent
from hookline_matcher.arrivals import (
    Arrival,
    apply_ruling,
    arrivals_of,
    claimants,
    put_keys,
    put_step,
)
from hookline_matcher.batch import Batch
from hookline_matcher.deliveries import Deliveries
from hookline_matcher.events import Change, EventInHand
from hookline_matcher.offers import Offer, Offers
from hookline_matcher.plans import Plans
from hookline_matcher.records import EventRecords
from hookline_matcher.replays import Replays
from hookline_matcher.resumes import pending_resumes, resume_effect
from hookline_matcher.starts import Start, starts_of
from hookline_matcher.verdicts import is_matchable, out_of_death, settled, with_effects
from hookline_matcher.waiters import Waiters


class VerifiedEvents:
    """Handles the messages of `webhooks.verified`."""

    def __init__(
        self,
        records: EventRecords,
        deliveries: Deliveries,
        plans: Plans,
        offers: Offers,
        waiters: Waiters,
        replays: Replays,
    ) -> None:
        self._records = records
        self._deliveries = deliveries
        self._plans = plans
        self._offers = offers
        self._waiters = waiters
        self._replays = replays

    async def handle(
        self, batch: Batch, events: Sequence[tuple[Delivered, JudgedEvent]]
    ) -> list[Record]:
        """The commands that the events give rise to."""
        commands: list[Record] = []
        for arrivals in _in_turn(arrivals_of(batch, events)):
            commands += await self._handle(batch, arrivals)
        return commands

    async def _handle(self, batch: Batch, arrivals: Sequence[Arrival]) -> list[Record]:
        await self._claim(arrivals)
        await self._replays.note([arrival.event for arrival in arrivals], batch.tally)
        put_keys(arrivals, batch.plans)
        put_step(arrivals, batch.now_ms)
        await self._record(batch, arrivals)
        live = [arrival for arrival in arrivals if arrival.config and not arrival.duplicate]
        await self._read_plans_again(batch, live)
        offer = await self._offer(batch, live)
        starts = _starts(live)
        _put_effects(batch, live, offer, starts)
        await self._records.save([arrival.event for arrival in live], batch.tally)
        return await self._commands(live, offer, starts)

    async def _claim(self, arrivals: Iterable[Arrival]) -> None:
        wanted = [claimant for arrival in arrivals for claimant in claimants(arrival)]
        rulings = await self._deliveries.claim(wanted)
        for arrival in arrivals:
            ruling = rulings.get(arrival.event.id)
            if ruling is not None:
                apply_ruling(arrival, ruling)

    async def _record(self, batch: Batch, arrivals: Sequence[Arrival]) -> None:
        """Insert the records; what is there already is gone on with, or becomes verified (E3)."""
        known = await self._records.insert([arrival.event for arrival in arrivals], batch.tally)
        if not known:
            return
        stored = await self._records.load(known)
        for arrival in arrivals:
            if arrival.event.id in stored:
                _go_on_with(arrival, stored[arrival.event.id])
        again = [arrival.event for arrival in arrivals if arrival.again]
        await self._records.save(again, batch.tally)

    async def _read_plans_again(self, batch: Batch, live: Sequence[Arrival]) -> None:
        """A plan that came while the records were written: its waits may have looked for the
        events just before they were there, so the events must look for those waits.
        """
        plans = await self._plans.current()
        if plans.revision != batch.plans.revision:
            batch.plans = plans
            put_keys(live, plans)
            for arrival in live:
                arrival.must_save = True

    async def _offer(self, batch: Batch, live: Sequence[Arrival]) -> Offer:
        fresh = [arrival.event for arrival in live if not arrival.again]
        offer = await self._offers.offer(fresh, batch.now_ms)
        again = [arrival.event for arrival in live if arrival.again]
        if again:
            found = await self._offers.offer_again(again, batch.now_ms)
            offer.meetings += found.meetings
            offer.reasons |= found.reasons
        return offer

    async def _commands(
        self, live: Sequence[Arrival], offer: Offer, starts: Mapping[str, Sequence[Start]]
    ) -> list[Record]:
        """Resumes, then starts; of an event that was delivered before, what has no outcome."""
        waits = {meeting.wait.id: meeting.wait for meeting in offer.meetings}
        unseen = [
            effect.task_id
            for arrival in live
            if arrival.again
            for effect in arrival.event.record.effects
            if effect.status == "pending" and effect.task_id and effect.task_id not in waits
        ]
        waits |= await self._waiters.load(unseen)
        commands: list[Record] = []
        for arrival in live:
            commands += pending_resumes(arrival.event, waits)
        for arrival in live:
            commands += _pending_starts(arrival.event.record, starts.get(arrival.event.id, ()))
        return commands


def _in_turn(arrivals: Sequence[Arrival]) -> Iterable[Sequence[Arrival]]:
    """The events, those of a delivery that is there already only after it is known what came of
    the first one: without an effect, another takes its place (E1), and best the last, which more
    executions can take.
    """
    first: dict[tuple[str, str], Arrival] = {}
    others: list[Arrival] = []
    for arrival in arrivals:
        record = arrival.event.record
        delivery = record.delivery_id
        if delivery and first.setdefault((record.webhook_id, delivery), arrival) is not arrival:
            others.append(arrival)
    if not others:
        return [arrivals] if arrivals else []
    behind = set(map(id, others))
    return [[each for each in arrivals if id(each) not in behind], others[::-1]]


def _go_on_with(arrival: Arrival, stored: EventInHand) -> None:
    """Put the record that is there in the place of the fresh one."""
    fresh = arrival.event
    stored.payload, stored.seen = fresh.payload, fresh.view()
    arrival.event, arrival.again = stored, True
    if arrival.config is None or arrival.duplicate:
        stored.changes.append(lambda record: out_of_death(record, fresh.record))
        return
    stored.keys = tuple(dict.fromkeys(stored.keys + fresh.keys))
    stored.changes.append(lambda record: _verified_after(record, fresh.record))


def _verified_after(record: EventRecord, fresh: EventRecord) -> EventRecord:
    """A record of a rejected, paused or dead event, now that the event was verified after all."""
    if is_matchable(record):
        return record
    return replace(
        fresh,
        effects=record.effects,
        steps=(*record.steps, *fresh.steps[1:]),
        replays=record.replays,
    )


def _starts(live: Iterable[Arrival]) -> dict[str, list[Start]]:
    return {
        arrival.event.id: starts_of(arrival.event, arrival.config, arrival.judged.raw.replay)
        for arrival in live
        if arrival.config and arrival.unmatched != reasons.PAYLOAD_UNREADABLE
    }


def _put_effects(
    batch: Batch, live: Iterable[Arrival], offer: Offer, starts: Mapping[str, Sequence[Start]]
) -> None:
    meetings = offer.by_event()
    for arrival in live:
        event = arrival.event
        resumes = [resume_effect(meeting) for meeting in meetings.get(event.id, ())]
        effects = (*resumes, *(start.effect for start in starts.get(event.id, ())))
        reason = offer.reasons.get(event.id, arrival.unmatched)
        if _outcome_says_it(arrival, effects):
            event.record = with_effects(event.record, effects)
        else:
            event.changes.append(_matched(effects, reason, batch.now_ms))


def _outcome_says_it(arrival: Arrival, effects: tuple[Effect, ...]) -> bool:
    """Whether the record needs no save: it is pending as it stands in the store, and the outcome of
    its one effect will say all of it. This saves the usual event a third of its writes.
    """
    if arrival.again or arrival.must_save or len(effects) != 1:
        return False
    return effects[0].status == "pending"


def _matched(effects: tuple[Effect, ...], reason: str, now_ms: int) -> Change:
    def change(record: EventRecord) -> EventRecord:
        return settled(with_effects(record, effects), now_ms, reason)

    return change


def _pending_starts(record: EventRecord, starts: Iterable[Start]) -> list[Record]:
    pending = {effect.id for effect in record.effects if effect.status == "pending"}
    return [start.command for start in starts if start.command and start.effect.id in pending]
