"""Which event may resume which wait: the rules of time and name (protocols.md F3). Pure."""

from hookline_common import reasons
from hookline_common.eventrecords import EventRecord, Waiter
from hookline_common.matching import holds
from hookline_matcher.events import EventInHand


def misfit(event: EventInHand, waiter: Waiter) -> str | None:
    """Why the wait does not take the event, as a reason of reasons.py; None if it does.

    Whether a key of the event is the wait's is known already. Only times of events count (arrival,
    opening, timeout), so that a slow matcher changes nothing.
    """
    wait, record = waiter.wait, event.record
    if wait.webhooks and record.webhook_name not in wait.webhooks:
        return reasons.NO_WAIT
    if record.counts_from < waiter.opened_at and not _takes_early(record, waiter):
        return reasons.NO_WAIT
    if wait.clauses and not holds(wait.clauses, event.view()):
        return reasons.NO_WAIT
    if wait.timeout_at and record.counts_from > wait.timeout_at:
        return reasons.WAIT_TIMED_OUT
    return None


def _takes_early(record: EventRecord, waiter: Waiter) -> bool:
    """An event from before the wait opened: the execution had started, and it is still kept."""
    earliest = waiter.execution_started_at - waiter.wait.lookback_seconds * 1000
    return (
        waiter.wait.early_events
        and record.counts_from >= earliest
        and waiter.opened_at <= record.kept_until
    )


def earliest_of(waiter: Waiter, kept_ms: int) -> int:
    """The earliest time of arrival that the wait may take, if events are kept `kept_ms` long."""
    if not waiter.wait.early_events:
        return waiter.opened_at
    started = waiter.execution_started_at - waiter.wait.lookback_seconds * 1000
    return max(started, waiter.opened_at - kept_ms)
