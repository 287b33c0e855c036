"""One wait beside one event: its clauses, and what else is in the way. Pure."""

from collections.abc import Iterator

import msgspec

from hookline_common import meetings
from hookline_common.clock import utc_text
from hookline_common.eventrecords import EventRecord, Waiter
from hookline_common.matching import EventView, explain_wait
from hookline_engine.explained_clauses import presentable, unmet
from hookline_engine.explanation import Obstacle, WaitReport


class StoredWait(msgspec.Struct, frozen=True):
    """A waiter as it stands in the store; `state` is open, taken or closed."""

    waiter: Waiter
    state: str


def wait_report(
    stored: StoredWait, record: EventRecord, view: EventView, receiver_version: int
) -> WaitReport:
    """The wait beside the event; `receiver_version` is what the webhook names, 0 for any."""
    waiter, wait = stored.waiter, stored.waiter.wait
    clauses = presentable(explain_wait(wait, view))
    missed = len(unmet(clauses))
    obstacles = (
        *_of_name(record, waiter, receiver_version),
        *_of_time(record, waiter),
        *_of_state(record, stored),
    )
    return WaitReport(
        task_id=waiter.task_id,
        workflow_id=waiter.workflow_id,
        workflow=wait.workflow,
        version=wait.version,
        task_ref=waiter.task_ref,
        state=stored.state,
        opened_at=waiter.opened_at,
        meets=not missed and not obstacles,
        missed=missed,
        clauses=clauses,
        obstacles=obstacles,
    )


def nearness(report: WaitReport) -> tuple[int, int, int]:
    """The order of waits: what misses least comes first, then the newest."""
    return report.missed, len(report.obstacles), -report.opened_at


def _of_name(record: EventRecord, waiter: Waiter, receiver_version: int) -> Iterator[Obstacle]:
    wait = waiter.wait
    if receiver_version not in (0, wait.version):
        text = (
            f"the webhook resumes version {receiver_version} of the workflow, "
            f"this wait is of version {wait.version}"
        )
        yield Obstacle("version_not_named", text)
    if not meetings.names_webhook(wait, record):
        names = ", ".join(wait.webhooks)
        yield Obstacle(
            "webhook_not_named", f"the wait takes events of these webhooks only: {names}"
        )


def _of_time(record: EventRecord, waiter: Waiter) -> Iterator[Obstacle]:
    wait = waiter.wait
    opened = (
        f"the event came {_seconds(waiter.opened_at - record.counts_from)} before the wait opened"
    )
    if meetings.came_too_late(record, wait):
        text = f"the wait had timed out at {utc_text(wait.timeout_at)}, before the event came"
        yield Obstacle("wait_timed_out", text)
    if not meetings.came_before(record, waiter) or meetings.takes_early(record, waiter):
        return
    if not wait.early_events:
        yield Obstacle("opened_afterwards", f"{opened}, and the wait takes no early events")
    elif record.counts_from < meetings.looks_back_to(waiter):
        ago = _seconds(meetings.looks_back_to(waiter) - record.counts_from)
        text = f"the event came {ago} before the execution started (or its lookbackSeconds began)"
        yield Obstacle("execution_started_afterwards", text)
    else:
        text = f"{opened}, and was kept until {utc_text(record.kept_until)} only"
        yield Obstacle("event_kept_too_short", text)


def _of_state(record: EventRecord, stored: StoredWait) -> Iterator[Obstacle]:
    waiter = stored.waiter
    if stored.state == "taken" and waiter.taken_by != record.id:
        yield Obstacle("taken_before", f"the wait was resumed by the event {waiter.taken_by}")
    if stored.state == "closed":
        why = waiter.close_reason or "its task ended"
        yield Obstacle("wait_closed", f"the wait was closed at {utc_text(waiter.closed_at)}: {why}")
    if any(
        effect.status == "applied"
        and (effect.workflow_id, effect.task_ref) == (waiter.workflow_id, waiter.task_ref)
        and effect.task_id != waiter.task_id
        for effect in record.effects
    ):
        text = "this execution has taken the event already, in an earlier wait of the same task"
        yield Obstacle("taken_by_this_execution", text)


def _seconds(milliseconds: int) -> str:
    return f"{max(milliseconds, 0) / 1000:.3f} s"
