"""Timeouts: which are due, and when the execution must be looked at next (engine.md 2.4, D20)."""

from collections.abc import Iterator

import msgspec

from hookline_engine.core import ending
from hookline_engine.core.model import FAR_FUTURE, TaskLine
from hookline_engine.core.tasks.registry import type_of
from hookline_engine.core.work import Work
from hookline_engine.definitions.snapshots import Node


class Deadline(msgspec.Struct, frozen=True):
    """When a task ends by a timeout, and which one."""

    at: int
    kind: str
    policy: str


def expire_execution(work: Work) -> None:
    """End the execution if its own timeout has passed."""
    at = _execution_deadline(work)
    if at and work.now >= at:
        seconds = work.snapshot.definition.timeout_seconds
        ending.end_failed(work, "TIMED_OUT", f"the workflow timed out after {seconds} s")


def expire_tasks(work: Work) -> None:
    """Turn live tasks whose deadline has passed TIMED_OUT, and end the execution if they say so."""
    for line in tuple(work.live()):
        due = [one for one in _deadlines(work.node(line.ref), line) if one.at <= work.now]
        if due:
            _expire(work, line, due[0])


def next_wake(work: Work) -> int:
    """When time alone will change something; 0 = never."""
    if work.terminal or work.head.rate_limited:
        return 0
    if work.look_again:
        return work.now
    times = [at for at in (_execution_deadline(work),) if at]
    for ref in work.pending:
        line = work.tasks[ref]
        if line.live:
            if work.status != "PAUSED":  # a paused execution does not look at its tasks
                times.extend(deadline.at for deadline in _deadlines(work.node(ref), line))
            times.extend(_own_times(work, line))
    return min((*times, FAR_FUTURE)) if times else 0


def _execution_deadline(work: Work) -> int:
    definition = work.snapshot.definition
    if definition.timeout_seconds <= 0 or definition.timeout_policy != "TIME_OUT_WF":
        return 0
    head = work.head
    begun = max(work.last_retried_at, head.admitted_at, head.rerun_at) or head.created_at
    return begun + definition.timeout_seconds * 1000


def _own_times(work: Work, line: TaskLine) -> Iterator[int]:
    """Ends of waits and delayed starts. While paused only the former do anything."""
    kind = type_of(work.node(line.ref))
    if work.status == "PAUSED" and not kind.ends_in_pause:
        return
    if line.wake_at:
        yield line.wake_at
    if line.status == "SCHEDULED" and not line.hand_off and line.ready_at > work.now:
        yield line.ready_at


def _deadlines(node: Node, line: TaskLine) -> Iterator[Deadline]:
    """In the order in which they are looked at."""
    rule, policy = node.task_def, node.task_def.timeout_policy
    if policy != "ALERT_ONLY":
        if rule.total_timeout_seconds > 0 and line.first_scheduled_at:
            at = line.first_scheduled_at + rule.total_timeout_seconds * 1000
            yield Deadline(at, "totalTimeoutSeconds", policy)
        if rule.timeout_seconds > 0 and line.started_at:
            at = line.started_at + rule.timeout_seconds * 1000
            yield Deadline(at, "timeoutSeconds", policy)
    kind = type_of(node)
    if not kind.answered:
        return
    if line.status == "SCHEDULED" and rule.poll_timeout_seconds and policy != "ALERT_ONLY":
        visible = max(line.ready_at, line.scheduled_at)
        at = visible + rule.poll_timeout_seconds * 1000
        yield Deadline(at, "pollTimeoutSeconds", policy)
    if line.status == "IN_PROGRESS" and rule.response_timeout_seconds and not line.async_complete:
        limit = rule.response_timeout_seconds + line.callback_after_seconds
        yield Deadline(line.updated_at + limit * 1000, "responseTimeoutSeconds", "RETRY")


def _expire(work: Work, line: TaskLine, deadline: Deadline) -> None:
    reason = f"the task timed out: {deadline.kind} has passed"
    type_of(work.node(line.ref)).release(work, line, reason)
    ended = work.end(line, status="TIMED_OUT", reason=reason)
    if deadline.policy == "TIME_OUT_WF":
        ending.end_failed(work, "TIMED_OUT", f"task {line.id} timed out: {reason}", ended)
