"""Outcomes: what became of the effects of events, from whoever acted on them (protocols.md F5)."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from hookline_common.eventlog import Record
from hookline_common.eventrecords import Effect, EventRecord, Step
from hookline_common.meetings import take_id
from hookline_common.messages import (
    EffectApplied,
    EffectRefused,
    EventDeadLettered,
    Outcome,
    WaitClosed,
)
from hookline_common.topics import DAY_MS
from hookline_common.webhooks import WebhookConfig
from hookline_matcher.batch import Batch
from hookline_matcher.events import Change, EventInHand
from hookline_matcher.offers import Offers
from hookline_matcher.records import EventRecords
from hookline_matcher.resumes import pending_resumes, resume_effect
from hookline_matcher.takes import Takes
from hookline_matcher.verdicts import (
    DEAD_LETTERED,
    dead_lettered,
    is_matchable,
    settled,
    with_effects,
    with_outcome,
    with_step,
)
from hookline_matcher.waiters import Waiters, WaitInHand

Commands = Callable[[], Sequence[Record]]

_DEAD_KEPT_MS = 31 * DAY_MS


class Outcomes:
    """Handles the messages of `webhooks.outcomes`."""

    def __init__(
        self, records: EventRecords, waiters: Waiters, takes: Takes, offers: Offers
    ) -> None:
        self._records = records
        self._waiters = waiters
        self._takes = takes
        self._offers = offers

    async def handle(self, batch: Batch, outcomes: Sequence[Outcome]) -> list[Record]:
        """Commands for the waits that get an event which another wait could not take."""
        await self._record_dead(batch, outcomes)
        events = await self._records.load(outcome.event_id for outcome in outcomes)
        for outcome in outcomes:
            event = events.get(outcome.event_id)
            if event is not None:  # else its retention has ended
                event.changes.append(_change(outcome))
        refused = [
            outcome
            for outcome in outcomes
            if isinstance(outcome, EffectRefused) and outcome.kind == "resume"
        ]
        released = await self._release(batch, refused, events) if refused else []
        commands = await self._offer_again(batch, released) if released else []
        for event in events.values():  # only now: what was offered again is pending, not failed
            event.changes.append(partial(settled, now_ms=batch.now_ms))
        await self._records.save(events.values(), batch.tally)
        return [command for make in commands for command in make()]

    async def _record_dead(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        """An event that was put aside before it had a record gets one: it has a verdict too."""
        dead = {each.event_id: each for each in outcomes if isinstance(each, EventDeadLettered)}
        await self._records.insert(
            [_dead_event(batch, each) for each in dead.values()], batch.tally
        )

    async def _release(
        self, batch: Batch, refused: Sequence[EffectRefused], events: Mapping[str, EventInHand]
    ) -> list[EventInHand]:
        """Close the waits that could not take their event, and let go of the takes."""
        waits = await self._waiters.load(each.task_id for each in refused if each.task_id)
        closings: dict[str, WaitClosed] = {}
        holders: dict[str, str] = {}
        released: dict[str, EventInHand] = {}
        for each in refused:
            wait, event = waits.get(each.task_id or ""), events.get(each.event_id)
            if wait is None or event is None or wait.waiter.taken_by != each.event_id:
                continue
            closings[wait.id] = _closing(wait, each)
            waiter = wait.waiter
            holders[take_id(waiter.workflow_id, waiter.task_ref, event.identity)] = wait.id
            released[event.id] = event
        await self._waiters.close_refused(closings, batch.now_ms)
        await self._takes.release(holders)
        return [event for event in released.values() if is_matchable(event.record)]

    async def _offer_again(self, batch: Batch, released: Sequence[EventInHand]) -> list[Commands]:
        """Offer released events to the open waits of their keys.

        The commands are made after the save, when it is known which effects have no outcome.
        """
        offer = await self._offers.offer_again(released, batch.now_ms)
        found: list[Commands] = []
        for meetings in offer.by_event().values():
            event = meetings[0].event
            effects = tuple(resume_effect(meeting) for meeting in meetings)
            event.changes.append(partial(with_effects, effects=effects))
            waits = {meeting.wait.id: meeting.wait for meeting in meetings}
            found.append(partial(pending_resumes, event, waits))
        return found


def _change(outcome: Outcome) -> Change:
    step = _step(outcome)

    def change(record: EventRecord) -> EventRecord:
        if isinstance(outcome, EventDeadLettered):
            if step in record.steps:  # heard before: the event may have been taken back since
                return record
            return dead_lettered(with_step(record, step), f"{outcome.error}: {outcome.reason}")
        found = with_outcome(record, _effect(outcome))
        return record if found is record else with_step(found, step)

    return change


def _effect(outcome: EffectApplied | EffectRefused) -> Effect:
    applied = isinstance(outcome, EffectApplied)
    return Effect(
        id=outcome.effect_id,
        kind=outcome.kind,
        status="applied" if applied else "refused",
        workflow_id=outcome.workflow_id,
        workflow_name=outcome.workflow_name,
        version=outcome.workflow_version,
        task_id=outcome.task_id,
        task_ref=outcome.task_ref if applied else None,
        code=None if applied else outcome.code,
        error=None if applied else outcome.reason,
        at=outcome.at,
    )


def _step(outcome: Outcome) -> Step:
    match outcome:
        case EffectApplied():
            did, error, position = f"{outcome.kind} applied", None, outcome.effect_id
        case EffectRefused():
            did, error, position = f"{outcome.kind} refused", outcome.reason, outcome.effect_id
        case EventDeadLettered():
            did, error, position = DEAD_LETTERED, outcome.reason, outcome.topic
    return Step(
        service=outcome.service,
        did=did,
        at=outcome.at,
        position=position,
        attempt=outcome.attempt,
        error=error,
    )


def _closing(wait: WaitInHand, refused: EffectRefused) -> WaitClosed:
    return WaitClosed(
        task_id=wait.id,
        workflow_id=wait.waiter.workflow_id,
        closed_at=refused.at,
        reason=refused.code,
    )


def _dead_event(batch: Batch, dead: EventDeadLettered) -> EventInHand:
    config = batch.config.webhook(dead.webhook_id)
    record = EventRecord(
        id=dead.event_id,
        webhook_id=dead.webhook_id,
        webhook_name=config.name if isinstance(config, WebhookConfig) else "",
        incarnation=0 if config is None else config.incarnation,
        received_at=dead.at,
        verdict="pending",
        counts_from=dead.at,
        position=dead.position,
    )
    return EventInHand(record, expires_at_ms=dead.at + _DEAD_KEPT_MS)
