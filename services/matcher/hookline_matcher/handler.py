"""The matcher's handler: splits a batch by topic and lets each kind be handled as a whole.

Waits come first, so that an event in the same batch finds them open; outcomes come last, so that an
event which they release is offered to every wait of the batch.
"""

from collections.abc import Sequence

from hookline_common.clock import Clock
from hookline_common.cloudevents import event_and_webhook, judged_event
from hookline_common.config_view import ConfigView
from hookline_common.crash_points import CrashPoint, reached
from hookline_common.documents import Documents
from hookline_common.errors import Undecodable
from hookline_common.eventlog import Delivered, Record
from hookline_common.messages import OUTCOMES_CODEC, WAITS_CODEC, EventDeadLettered
from hookline_common.rawevents import JudgedEvent
from hookline_common.topics import MATCHER, OUTCOMES, REJECTED, VERIFIED, WAITS
from hookline_matcher.batch import Batch
from hookline_matcher.counts import EventCounts
from hookline_matcher.deliveries import Deliveries
from hookline_matcher.offers import Offers
from hookline_matcher.outcomes import Outcomes
from hookline_matcher.plans import Plans
from hookline_matcher.records import EventRecords
from hookline_matcher.rejected import RejectedEvents
from hookline_matcher.replays import Replays
from hookline_matcher.resumes import Resumes
from hookline_matcher.takes import Takes
from hookline_matcher.verified import VerifiedEvents
from hookline_matcher.waiters import Waiters
from hookline_matcher.waits import Waits

TOPICS: Sequence[str] = MATCHER.topic_names


class MatcherHandler:
    """Takes messages, returns commands. The number of store calls does not depend on how many."""

    def __init__(self, documents: Documents, config: ConfigView, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._counts = EventCounts(documents)
        self._plans = Plans(documents, clock)
        records = EventRecords(documents)
        waiters = Waiters(documents)
        takes = Takes(documents, waiters)
        resumes = Resumes(takes, waiters)
        offers = Offers(waiters, resumes)
        replays = Replays(records)
        deliveries = Deliveries(documents, records)
        self._waits = Waits(self._plans, waiters, records, resumes)
        self._verified = VerifiedEvents(records, deliveries, self._plans, offers, waiters, replays)
        self._rejected = RejectedEvents(records, replays)
        self._outcomes = Outcomes(records, waiters, takes, offers)

    async def handle(self, batch: Sequence[Delivered]) -> Sequence[Record]:
        """The commands that the messages give rise to; raises Poison for one that is none."""
        waits = [WAITS_CODEC.decode(each.record.value) for each in _of(batch, WAITS.name)]
        verified = _judged(batch, VERIFIED.name)
        rejected = _judged(batch, REJECTED.name)
        outcomes = [OUTCOMES_CODEC.decode(each.record.value) for each in _of(batch, OUTCOMES.name)]
        context = await self._begin()
        commands = await self._waits.handle(context, waits)
        commands += await self._verified.handle(context, verified)
        await self._rejected.handle(context, rejected)
        if outcomes:
            reached(CrashPoint.MATCHER_HEARING_OUTCOMES)
            commands += await self._outcomes.handle(context, outcomes)
            reached(CrashPoint.MATCHER_HEARD_OUTCOMES)
        reached(CrashPoint.MATCHER_COUNTING)
        await self._counts.add(context.tally)
        reached(CrashPoint.MATCHER_COUNTED)
        # A batch that is delivered again may find a meeting from both of its sides.
        return list(dict.fromkeys(commands))

    def subject(self, delivered: Delivered) -> tuple[str, str] | None:
        """Event and webhook of a message, for the record of one that is dead-lettered."""
        topic = delivered.record.topic
        if topic in (VERIFIED.name, REJECTED.name):
            return event_and_webhook(delivered.record)
        if topic != OUTCOMES.name:
            return None
        try:
            outcome = OUTCOMES_CODEC.decode(delivered.record.value)
        except Undecodable:
            return None
        return None if isinstance(outcome, EventDeadLettered) else (outcome.event_id, "")

    async def _begin(self) -> Batch:
        await self._config.refresh()
        plans = await self._plans.current_with(self._config.plans())
        return Batch(self._clock.now_ms(), plans, self._config)


def _of(batch: Sequence[Delivered], topic: str) -> list[Delivered]:
    return [delivered for delivered in batch if delivered.record.topic == topic]


def _judged(batch: Sequence[Delivered], topic: str) -> list[tuple[Delivered, JudgedEvent]]:
    return [(delivered, judged_event(delivered.record)) for delivered in _of(batch, topic)]
