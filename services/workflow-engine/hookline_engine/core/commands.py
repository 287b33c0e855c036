"""What can be done to an execution. `now` and the seed are passed beside them (decide.Context).

A command that names a task is for that attempt; `run` 0 = whatever run is on. `command_id` makes
what the state cannot judge safe to repeat (G3).
"""

from typing import Any, Literal, TypeAlias

import msgspec

from hookline_common.messages import EventRef
from hookline_engine.core.model import RunLimit

ResultStatus: TypeAlias = Literal[
    "IN_PROGRESS", "COMPLETED", "FAILED", "FAILED_WITH_TERMINAL_ERROR", "CANCELED"
]


class Start(msgspec.Struct, frozen=True):
    """Begin an execution of the snapshot passed beside it; void if it exists.

    `input` is the input before inputTemplate. `event_ref` and `effect_id`: the event that starts
    it. `rate_limit`: it runs under this limit, and waits for a place unless one is `reserved`.
    """

    workflow_id: str
    input: dict[str, Any]
    correlation_id: str | None = None
    priority: int = 0
    task_to_domain: dict[str, str] = {}
    created_by: str | None = None
    event: str | None = None
    idempotency_key: str | None = None
    parent_workflow_id: str | None = None
    parent_task_id: str | None = None
    parent_run: int = 0
    event_ref: EventRef | None = None
    effect_id: str = ""
    rate_limit: RunLimit | None = None
    reserved: bool = False


class Admit(msgspec.Struct, frozen=True):
    """There is a place under the workflow's limit for the life `revivals` of the execution."""

    revivals: int


class CompleteWait(msgspec.Struct, frozen=True):
    """An event meets a waiting task. `payload` is JSON (msgspec.Raw) or a value."""

    task_id: str
    run: int
    effect_id: str
    event: EventRef
    payload: Any
    envelope: Any = None


class UpdateTask(msgspec.Struct, frozen=True):
    """A task's result from a worker or the API (TaskResult)."""

    task_id: str
    status: ResultStatus
    output: dict[str, Any] = {}
    output_mode: Literal["replace", "merge"] = "replace"
    reason: str | None = None
    worker_id: str | None = None
    callback_after_seconds: int = 0
    sub_workflow_id: str | None = None


class HandOut(msgspec.Struct, frozen=True):
    """A poll takes queue entry `hand_off`; refused if the task does not wait for it.

    `slotted`: it has taken a place under the limit of the task type.
    """

    task_id: str
    hand_off: int
    worker_id: str | None = None
    slotted: bool = False


class Requeue(msgspec.Struct, frozen=True):
    """Make hand-off `hand_off` void if it has not happened: the task gets another queue entry."""

    task_id: str
    hand_off: int


class ExtendLease(msgspec.Struct, frozen=True):
    """A worker still works on the task: its response timeout starts again."""

    task_id: str


class SystemTaskDone(msgspec.Struct, frozen=True):
    """The executor ran a system task (HTTP) of this hand-off: what came back, or why nothing did.

    `response` is {statusCode, reasonPhrase, headers, body (text)}; `error` instead when no answer
    came.
    """

    task_id: str
    hand_off: int
    response: dict[str, Any] | None = None
    error: str | None = None
    worker_id: str | None = None


class ChildEnded(msgspec.Struct, frozen=True):
    """A sub-workflow ended, or could not be started (status FAILED, child_run 0)."""

    task_id: str
    run: int
    child_id: str
    child_run: int
    status: str
    reason: str | None = None
    output: Any = None


class ChildRevived(msgspec.Struct, frozen=True):
    """A sub-workflow that had ended runs again (restart, retry, rerun).

    `up_to`: the ancestor that a rerun was asked of; up to it, a task that had completed waits for
    its sub-workflow again too.
    """

    task_id: str
    run: int
    child_id: str
    child_run: int
    up_to: str = ""


class Wake(msgspec.Struct, frozen=True):
    """Time has passed, or someone asks to look again."""


class Pause(msgspec.Struct, frozen=True):
    """Schedule nothing new."""


class Resume(msgspec.Struct, frozen=True):
    """Go on after a pause."""


class Terminate(msgspec.Struct, frozen=True):
    """End it as TERMINATED. `by_parent`: the parent's task that this is for, else from the API."""

    reason: str | None = None
    failure_workflow: Literal["skip", "start"] = "skip"
    by_parent: str | None = None


class Restart(msgspec.Struct, frozen=True):
    """Begin again from the first node with the snapshot passed beside it (old or latest)."""


class Retry(msgspec.Struct, frozen=True):
    """Run again from the tasks that failed."""


class Rerun(msgspec.Struct, frozen=True):
    """Run an ended execution again from a task; without `task_id` from the first node.

    `task_input`, `workflow_input` and `correlation_id` take the place of the old ones if given.
    `up_to`: as in ChildRevived.
    """

    task_id: str = ""
    task_input: dict[str, Any] | None = None
    workflow_input: dict[str, Any] | None = None
    correlation_id: str | None = None
    up_to: str = ""


class Skip(msgspec.Struct, frozen=True):
    """The flow shall step over a node that it has not reached, as if that had given `output`."""

    ref: str
    input: dict[str, Any] = {}
    output: dict[str, Any] = {}


class UpdateVariables(msgspec.Struct, frozen=True):
    """Merge top-level keys into the variables."""

    variables: dict[str, Any]
    command_id: str


class ResetCallbacks(msgspec.Struct, frozen=True):
    """Worker tasks that were put off become visible now."""


Command: TypeAlias = (
    Start
    | Admit
    | CompleteWait
    | UpdateTask
    | HandOut
    | Requeue
    | ExtendLease
    | SystemTaskDone
    | ChildEnded
    | ChildRevived
    | Wake
    | Pause
    | Resume
    | Terminate
    | Restart
    | Retry
    | Rerun
    | Skip
    | UpdateVariables
    | ResetCallbacks
)
