"""What a task type says about itself: the base of all files in this folder."""

from typing import Any, ClassVar, Literal

import msgspec

from hookline_common.ids import digest
from hookline_engine.core.domains import domain_of
from hookline_engine.core.effects import DequeueTask, EnqueueTask
from hookline_engine.core.inputs import evaluate, task_input
from hookline_engine.core.model import FAR_FUTURE, TaskLine
from hookline_engine.core.work import Work
from hookline_engine.definitions.snapshots import Node

MAX_RANK = 99


def task_id_of(work: Work, ref: str, path: tuple[int, ...], attempt: int) -> str:
    """`<workflow id>-<12 hex>`: the same attempt always has the same id."""
    head = work.head
    iterations = ".".join(map(str, path))
    run = f"{head.run}.{head.reruns}" if head.reruns else str(head.run)
    return f"{head.workflow_id}-{digest(run, ref, iterations, str(attempt))[:12]}"


class TaskType:
    """A task type. Types differ by what they override; instances hold no state.

    create: the flow reached the node. launch: a line's time has come. look: once per round while it
    is live. release: it ends otherwise than by its own doing (cancelled, timed out, updated).
    """

    retriable: ClassVar[bool] = True
    """A failed attempt may be followed by another."""
    queued: ClassVar[Literal["worker", "system"] | None] = None
    """Handed out from the task queue, and to whom."""
    answered: ClassVar[bool] = False
    """Someone holds the task while it is IN_PROGRESS, so poll and response timeouts apply (D44)."""
    delayed: ClassVar[bool] = False
    """`startDelay` of the node counts."""
    cacheable: ClassVar[bool] = False
    """`cacheConfig` counts: the task does work whose output can stand for itself (D11)."""
    ends_in_pause: ClassVar[bool] = False
    """May end while the execution is paused."""

    def create(self, work: Work, node: Node, path: tuple[int, ...], attempt: int = 0) -> None:
        """Map the node: one line, SCHEDULED, with its evaluated input."""
        task_id = task_id_of(work, node.ref, path, attempt)
        line = self.line(work, node, path, task_id, attempt)
        given = self.input(work, node, task_id)
        self.begin(work, msgspec.structs.replace(line, input=work.body(task_id, "in", given)))

    def line(
        self, work: Work, node: Node, path: tuple[int, ...], task_id: str, attempt: int
    ) -> TaskLine:
        """A fresh line of the node; not yet part of the execution."""
        delay = node.task.start_delay if self.delayed else 0
        return TaskLine(
            id=task_id,
            ref=node.ref,
            type=self.shown_type(node),
            def_name=self.shown_def_name(node),
            status="SCHEDULED",
            seq=0,
            path=path,
            attempt=attempt,
            callback_after_seconds=delay,
            ready_at=work.now + delay * 1000 if delay else 0,
            response_timeout_seconds=(
                node.task_def.response_timeout_seconds if self.answered else 0
            ),
            priority=work.head.priority,
        )

    def begin(self, work: Work, line: TaskLine) -> TaskLine:
        """The line becomes part of the execution."""
        work.seq += 1
        begun = msgspec.structs.replace(
            line,
            seq=work.seq,
            scheduled_at=work.now,
            first_scheduled_at=line.first_scheduled_at or work.now,
            updated_at=work.now,
            domain=domain_of(work, line.type) if self.queued == "worker" else None,
        )
        work.put(begun)
        work.feed("TaskScheduled", begun)
        return begun

    def input(self, work: Work, node: Node, task_id: str) -> dict[str, Any]:
        """The evaluated input."""
        return task_input(work, node, task_id)

    def input_again(
        self, work: Work, node: Node, task_id: str, old: TaskLine
    ) -> dict[str, Any] | None:
        """The input of the next attempt: the old one under a fresh evaluation; None = as it was."""
        fresh = evaluate(work, node.task.input_parameters, task_id)
        return {**work.value(old.input), **fresh} if fresh else None

    def shown_type(self, node: Node) -> str:
        """`taskType`."""
        return node.task.type

    def shown_def_name(self, node: Node) -> str:
        """`taskDefName`."""
        return node.task.name

    def launch(self, work: Work, line: TaskLine) -> None:
        """Begin what the task does; for a queued type: into the queue."""
        enqueue(work, line, self.queued or "system")

    def look(self, work: Work, line: TaskLine) -> None:
        """See whether the live task has ended by itself."""

    def release(self, work: Work, line: TaskLine, reason: str) -> None:  # noqa: ARG002 - others tell
        """Take back what `launch` asked for."""
        if self.queued and line.status == "SCHEDULED" and line.hand_off:
            work.emit(DequeueTask(f"{line.id}:{line.hand_off}:dequeue", line.id, line.hand_off))


def enqueue(work: Work, line: TaskLine, kind: Literal["worker", "system"]) -> TaskLine:
    """The next queue entry of the task (G4)."""
    queued = msgspec.structs.replace(line, hand_off=line.hand_off + 1)
    work.put(queued)
    work.emit(
        EnqueueTask(
            id=f"{line.id}:{queued.hand_off}:enqueue",
            task_id=line.id,
            hand_off=queued.hand_off,
            queue=f"{line.domain}:{line.type}" if line.domain else line.type,
            task_type=line.type,
            rank=MAX_RANK - line.priority,
            visible_at=min(max(line.ready_at, work.now), FAR_FUTURE),
            kind=kind,
            def_name=line.def_name,
        )
    )
    return queued


def start(work: Work, line: TaskLine) -> TaskLine:
    """The task is now in progress inside the engine."""
    started = msgspec.structs.replace(
        line,
        status="IN_PROGRESS",
        started_at=line.started_at or work.now,
        updated_at=work.now,
    )
    work.put(started)
    return started


def complete(work: Work, line: TaskLine, output: dict[str, Any] | None = None) -> TaskLine:
    """The task is COMPLETED, with a new output if one is given."""
    token = line.output if output is None else work.body(line.id, "out", output)
    return work.end(line, status="COMPLETED", output=token, started_at=line.started_at or work.now)


def fail(
    work: Work,
    line: TaskLine,
    reason: str,
    output: dict[str, Any] | None = None,
    status: Literal["FAILED", "FAILED_WITH_TERMINAL_ERROR"] = "FAILED",
) -> TaskLine:
    """The task failed, for a reason that its author can act on."""
    token = line.output if output is None else work.body(line.id, "out", output)
    return work.end(
        line,
        status=status,
        reason=reason,
        output=token,
        started_at=line.started_at or work.now,
    )


def fail_terminally(
    work: Work, line: TaskLine, reason: str, output: dict[str, Any] | None = None
) -> TaskLine:
    """The task failed, and another attempt would too."""
    return fail(work, line, reason, output, "FAILED_WITH_TERMINAL_ERROR")
