"""Executions and tasks in the shapes that the API answers with (engine.md 1.5, 1.6; rest.md 3.5).

Bodies are put in as raw JSON: what a worker or a caller sent comes back byte for byte.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hookline_engine.core.model import Head, TaskLine
from hookline_engine.definitions.model import as_json
from hookline_engine.definitions.snapshots import Snapshot

_EMPTY = msgspec.Raw(b"{}")
_TIMINGS: Mapping[str, Any] = {
    "additionalContext": {},
    "empty": True,
    "additionalContextMap": {},
}
"""What Conductor always writes of a task's timings, which nothing measures."""


def body_of(bodies: Mapping[str, Any], token: str) -> Any:
    """A body by token; the empty object where there is none."""
    return bodies.get(token, _EMPTY) if token else _EMPTY


def body_tokens(head: Head, lines: Sequence[TaskLine]) -> list[str]:
    """The bodies that showing an execution with these lines needs."""
    tokens = [head.input, head.output]
    for line in lines:
        tokens += (line.input, line.output)
    return [token for token in tokens if token]


def workflow_json(
    head: Head,
    snapshot: Snapshot | None,
    lines: Sequence[TaskLine],
    bodies: Mapping[str, Any],
) -> dict[str, Any]:
    """The Workflow of the API, with the given lines as its tasks."""
    shown: dict[str, Any] = {
        "workflowId": head.workflow_id,
        "workflowName": head.name,
        "workflowVersion": head.version,
        "status": head.status,
        "createTime": head.created_at,
        "startTime": head.created_at,
        "updateTime": head.updated_at,
        "endTime": head.ended_at,
        "lastRetriedTime": head.last_retried_at,
        "input": body_of(bodies, head.input),
        "output": body_of(bodies, head.output),
        "variables": head.variables,
        "tasks": [task_json(head, snapshot, line, bodies) for line in lines],
        "priority": head.priority,
        "taskToDomain": head.task_to_domain,
        "failedReferenceTaskNames": head.failed_refs,
        "failedTaskNames": head.failed_names,
        "history": [],
        "rateLimited": head.rate_limited,
    }
    if snapshot is not None:
        shown["workflowDefinition"] = as_json(snapshot.definition)
    return shown | _present(
        correlationId=head.correlation_id,
        idempotencyKey=head.idempotency_key,
        parentWorkflowId=head.parent_workflow_id,
        parentWorkflowTaskId=head.parent_task_id,
        reasonForIncompletion=head.reason,
        event=head.event,
        createdBy=head.created_by,
        failedTaskId=head.failed_task_id,
        rateLimitKey=head.rate_limit.key if head.rate_limit is not None else None,
    )


def task_json(
    head: Head, snapshot: Snapshot | None, line: TaskLine, bodies: Mapping[str, Any]
) -> dict[str, Any]:
    """The Task of the API."""
    shown: dict[str, Any] = {
        "taskId": line.id,
        "taskType": line.type,
        "taskDefName": line.def_name,
        "referenceTaskName": line.shown_ref,
        "status": line.status,
        "inputData": body_of(bodies, line.input),
        "outputData": body_of(bodies, line.output),
        "seq": line.seq,
        "retryCount": line.attempt,
        "retried": line.retried,
        "executed": line.executed,
        "iteration": line.shown_iteration,
        "loopOverTask": bool(line.path),
        "scheduledTime": line.scheduled_at,
        "startTime": line.started_at,
        "endTime": line.ended_at,
        "updateTime": line.updated_at,
        "firstStartTime": 0,
        "startDelayInSeconds": line.start_delay_seconds,
        "callbackAfterSeconds": line.callback_after_seconds,
        "callbackFromWorker": True,
        "responseTimeoutSeconds": line.response_timeout_seconds,
        "pollCount": line.poll_count,
        "queueWaitTime": queue_wait_ms(line),
        "workflowInstanceId": head.workflow_id,
        "workflowType": head.name,
        "workflowPriority": line.priority,
        "subworkflowChanged": line.sub_workflow_changed,
        "rateLimitPerFrequency": 0,
        "rateLimitFrequencyInSeconds": 0,
        "executionMetadata": _TIMINGS,
    }
    return (
        shown
        | _node_json(snapshot, line)
        | _present(
            reasonForIncompletion=line.reason,
            retriedTaskId=line.retried_id,
            workerId=line.worker_id,
            domain=line.domain,
            subWorkflowId=line.sub_workflow_id,
            correlationId=head.correlation_id,
            cachedOutput=True if line.cached_output else None,
        )
    )


def _node_json(snapshot: Snapshot | None, line: TaskLine) -> dict[str, Any]:
    """The node of the definition that the task is of, and its task definition."""
    node = snapshot.nodes.get(line.ref) if snapshot else None
    if node is None:
        return {}
    definition = node.task_def
    return {
        "workflowTask": as_json(node.task),
        "taskDefinition": as_json(definition),
        "rateLimitPerFrequency": definition.rate_limit_per_frequency or 0,
        "rateLimitFrequencyInSeconds": definition.rate_limit_frequency_in_seconds or 0,
    } | _present(
        isolationGroupId=definition.isolation_group_id,
        executionNameSpace=definition.execution_name_space,
    )


def queue_wait_ms(line: TaskLine) -> int:
    """How long the task waited for whoever took it."""
    if not line.started_at:
        return 0
    return max(0, line.started_at - max(line.scheduled_at, line.ready_at))


def _present(**properties: Any) -> dict[str, Any]:
    """The properties that are not null."""
    return {name: value for name, value in properties.items() if value is not None}
