"""Which event may resume which wait: the rules of time and name (protocols.md F3). Pure.

Whether a key of the event is the wait's is the business of `matching`. Only times of events count
(arrival, opening, timeout), so that a slow matcher changes nothing.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from hookline_common import reasons
from hookline_common.eventrecords import EventRecord, Waiter
from hookline_common.ids import digest
from hookline_common.matching import EventFacts, EventView, holds
from hookline_common.messages import Wait


class Take(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Which task of an execution's reference took the event (F3); neither: it was let go."""

    event_id: str = ""
    task_id: str = ""


_payload_of: Callable[[msgspec.Raw], Any] = msgspec.json.Decoder().decode


def misfit(record: EventRecord, view: Callable[[], EventView], waiter: Waiter) -> str | None:
    """Why the wait does not take the event, as a reason of reasons.py; None if it does."""
    wait = waiter.wait
    if not names_webhook(wait, record):
        return reasons.NO_WAIT
    if came_before(record, waiter) and not takes_early(record, waiter):
        return reasons.NO_WAIT
    if wait.clauses and not holds(wait.clauses, view()):
        return reasons.NO_WAIT
    return reasons.WAIT_TIMED_OUT if came_too_late(record, wait) else None


def names_webhook(wait: Wait, record: EventRecord) -> bool:
    """Whether events of this webhook may resume the wait."""
    return not wait.webhooks or record.webhook_name in wait.webhooks


def came_before(record: EventRecord, waiter: Waiter) -> bool:
    """Whether the event came before the wait opened."""
    return record.counts_from < waiter.opened_at


def takes_early(record: EventRecord, waiter: Waiter) -> bool:
    """An event from before the wait opened: the execution had started, and it is still kept."""
    return (
        waiter.wait.early_events
        and record.counts_from >= looks_back_to(waiter)
        and waiter.opened_at <= record.kept_until
    )


def came_too_late(record: EventRecord, wait: Wait) -> bool:
    """Whether the wait had timed out when the event came."""
    return bool(wait.timeout_at) and record.counts_from > wait.timeout_at


def looks_back_to(waiter: Waiter) -> int:
    """The earliest time of arrival of an event that the wait may take, if it takes early ones."""
    return waiter.execution_started_at - waiter.wait.lookback_seconds * 1000


def earliest_of(waiter: Waiter, kept_ms: int) -> int:
    """The earliest time of arrival that the wait may take, if events are kept `kept_ms` long."""
    if not waiter.wait.early_events:
        return waiter.opened_at
    return max(looks_back_to(waiter), waiter.opened_at - kept_ms)


def take_id(workflow_id: str, task_ref: str, identity: str) -> str:
    """The id of the take of an event (by its identity) by a reference of an execution."""
    return digest("take", workflow_id, task_ref, identity)


def is_spent(take: Take, own: Take, holder: Waiter | None, *, holder_open: bool) -> bool:
    """Whether another task of the reference than `own` has the event, or may still be getting it.

    A task that is neither open nor taken by the event can never get it any more: a crash came
    between its take and its wait. An open one may be getting it at this moment; if it crashed, the
    message that it came with is delivered again.
    """
    if not take.task_id or take == own:
        return False
    if take.task_id == own.task_id:
        return True
    return holder is not None and (holder_open or holder.taken_by == take.event_id)


def stored_view(record: EventRecord) -> EventView:
    """What paths and clauses see of a stored event; its secret headers are hidden there."""
    body: Any = {} if record.payload is None else _payload_of(record.payload)
    return EventView(body, record.headers, record.query)


def event_facts(record: EventRecord, identity: str) -> EventFacts:
    """What the keys of starts see of an event; `identity` is the id that it stands for."""
    return EventFacts(
        event_id=identity,
        delivery_id=record.delivery_id,
        type=record.type,
        webhook_id=record.webhook_id,
        webhook_name=record.webhook_name,
    )
