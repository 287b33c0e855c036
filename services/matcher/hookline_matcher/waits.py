"""The wait's side: record each wait, then search the kept events that it may take (F1 to F3)."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from hookline_common.documents import All, Condition, Op, Order, Query
from hookline_common.eventlog import Record
from hookline_common.eventrecords import EventRecord, Step
from hookline_common.matching import TooManyValues, event_keys, plan_id, plan_of
from hookline_common.meetings import earliest_of
from hookline_common.messages import WaitClosed, WaitOpened, WaitRecord
from hookline_common.webhooks import DEFAULT_EARLY_EVENT_SECONDS, WebhookConfig
from hookline_matcher.batch import SERVICE, Batch
from hookline_matcher.events import Change, EventInHand
from hookline_matcher.meeting import misfit
from hookline_matcher.plans import KnownPlan, Plans
from hookline_matcher.records import EventRecords
from hookline_matcher.resumes import Proposal, Resumes, pending_resumes, resume_effect
from hookline_matcher.takes import Meeting
from hookline_matcher.verdicts import is_matchable, settled, with_effects, with_step
from hookline_matcher.waiters import OPEN, TAKEN, Waiters, WaitInHand, wait_in_hand

Found = Mapping[str, Sequence[EventInHand]]
"""Events by key, the oldest first."""

PAGE = 500
# How far the clocks of ingest and matcher may be apart (C3 says 2 s), with room to spare: an event
# that arrived later than this after a plan was published was matched with the plan.
CLOCKS_APART_MS = 60_000


@dataclass(slots=True, eq=False)
class Search:
    """A wait that looks for an event; `earliest` is the time of arrival it looks back to."""

    wait: WaitInHand
    plan: KnownPlan
    earliest: int


class Waits:
    """Handles the messages of `workflow.waits`."""

    def __init__(
        self, plans: Plans, waiters: Waiters, records: EventRecords, resumes: Resumes
    ) -> None:
        self._plans = plans
        self._waiters = waiters
        self._records = records
        self._resumes = resumes

    async def handle(self, batch: Batch, messages: Sequence[WaitRecord]) -> list[Record]:
        """The commands for the waits that an earlier event meets."""
        opened = {each.task_id: each for each in messages if isinstance(each, WaitOpened)}
        closed = {each.task_id: each for each in messages if isinstance(each, WaitClosed)}
        commands = await self._open(batch, list(opened.values())) if opened else []
        if closed:
            await self._waiters.close(closed, batch.now_ms)
        return commands

    async def _open(self, batch: Batch, opened: Sequence[WaitOpened]) -> list[Record]:
        """Plan, then waiter, then search: each is in the store before the next begins (F2)."""
        plans = {each.task_id: plan_of(each.wait) for each in opened}
        batch.plans = await self._plans.published(batch.plans, plans.values())
        waits = await self._insert([wait_in_hand(each) for each in opened])
        met = await self._own(wait for wait in waits if wait.state == TAKEN)
        kept_ms = _longest_kept_ms(batch)
        searches = [
            Search(
                wait, batch.plans.by_id[plan_id(plans[wait.id])], earliest_of(wait.waiter, kept_ms)
            )
            for wait in waits
            if wait.state == OPEN
        ]
        met += await self._search(batch, searches)
        return await self._resume(batch, met)

    async def _insert(self, waits: list[WaitInHand]) -> list[WaitInHand]:
        """The waits as they stand in the store; a tombstone opens nothing."""
        known = await self._waiters.insert(waits)
        stored = await self._waiters.load(known)
        found = [stored.get(wait.id) if wait.id in known else wait for wait in waits]
        return [wait for wait in found if wait is not None]

    async def _own(self, taken: Iterable[WaitInHand]) -> list[Meeting]:
        """Waits found taken: they took an event before a crash, or an event took them (F4)."""
        waits = list(taken)
        events = await self._records.load(wait.waiter.taken_by or "" for wait in waits)
        return [
            Meeting(events[wait.waiter.taken_by], wait)
            for wait in waits
            if wait.waiter.taken_by in events
        ]

    async def _search(self, batch: Batch, searches: list[Search]) -> list[Meeting]:
        met: list[Meeting] = []
        left = {search.wait.id: search for search in searches}
        for pages in (self._older_than_plan(batch, searches), self._by_key(searches)):
            async for found in pages:
                proposals = [_proposal(search, found) for search in left.values()]
                came_about = await self._resumes.settle(proposals, batch.now_ms)
                met += came_about
                for meeting in came_about:
                    left.pop(meeting.wait.id, None)
                if not left:
                    return met
        return met

    async def _by_key(self, searches: Sequence[Search]) -> AsyncIterator[Found]:
        """The kept events that have a key of the waits."""
        if not searches:
            return
        keys = list(dict.fromkeys(key for search in searches for key in search.wait.keys))
        earliest = min(search.earliest for search in searches)
        where = All((Condition("keys", Op.IN, keys), Condition("received_at", Op.GE, earliest)))
        # Without an order the pages come by id, which an index gives, and the ids of events grow
        # with the time of arrival.
        async for events in self._pages(Query(where, limit=PAGE)):
            yield _by_key(events)

    async def _older_than_plan(
        self, batch: Batch, searches: Sequence[Search]
    ) -> AsyncIterator[Found]:
        """The kept events that would have a key of the waits, had their plan been there before."""
        young = [
            each for each in searches if each.earliest < each.plan.published_at + CLOCKS_APART_MS
        ]
        webhooks = _webhooks_of(batch, {each.wait.waiter.wait.workflow for each in young})
        if not young or not webhooks:
            return
        where = All(
            (
                Condition("webhook_id", Op.IN, webhooks),
                Condition("received_at", Op.GE, min(each.earliest for each in young)),
                Condition("plan_revision", Op.LT, max(each.plan.revision for each in young)),
            )
        )
        plans = list({each.plan.id: each.plan for each in young}.values())
        query = Query(where, order=(Order("received_at"),), limit=PAGE)
        async for events in self._pages(query):
            yield _by_key_under(batch, plans, events)

    async def _pages(self, query: Query) -> AsyncIterator[list[EventInHand]]:
        while True:
            events, cursor = await self._records.find(query)
            if events:
                matchable = [event for event in events if is_matchable(event.record)]
                yield sorted(matchable, key=lambda event: (event.record.counts_from, event.id))
            if cursor is None:
                return
            query = replace(query, after=cursor)

    async def _resume(self, batch: Batch, met: Sequence[Meeting]) -> list[Record]:
        """Put the effects into the records; then the commands, for what has no outcome yet."""
        events: dict[str, EventInHand] = {}
        for meeting in met:
            event = events.setdefault(meeting.event.id, meeting.event)
            event.changes.append(_taken_by(meeting, batch.now_ms))
        await self._records.save(events.values(), batch.tally)
        waits = {meeting.wait.id: meeting.wait for meeting in met}
        return [command for event in events.values() for command in pending_resumes(event, waits)]


def _proposal(search: Search, found: Found) -> Proposal:
    wait = search.wait
    events = [event for key in wait.keys for event in found.get(key, ())]
    return Proposal(wait, [event for event in events if misfit(event, wait.waiter) is None])


def _by_key(events: Iterable[EventInHand]) -> Found:
    found: dict[str, list[EventInHand]] = {}
    for event in events:
        for key in event.keys:
            found.setdefault(key, []).append(event)
    return found


def _by_key_under(batch: Batch, plans: Iterable[KnownPlan], events: list[EventInHand]) -> Found:
    found: dict[str, list[EventInHand]] = {}
    for known in plans:
        for event in events:
            if _lacks(batch, event.record, known):
                for key in _keys_under(known, event):
                    found.setdefault(key, []).append(event)
    return found


def _lacks(batch: Batch, record: EventRecord, known: KnownPlan) -> bool:
    """Whether the event's webhook names the plan's workflow, but its keys do not have the plan."""
    config = batch.webhook(record.webhook_id, record.incarnation)
    named = None if config is None else config.receivers.get(known.plan.workflow)
    return (
        named in (0, known.plan.version)
        and record.plan_revision < known.revision
        and record.payload is not None
    )


def _keys_under(known: KnownPlan, event: EventInHand) -> list[str]:
    try:
        return event_keys(known.plan, event.view())
    except TooManyValues:
        return []


def _webhooks_of(batch: Batch, workflows: set[str]) -> list[str]:
    """The webhooks that name one of the workflows."""
    return [
        webhook_id
        for webhook_id, config in batch.config.webhooks().items()
        if isinstance(config, WebhookConfig) and not workflows.isdisjoint(config.receivers)
    ]


def _longest_kept_ms(batch: Batch) -> int:
    """The longest time that any webhook keeps early events."""
    seconds = [
        config.options.early_event_seconds or 0
        for config in batch.config.webhooks().values()
        if isinstance(config, WebhookConfig)
    ]
    return max((*seconds, DEFAULT_EARLY_EVENT_SECONDS)) * 1000


def _taken_by(meeting: Meeting, now_ms: int) -> Change:
    effect = resume_effect(meeting)
    step = Step(service=SERVICE, did="taken by a late wait", at=now_ms, position=effect.id)

    def change(record: EventRecord) -> EventRecord:
        return settled(with_step(with_effects(record, (effect,)), step), now_ms)

    return change
