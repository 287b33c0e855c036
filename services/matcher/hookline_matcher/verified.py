"""Verified events: claim the delivery, record the event, resume waits, start workflows.

The order is the protocol: claim (E1), record with its keys (F2), plans once more, search of waits,
takes (F3), effects into the record, and only then commands. Each step may be done again after a
crash: whatever is found done already is gone on with (F4).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from hookline_common import reasons
from hookline_common.eventlog import Delivered, Record
from hookline_common.eventrecords import Effect, EventRecord, Step
from hookline_common.matching import Plan, TooManyValues, event_keys
from hookline_common.payloads import Payload, PayloadUnreadable, read_payload
from hookline_common.platforms.catalogue import declaration_for
from hookline_common.rawevents import JudgedEvent
from hookline_common.webhooks import DEFAULT_DEDUPE_SECONDS, Options, WebhookConfig
from hookline_matcher.batch import SERVICE, Batch
from hookline_matcher.deliveries import (
    Claimant,
    Deliveries,
    Ruling,
    bytes_claim_id,
    delivery_claim_id,
)
from hookline_matcher.events import Change, EventInHand, judged_in_hand
from hookline_matcher.offers import Offer, Offers
from hookline_matcher.plans import Plans, PlanSet
from hookline_matcher.records import EventRecords
from hookline_matcher.replays import Replays
from hookline_matcher.resumes import pending_resumes, resume_effect
from hookline_matcher.starts import Start, starts_of
from hookline_matcher.verdicts import is_matchable, settled, with_effects
from hookline_matcher.waiters import Waiters

_NO_OPTIONS = Options()


@dataclass(slots=True, eq=False)
class Arrival:
    """A verified event on its way; `config` None: its webhook is gone; `again`: it came before."""

    event: EventInHand
    judged: JudgedEvent
    position: str
    config: WebhookConfig | None
    unmatched: str = reasons.NO_WAIT
    duplicate: bool = False
    again: bool = False
    must_save: bool = False


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
        arrivals = _arrivals(batch, events)
        if not arrivals:
            return []
        await self._claim(arrivals)
        await self._replays.note([arrival.event for arrival in arrivals], batch.tally)
        _put_keys(arrivals, batch.plans)
        _put_step(arrivals, batch.now_ms)
        await self._record(batch, arrivals)
        live = [arrival for arrival in arrivals if arrival.config and not arrival.duplicate]
        await self._read_plans_again(batch, live)
        offer = await self._offer(batch, live)
        starts = _starts(live)
        _put_effects(batch, live, offer, starts)
        await self._records.save([arrival.event for arrival in live], batch.tally)
        return await self._commands(live, offer, starts)

    async def _claim(self, arrivals: Iterable[Arrival]) -> None:
        claimants = [claimant for arrival in arrivals for claimant in _claimants(arrival)]
        rulings = await self._deliveries.claim(claimants)
        for arrival in arrivals:
            ruling = rulings.get(arrival.event.id)
            if ruling is not None:
                _apply_ruling(arrival, ruling)

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
            _put_keys(live, plans)
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


def _arrivals(batch: Batch, events: Sequence[tuple[Delivered, JudgedEvent]]) -> list[Arrival]:
    found: dict[str, Arrival] = {}
    for delivered, judged in events:
        if judged.raw.id not in found:
            found[judged.raw.id] = _arrival(batch, delivered, judged)
    return list(found.values())


def _arrival(batch: Batch, delivered: Delivered, judged: JudgedEvent) -> Arrival:
    config = batch.webhook(judged.raw.webhook_id, judged.incarnation)
    options = _NO_OPTIONS if config is None else config.options
    unmatched, detail, payload = reasons.NO_WAIT, None, None
    try:
        payload = payload_of(judged, options)
    except PayloadUnreadable as error:
        unmatched, detail = reasons.PAYLOAD_UNREADABLE, str(error)
    if config is None:
        judged = replace(
            judged,
            verdict="rejected",
            reason=reasons.WEBHOOK_DELETED,
            detail=reasons.sentence(reasons.WEBHOOK_DELETED),
        )
    event = judged_in_hand(judged, delivered, options, payload)
    if detail is not None:
        event.record = replace(event.record, detail=detail)
    position = delivered.position
    where = f"{position.topic}:{position.partition}:{position.offset}"
    return Arrival(event, judged, where, config, unmatched)


def payload_of(judged: JudgedEvent, options: Options) -> Payload:
    """The payload of a judged event; raises PayloadUnreadable."""
    raw = judged.raw
    kind = next((value for name, value in raw.headers if name == "content-type"), "")
    return read_payload(kind, raw.body, raw.query, merge_query=options.merge_query)


def _claimants(arrival: Arrival) -> list[Claimant]:
    """What the event claims: nothing if it is a replay (E4) or its webhook is gone."""
    record, config = arrival.event.record, arrival.config
    if config is None or arrival.judged.raw.replay is not None:
        return []
    seconds = config.options.dedupe_seconds
    window_ms = (DEFAULT_DEDUPE_SECONDS if seconds is None else seconds) * 1000
    found: list[Claimant] = []
    if record.delivery_id is not None:
        key = delivery_claim_id(record.webhook_id, record.incarnation, record.delivery_id)
        found.append(Claimant(key, record.id, record.received_at, window_ms))
    if config.options.same_bytes == "reject" and _bytes_can_come_again(config):
        key = bytes_claim_id(record.webhook_id, record.incarnation, arrival.judged.raw.body)
        claimant = Claimant(key, record.id, record.received_at, window_ms, reasons.SAME_BYTES)
        found.append(claimant)
    return found


def _bytes_can_come_again(config: WebhookConfig) -> bool:
    """Whether a forger can make an old event new: neither its id nor a time is signed (E2)."""
    declaration = declaration_for(config)
    return not declaration.event.id_signed and all(
        scheme.ts is None for scheme in declaration.schemes
    )


def _apply_ruling(arrival: Arrival, ruling: Ruling) -> None:
    record = arrival.event.record
    if ruling.duplicate_of is not None:
        arrival.duplicate = True
        arrival.event.record = replace(
            record,
            verdict="duplicate",
            duplicate_of=ruling.duplicate_of,
            reason=ruling.reason,
            kept_until=0,
            done_at=record.verified_at,
        )
    elif ruling.origin is not None and ruling.origin != record.id:
        arrival.event.record = replace(record, stands_for=ruling.origin)


def _put_keys(arrivals: Iterable[Arrival], plans: PlanSet) -> None:
    """Give each event its keys and the revision of the plans that they were made with."""
    of_webhook: dict[str, list[Plan]] = {}
    for arrival in arrivals:
        config, event = arrival.config, arrival.event
        if config is None or arrival.duplicate:
            continue
        if config.id not in of_webhook:
            of_webhook[config.id] = list(plans.of_receivers(config))
        event.record = replace(event.record, plan_revision=plans.revision)
        if arrival.unmatched != reasons.PAYLOAD_UNREADABLE:
            event.keys = _keys(arrival, of_webhook[config.id])


def _put_step(arrivals: Iterable[Arrival], now_ms: int) -> None:
    """The record tells from the start that it was matched: this spares most events a write."""
    for arrival in arrivals:
        record = arrival.event.record
        did = "matched" if record.verdict == "pending" else record.verdict
        step = Step(service=SERVICE, did=did, at=now_ms, position=arrival.position)
        arrival.event.record = replace(record, steps=(*record.steps, step), matched_at=now_ms)


def _keys(arrival: Arrival, plans: Iterable[Plan]) -> tuple[str, ...]:
    """The keys of the event under each plan, beside those it has."""
    keys = dict.fromkeys(arrival.event.keys)
    view = arrival.event.view()
    for plan in plans:
        try:
            keys.update(dict.fromkeys(event_keys(plan, view)))
        except TooManyValues:
            arrival.unmatched = reasons.TOO_MANY_VALUES
    return tuple(keys)


def _go_on_with(arrival: Arrival, stored: EventInHand) -> None:
    """Put the record that is there in the place of the fresh one."""
    fresh = arrival.event
    stored.payload, stored.seen = fresh.payload, fresh.view()
    arrival.event, arrival.again = stored, True
    if arrival.config is None or arrival.duplicate:
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
