"""The event's side: search the open waits of its keys, and let each take it (protocols.md F2)."""

from collections.abc import Iterable, Sequence

from hookline_common import reasons
from hookline_matcher.events import EventInHand
from hookline_matcher.meeting import misfit
from hookline_matcher.resumes import Proposal, Resumes
from hookline_matcher.takes import Meeting
from hookline_matcher.waiters import Waiters, WaitInHand


class Offer:
    """What came of offering events: meetings, and the reason of each event that missed a wait."""

    def __init__(self) -> None:
        self.meetings: list[Meeting] = []
        self.reasons: dict[str, str] = {}

    def by_event(self) -> dict[str, list[Meeting]]:
        """The meetings of each event id."""
        found: dict[str, list[Meeting]] = {}
        for meeting in self.meetings:
            found.setdefault(meeting.event.id, []).append(meeting)
        return found


class Offers:
    """Offers events to waits."""

    def __init__(self, waiters: Waiters, resumes: Resumes) -> None:
        self._waiters = waiters
        self._resumes = resumes

    async def offer_again(self, events: Sequence[EventInHand], now_ms: int) -> Offer:
        """As `offer`, for events that were offered before: what they took is found again (F4)."""
        by_id = {event.id: event for event in events}
        own = await self._waiters.taken_by(list(by_id))
        offer = await self.offer(events, now_ms)
        met = {meeting.wait.id for meeting in offer.meetings}
        for wait in own:
            event = by_id.get(wait.waiter.taken_by or "")
            if event is not None and wait.id not in met:
                offer.meetings.append(Meeting(event, wait))
        return offer

    async def offer(self, events: Iterable[EventInHand], now_ms: int) -> Offer:
        """Offer the events, whose records are in the store, to the open waits on their keys.

        The waits are read in pages of 500, so that memory does not grow with the fan-out.
        """
        offered = _by_key(events)
        offer = Offer()
        cursor: str | None = None
        while offered:
            waits, cursor = await self._waiters.find_open(list(offered), cursor)
            proposals = [_proposal(wait, offered, offer) for wait in waits]
            offer.meetings += await self._resumes.settle(proposals, now_ms)
            if cursor is None:
                break
        return offer


def _by_key(events: Iterable[EventInHand]) -> dict[str, list[EventInHand]]:
    """The events of each key, the oldest first."""
    offered: dict[str, list[EventInHand]] = {}
    for event in sorted(events, key=lambda event: (event.record.counts_from, event.id)):
        for key in event.keys:
            offered.setdefault(key, []).append(event)
    return offered


def _proposal(wait: WaitInHand, offered: dict[str, list[EventInHand]], offer: Offer) -> Proposal:
    events = [event for key in wait.keys for event in offered.get(key, ())]
    fitting: list[EventInHand] = []
    for event in events:
        reason = misfit(event, wait.waiter)
        if reason is None:
            fitting.append(event)
        elif reason != reasons.NO_WAIT:
            offer.reasons[event.id] = reason
    return Proposal(wait, fitting)
