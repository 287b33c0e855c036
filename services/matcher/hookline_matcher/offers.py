"""The event's side: search the open waits of its keys, and let each take it (protocols.md F2)."""

from collections.abc import Iterable, Sequence

from hookline_common import reasons
from hookline_matcher.events import EventInHand
from hookline_matcher.meeting import misfit
from hookline_matcher.resumes import Proposal, Resumes
from hookline_matcher.takes import Meeting
from hookline_matcher.waiters import OPEN, TAKEN, Waiters, WaitInHand

ONLY_OPEN: Sequence[str] = (OPEN,)
OPEN_OR_TAKEN: Sequence[str] = (OPEN, TAKEN)
"""For an event that was delivered before: its own takings must be found again (F4)."""


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

    async def offer(
        self, events: Iterable[EventInHand], states: Sequence[str], now_ms: int
    ) -> Offer:
        """Offer the events, whose records are in the store, to the waits on their keys.

        The waits are read in pages of 500, so that memory does not grow with the fan-out.
        """
        offered = _by_key(events)
        offer = Offer()
        cursor: str | None = None
        while offered:
            waits, cursor = await self._waiters.find(list(offered), states, cursor)
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
    if wait.state == TAKEN:
        own = [event for event in events if event.id == wait.waiter.taken_by]
        offer.meetings += [Meeting(event, wait) for event in own]
        return Proposal(wait)
    fitting: list[EventInHand] = []
    for event in events:
        reason = misfit(event, wait.waiter)
        if reason is None:
            fitting.append(event)
        elif reason != reasons.NO_WAIT:
            offer.reasons[event.id] = reason
    return Proposal(wait, fitting)
