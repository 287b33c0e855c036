"""What is told of executions and tasks on the public feed, and kept of what tasks gave."""

from collections.abc import Mapping
from types import MappingProxyType

from hookline_common.ids import digest
from hookline_common.messages import StateChange, WorkflowEvent
from hookline_engine.core.effects import Feed, KeepOutput
from hookline_engine.core.model import FAR_FUTURE, Head, TaskLine

TASK_ENDS: Mapping[str, str] = MappingProxyType(
    {
        "COMPLETED": "TaskCompleted",
        "COMPLETED_WITH_ERRORS": "TaskCompleted",
        "FAILED": "TaskFailed",
        "FAILED_WITH_TERMINAL_ERROR": "TaskFailed",
        "TIMED_OUT": "TaskTimedOut",
        "CANCELED": "TaskCanceled",
        "SKIPPED": "TaskSkipped",
    }
)
"""The fact that a task's last status is."""

CHANGES: Mapping[str, str] = MappingProxyType(
    {
        "TaskScheduled": "onScheduled",
        "TaskStarted": "onStart",
        "TaskCompleted": "onSuccess",
        "TaskFailed": "onFailed",
        "TaskTimedOut": "onFailed",
        "TaskCanceled": "onCancelled",
    }
)
"""What a fact about a task is called in `onStateChange`."""


def fact(
    head: Head,
    number: int,
    kind: str,
    at: int,
    status: str,
    line: TaskLine | None,
    reason: str | None,
    state_change: StateChange | None,
) -> Feed:
    """A fact about the execution, or about the task `line`; `number` is its place in the outbox."""
    identity = digest(head.workflow_id, str(number), kind)
    message = WorkflowEvent(
        id=identity,
        kind=kind,
        workflow_id=head.workflow_id,
        workflow_name=head.name,
        workflow_version=head.version,
        run=head.run,
        at=at,
        status=line.status if line else status,
        correlation_id=head.correlation_id,
        task_id=line.id if line else None,
        task_ref=line.shown_ref if line else None,
        task_type=line.type if line else None,
        reason=reason,
        state_change=state_change,
    )
    return Feed(identity, message)


def kept_output(line: TaskLine, now: int) -> KeepOutput | None:
    """The output of a completed task, if its node has a `cacheConfig` (D11)."""
    if not line.cache_key or line.status != "COMPLETED":
        return None
    expires_at = min(now + line.cache_seconds * 1000, FAR_FUTURE)
    return KeepOutput(f"{line.id}:keep", line.cache_key, line.output, now, expires_at)
