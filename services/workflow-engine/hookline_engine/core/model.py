"""The execution as it is stored: the head, its task lines, and the references to their bodies.

A body reference is the id of a document in the collection `bodies` ("" = the empty object). The
head holds the newest attempt of each reference (`tasks`) and the older lines that fit (`past`);
what does not fit is in immutable pages (`pages`), so that a step's cost does not grow (G1).
"""

from typing import Any, Literal, TypeAlias

import msgspec

from hookline_engine.core.effects import Entry

TaskStatus: TypeAlias = Literal[
    "SCHEDULED",
    "IN_PROGRESS",
    "COMPLETED",
    "COMPLETED_WITH_ERRORS",
    "SKIPPED",
    "FAILED",
    "FAILED_WITH_TERMINAL_ERROR",
    "TIMED_OUT",
    "CANCELED",
]
WorkflowStatus: TypeAlias = Literal[
    "RUNNING", "PAUSED", "COMPLETED", "FAILED", "TIMED_OUT", "TERMINATED"
]

LIVE = frozenset(("SCHEDULED", "IN_PROGRESS"))
FAILED = frozenset(("FAILED", "FAILED_WITH_TERMINAL_ERROR", "TIMED_OUT", "CANCELED"))
"""Terminal and not successful."""

PAGE_LINES = 500
MAX_LIVE_TASKS = 10_000
MAX_COMMAND_IDS = 100
FAR_FUTURE = 253_402_300_799_000
"""The end of year 9999: no due time in an index is later."""


class TaskLine(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """One attempt of one node. Times are epoch milliseconds, 0 = unset.

    `ref` is the node's reference; `path` are the iterations of the loops around it, outermost
    first, so that the shown reference is `ref__1__3`. `iteration` is the counter of a DO_WHILE
    itself. `hand_off` numbers the queue entries of the attempt (G4), `slotted`: the last hand-off
    took a place under the limit of the task type; `ready_at` is when it may be handed out or
    started; `wake_at` is when a WAIT or a wait for an event ends. `cache_key`: the entry that its
    output is kept under; `cached_output`: its output came from there.
    """

    id: str
    ref: str
    type: str
    def_name: str
    status: TaskStatus
    seq: int
    path: tuple[int, ...] = ()
    attempt: int = 0
    retried_id: str | None = None
    retried: bool = False
    executed: bool = False
    iteration: int = 0
    scheduled_at: int = 0
    first_scheduled_at: int = 0
    started_at: int = 0
    ended_at: int = 0
    updated_at: int = 0
    ready_at: int = 0
    wake_at: int = 0
    hand_off: int = 0
    start_delay_seconds: int = 0
    callback_after_seconds: int = 0
    response_timeout_seconds: int = 0
    poll_count: int = 0
    worker_id: str | None = None
    domain: str | None = None
    reason: str | None = None
    input: str = ""
    output: str = ""
    priority: int = 0
    sub_workflow_id: str | None = None
    sub_workflow_changed: bool = False
    async_complete: bool = False
    effect_id: str | None = None
    include_event: bool = False
    timeout_fails: bool = False
    child_run: int = 0
    slotted: bool = False
    cache_key: str = ""
    cache_seconds: int = 0
    cached_output: bool = False

    @property
    def shown_ref(self) -> str:
        """The reference as the API shows it, with `__n` for each loop around the node."""
        return shown_ref(self.ref, self.path)

    @property
    def live(self) -> bool:
        """Not ended."""
        return self.status in LIVE

    @property
    def failed(self) -> bool:
        """Ended without success."""
        return self.status in FAILED

    @property
    def shown_iteration(self) -> int:
        """`iteration` of Conductor's Task: a loop's own counter, else the innermost loop's."""
        return self.iteration or (self.path[-1] if self.path else 0)


class RunLimit(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """The limit of a workflow for one evaluated key (D9); `at_once` is what it was at the start."""

    id: str
    key: str
    at_once: int


class Head(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """An execution. `run` is raised when it begins anew; `snapshot` is the body of its definition.

    `revivals` counts how often it ran again after it had ended, so that a parent can tell a late
    report of an earlier end. `permissive_reasons`: why it will fail once everything else is done.

    `rate_limit`: the limit of its workflow that it runs under; `rate_limited`: it waits for a place
    there, and nothing happens in it; `admitted_at`: when it got one.

    `reruns` counts the reruns, so that what is mapped again has ids of its own; `rerun_at`: the
    last of them.

    `tasks` is in no order (see `seq`); `outbox` are effects saved but not yet known to be out (G2),
    numbered from 1 over the execution's life; `wake_at` 0 = nothing to wait for.
    """

    workflow_id: str
    name: str
    version: int
    snapshot: str
    status: WorkflowStatus = "RUNNING"
    previous_status: WorkflowStatus | None = None
    run: int = 1
    input: str = ""
    output: str = ""
    variables: dict[str, Any] = {}
    tasks: dict[str, TaskLine] = {}
    past: tuple[TaskLine, ...] = ()
    pages: tuple[str, ...] = ()
    seq: int = 0
    created_at: int = 0
    ended_at: int = 0
    updated_at: int = 0
    last_retried_at: int = 0
    wake_at: int = 0
    correlation_id: str | None = None
    idempotency_key: str | None = None
    priority: int = 0
    task_to_domain: dict[str, str] = {}
    parent_workflow_id: str | None = None
    parent_task_id: str | None = None
    parent_run: int = 0
    event: str | None = None
    created_by: str | None = None
    reason: str | None = None
    failed_refs: tuple[str, ...] = ()
    failed_names: tuple[str, ...] = ()
    failed_task_id: str | None = None
    permissive_reasons: tuple[str, ...] = ()
    revivals: int = 0
    reruns: int = 0
    rerun_at: int = 0
    rate_limit: RunLimit | None = None
    rate_limited: bool = False
    admitted_at: int = 0
    command_ids: tuple[str, ...] = ()
    outbox: tuple[Entry, ...] = ()
    outbox_next: int = 1
    outbox_since: int = 0

    @property
    def terminal(self) -> bool:
        """Ended: nothing but restart, retry, rerun or terminate changes it."""
        return self.status not in ("RUNNING", "PAUSED")

    @property
    def last_line(self) -> TaskLine | None:
        """The line that was scheduled last."""
        return max(self.tasks.values(), key=lambda line: line.seq, default=None)


def shown_ref(ref: str, path: tuple[int, ...]) -> str:
    """`ref__1__3` for a node in the third round of an inner and the first of an outer loop."""
    return ref + "".join(f"__{iteration}" for iteration in path) if path else ref


def find_line(head: Head, task_id: str) -> TaskLine | None:
    """The line of a task that the head itself holds; pages are the caller's to look into."""
    for line in head.tasks.values():
        if line.id == task_id:
            return line
    return next((line for line in reversed(head.past) if line.id == task_id), None)


def live_line(head: Head, ref: str) -> TaskLine | None:
    """The live task that an update by reference means: exactly `ref`, else without loop suffix."""
    live = sorted((line for line in head.tasks.values() if line.live), key=lambda line: line.seq)
    exact = next((line for line in live if line.shown_ref == ref), None)
    return exact or next((line for line in live if line.ref == ref), None)


def workflow_id_of(task_id: str) -> str:
    """The execution of a task: its id without the last `-…` part."""
    return task_id.rpartition("-")[0]


_encoder = msgspec.json.Encoder()
_head_decoder = msgspec.json.Decoder(Head)
_page_decoder = msgspec.json.Decoder(tuple[TaskLine, ...])


def encode_head(head: Head) -> bytes:
    """The stored form, compact JSON."""
    return _encoder.encode(head)


def decode_head(body: bytes) -> Head:
    """A stored head."""
    return _head_decoder.decode(body)


def encode_page(lines: tuple[TaskLine, ...]) -> bytes:
    """A page of finished lines, as stored in `task_pages`."""
    return _encoder.encode(lines)


def decode_page(body: bytes) -> tuple[TaskLine, ...]:
    """A stored page."""
    return _page_decoder.decode(body)
