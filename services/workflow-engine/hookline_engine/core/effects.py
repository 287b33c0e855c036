"""What the shell must make happen after a head was saved: each with an id that never changes.

Effects are saved in the head (outbox) and are safe to repeat. Those on the store (task queue) come
first in effect for a caller of the API; those on the log carry the messages of hookline_common.
"""

from typing import Any, Literal, TypeAlias

import msgspec

from hookline_common.messages import (
    EffectApplied,
    EffectRefused,
    WaitClosed,
    WaitOpened,
    WorkflowEvent,
)


class Effect(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """Base of all effects; `id` is deterministic."""

    id: str


class EnqueueTask(Effect, frozen=True, tag="enqueue"):
    """Put the queue entry `<task_id>:<hand_off>` in place.

    `queue` is `[domain:]task_type`; kind `system` = run by the engine's own executor (HTTP); `rank`
    = 99 - priority.
    """

    task_id: str
    hand_off: int
    queue: str
    task_type: str
    rank: int
    visible_at: int
    kind: Literal["worker", "system"] = "worker"
    def_name: str = ""


class DequeueTask(Effect, frozen=True, tag="dequeue"):
    """Remove the queue entry `<task_id>:<hand_off>` if it is still there."""

    task_id: str
    hand_off: int


class FreeSlot(Effect, frozen=True, tag="free_slot"):
    """The hand-off is over: give back its place under the limit of the task type."""

    task_id: str
    hand_off: int
    def_name: str


class QueueRun(Effect, frozen=True, tag="queue_run"):
    """The execution, in the life `revivals`, waits for a place under the limit of its workflow.

    `workflow`, `version`: whose limit it is; `at_once`: the limit when it started.
    """

    workflow_id: str
    revivals: int
    limit_id: str
    workflow: str
    version: int
    at_once: int


class FreeRun(Effect, frozen=True, tag="free_run"):
    """The execution has ended: give back its place, or leave the line."""

    workflow_id: str
    revivals: int
    limit_id: str


class KeepOutput(Effect, frozen=True, tag="keep_output"):
    """Keep the output (a body, "" = empty) under the key of a cache entry, until it expires."""

    key: str
    output: str
    completed_at: int
    expires_at: int


class OpenWait(Effect, frozen=True, tag="open_wait"):
    """Publish on `workflow.waits`."""

    message: WaitOpened


class CloseWait(Effect, frozen=True, tag="close_wait"):
    """Publish on `workflow.waits`."""

    message: WaitClosed


class StartChild(Effect, frozen=True, tag="start_child"):
    """Start the sub-workflow `child_id` (messages.StartChild).

    `request`: name, version (None = latest), workflowDef (inline definition), inputToken (body with
    its input, "" = empty), taskToDomain, correlationId, priority, idempotencyKey,
    idempotencyStrategy. If it cannot be started the parent gets ChildEnded FAILED with the reason.
    """

    child_id: str
    task_id: str
    run: int
    request: dict[str, Any]


class TerminateChild(Effect, frozen=True, tag="terminate_child"):
    """Terminate the sub-workflow, unless it is terminal (messages.TerminateChild)."""

    child_id: str
    task_id: str
    reason: str


class ChildEnded(Effect, frozen=True, tag="child_ended"):
    """Tell the parent that this execution ended (messages.ChildEnded); `output` is a body token."""

    parent_workflow_id: str
    parent_task_id: str
    parent_run: int
    child_run: int
    status: str
    reason: str | None = None
    output: str = ""


class ChildRevived(Effect, frozen=True, tag="child_revived"):
    """Tell the parent that this ended execution runs again (messages.ChildRevived)."""

    parent_workflow_id: str
    parent_task_id: str
    parent_run: int
    child_run: int
    at: int
    up_to: str = ""


class StartFailureWorkflow(Effect, frozen=True, tag="start_failure"):
    """Start the failure workflow (messages.StartFailureWorkflow).

    `request`: name, version (None = latest), correlationId, taskToDomain, reason, failureStatus,
    failureTaskId. The shell adds the input: that of the failed execution, these facts, and
    `failedWorkflow`.
    """

    failure_workflow_id: str
    run: int
    request: dict[str, Any]


class Outcome(Effect, frozen=True, tag="outcome"):
    """Publish on `webhooks.outcomes` what became of an event's effect (F5)."""

    message: EffectApplied | EffectRefused


class Feed(Effect, frozen=True, tag="feed"):
    """Publish on `workflow.events`."""

    message: WorkflowEvent


AnyEffect: TypeAlias = (
    EnqueueTask
    | DequeueTask
    | FreeSlot
    | QueueRun
    | FreeRun
    | KeepOutput
    | OpenWait
    | CloseWait
    | StartChild
    | TerminateChild
    | ChildEnded
    | ChildRevived
    | StartFailureWorkflow
    | Outcome
    | Feed
)
StoreEffect: TypeAlias = EnqueueTask | DequeueTask | FreeSlot | QueueRun | FreeRun | KeepOutput


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A numbered entry of the outbox."""

    n: int
    effect: AnyEffect
