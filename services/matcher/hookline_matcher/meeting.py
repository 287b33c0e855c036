"""Which event may resume which wait, for events in hand; the rules are in common (meetings.py)."""

from hookline_common import meetings
from hookline_common.eventrecords import Waiter
from hookline_matcher.events import EventInHand


def misfit(event: EventInHand, waiter: Waiter) -> str | None:
    """Why the wait does not take the event, as a reason of reasons.py; None if it does."""
    return meetings.misfit(event.record, event.view, waiter)
