"""Every message of the JSON topics: tagged unions, one per topic, with one codec each.

Rules of evolution: a new field has a default; a field's type and a tag never change; a reader
ignores fields it does not know; versioned.py is for what these rules cannot do. Times are epoch
milliseconds, named `…_at`. `webhooks.*` records of raw requests are CloudEvents and live in
cloudevents.py.
"""

from typing import Any, Generic, Literal, TypeAlias, TypeVar

import msgspec

from hookline_common.errors import Undecodable
from hookline_common.rawjson import RawOrNone
from hookline_common.versioned import Versioned, check_version
from hookline_common.webhooks import (
    ConfigRecord,
    IdempotencyStrategy,
    WebhookConfig,
    WebhookDeleted,
    WorkflowPlans,
)


class Message(Versioned, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """Base of all messages."""


# --- workflow.waits: engine -> matcher ---


class Wait(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """What a waiting task asks for.

    `paths` are the sorted equality paths of its plan, `values` the canonical value of each in the
    same order; `clauses` are the clauses that are no plain equality (path -> operator object).
    `webhooks` are names (empty: any webhook that names this workflow). `timeout_at` 0 = waits for
    ever. `include_event`: the task's output shall also have `_webhook` (webhooks.md section 4).
    """

    workflow: str
    version: int
    paths: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    clauses: dict[str, Any] = {}
    webhooks: tuple[str, ...] = ()
    early_events: bool = True
    lookback_seconds: int = 0
    timeout_at: int = 0
    include_event: bool = False


class WaitOpened(Message, frozen=True, tag="opened"):
    """A task waits for an event. `task_ref` is the base reference, without a loop suffix."""

    task_id: str
    workflow_id: str
    run: int
    task_ref: str
    iteration: int
    opened_at: int
    execution_started_at: int
    wait: Wait


class WaitClosed(Message, frozen=True, tag="closed"):
    """A task waits no more, for whatever reason."""

    task_id: str
    workflow_id: str
    closed_at: int
    reason: str = ""


WaitRecord: TypeAlias = WaitOpened | WaitClosed


# --- workflow.commands: matcher, engine -> engine ---


class EventRef(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """The event that caused a command; whoever acts on it answers on `webhooks.outcomes` (F5)."""

    event_id: str
    webhook_id: str
    webhook_name: str
    received_at: int
    delivery_id: str | None = None
    type: str | None = None


class CompleteTask(Message, frozen=True, tag="complete_task"):
    """Complete a waiting task with an event.

    `payload` is the event's payload as JSON; None means: read the document of the event in the
    collection `events` (it was larger than 64 KiB). `include_event`: the task asked for
    `_webhook`, which the matcher has put into `envelope`. `effect_id` is derived from task and
    event.
    """

    workflow_id: str
    task_id: str
    run: int
    effect_id: str
    event: EventRef
    payload: RawOrNone = None
    envelope: RawOrNone = None


class StartWorkflow(Message, frozen=True, tag="start_workflow"):
    """Start a workflow for an event. `workflow_id` is derived from the idempotency key.

    `key` is (webhook, delivery or event id, rule) or what the rule's `idempotencyKey` gave;
    `version` 0 = latest. `payload` None: as in CompleteTask.
    """

    workflow_id: str
    name: str
    version: int
    effect_id: str
    event: EventRef
    key: str
    key_given: bool
    strategy: IdempotencyStrategy = "FAIL"
    correlation_id: str | None = None
    payload: RawOrNone = None


class StartChild(Message, frozen=True, tag="start_child"):
    """Start a sub-workflow; `workflow_id` is derived from parent, task and attempt."""

    workflow_id: str
    parent_workflow_id: str
    parent_task_id: str
    parent_run: int
    request: dict[str, Any]


class ChildEnded(Message, frozen=True, tag="child_ended"):
    """A sub-workflow ended; the command is for its parent `workflow_id`.

    `output_token` names the body with its output in the collection `bodies` ("" = none).
    """

    workflow_id: str
    task_id: str
    run: int
    child_id: str
    child_run: int
    status: str
    reason: str | None = None
    output: RawOrNone = None
    output_token: str = ""


class ChildRevived(Message, frozen=True, tag="child_revived"):
    """A sub-workflow that had ended runs again; the command is for its parent `workflow_id`.

    `up_to`: the ancestor that a rerun was asked of; up to it, parents that had completed run again
    too.
    """

    workflow_id: str
    task_id: str
    run: int
    child_id: str
    child_run: int
    at: int = 0
    up_to: str = ""


class TerminateChild(Message, frozen=True, tag="terminate_child"):
    """The parent ended or cancelled the task: terminate this execution, unless it is terminal."""

    workflow_id: str
    parent_task_id: str
    reason: str


class StartFailureWorkflow(Message, frozen=True, tag="start_failure_workflow"):
    """Start the failure workflow of an execution that failed; id derived from execution and run."""

    workflow_id: str
    failed_workflow_id: str
    failed_run: int
    request: dict[str, Any]


class Decide(Message, frozen=True, tag="decide"):
    """Look at the execution again: something it waits for may be due."""

    workflow_id: str


Command: TypeAlias = (
    CompleteTask
    | StartWorkflow
    | StartChild
    | ChildEnded
    | ChildRevived
    | TerminateChild
    | StartFailureWorkflow
    | Decide
)


# --- webhooks.outcomes: whoever acts on an event -> matcher ---


class EffectApplied(Message, frozen=True, tag="applied"):
    """An effect of the event took hold."""

    event_id: str
    effect_id: str
    kind: Literal["resume", "start"]
    at: int
    service: str
    workflow_id: str
    workflow_name: str = ""
    workflow_version: int = 0
    task_id: str | None = None
    task_ref: str | None = None
    status: str = ""
    attempt: int = 1


class EffectRefused(Message, frozen=True, tag="refused"):
    """An effect of the event did not take hold. A refused resume releases the event (F5)."""

    event_id: str
    effect_id: str
    kind: Literal["resume", "start"]
    at: int
    service: str
    code: str
    reason: str
    workflow_id: str = ""
    workflow_name: str = ""
    workflow_version: int = 0
    task_id: str | None = None
    attempt: int = 1


class EventDeadLettered(Message, frozen=True, tag="dead"):
    """A message of the event was put aside in the dead-letter topic.

    `position` is where the event's raw request lies, as far as the message told.
    """

    event_id: str
    webhook_id: str
    at: int
    service: str
    topic: str
    error: str
    reason: str
    attempt: int = 1
    position: tuple[str, int, int] | None = None


Outcome: TypeAlias = EffectApplied | EffectRefused | EventDeadLettered


# --- workflow.events: the public feed ---


class StateChange(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """An entry of a node's `onStateChange`; `on`: which transition it was (onSuccess, …)."""

    on: str
    type: str
    payload: dict[str, Any] = {}


class WorkflowEvent(Message, frozen=True, tag="workflow_event"):
    """Something happened to an execution or one of its tasks: `kind` is a past-tense fact.

    WorkflowStarted, WorkflowCompleted, WorkflowFailed, WorkflowTimedOut, WorkflowTerminated,
    WorkflowPaused, WorkflowResumed, WorkflowRestarted, WorkflowRetried, WorkflowRerun,
    TaskScheduled, TaskStarted, TaskCompleted, TaskFailed, TaskTimedOut, TaskCanceled,
    TaskSkipped; and TaskStateChanged, which a workflow's author asked for (`state_change`).
    """

    id: str
    kind: str
    workflow_id: str
    workflow_name: str
    workflow_version: int
    run: int
    at: int
    status: str = ""
    correlation_id: str | None = None
    task_id: str | None = None
    task_ref: str | None = None
    task_type: str | None = None
    event_id: str | None = None
    reason: str | None = None
    state_change: StateChange | None = None


T = TypeVar("T", bound=Versioned)
_encoder = msgspec.json.Encoder()


class Codec(Generic[T]):
    """Encodes and decodes the messages of one topic."""

    def __init__(self, kind: Any) -> None:
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind)

    def encode(self, message: T) -> bytes:
        """The message as JSON."""
        return _encoder.encode(message)

    def decode(self, value: bytes | None) -> T:
        """The message in `value`; raises Undecodable, which is poison."""
        if value is None:
            raise Undecodable("a tombstone where a message was expected")
        try:
            message = self._decoder.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Undecodable(str(error)) from error
        check_version(message)
        return message


WAITS_CODEC: Codec[WaitRecord] = Codec(WaitOpened | WaitClosed)
COMMANDS_CODEC: Codec[Command] = Codec(
    CompleteTask
    | StartWorkflow
    | StartChild
    | ChildEnded
    | ChildRevived
    | TerminateChild
    | StartFailureWorkflow
    | Decide
)
OUTCOMES_CODEC: Codec[Outcome] = Codec(EffectApplied | EffectRefused | EventDeadLettered)
EVENTS_CODEC: Codec[WorkflowEvent] = Codec(WorkflowEvent)
CONFIG_CODEC: Codec[ConfigRecord] = Codec(WebhookConfig | WebhookDeleted | WorkflowPlans)
