"""What workers and the executor say of their tasks (engine.md 5.9, protocols.md G4 and G5)."""

from typing import Any

import msgspec

from hookline_engine.core.commands import (
    ExtendLease,
    HandOut,
    Requeue,
    ResetCallbacks,
    SystemTaskDone,
    UpdateTask,
)
from hookline_engine.core.decisions import Refusal
from hookline_engine.core.flow import advance
from hookline_engine.core.lines import find
from hookline_engine.core.model import TaskLine
from hookline_engine.core.tasks.http import settle_response
from hookline_engine.core.tasks.kinds import enqueue
from hookline_engine.core.tasks.registry import type_of
from hookline_engine.core.work import Work

MAX_REASON = 500


def hand_out(work: Work, command: HandOut) -> TaskLine | Refusal:
    """From SCHEDULED(n) to IN_PROGRESS; nothing is decided by it."""
    line = find(work, command.task_id)
    if (
        line is None
        or work.terminal
        or line.status != "SCHEDULED"
        or line.hand_off != command.hand_off
    ):
        return Refusal(409, "not_waiting", f"task {command.task_id} does not wait for this poll")
    handed = work.update(
        line,
        status="IN_PROGRESS",
        started_at=line.started_at or work.now,
        callback_after_seconds=0,
        worker_id=command.worker_id,
        poll_count=line.poll_count + 1,
        slotted=command.slotted,
    )
    work.feed("TaskStarted", handed)
    return handed


def requeue(work: Work, command: Requeue) -> TaskLine | None:
    """A hand-off that was begun elsewhere and not saved can be saved no more."""
    line = find(work, command.task_id)
    waits = line is not None and line.status == "SCHEDULED" and line.hand_off == command.hand_off
    if line is None or not waits or work.terminal:
        return line
    kind = type_of(work.node(line.ref))
    kind.release(work, line, "requeued")
    return enqueue(work, line, kind.queued or "system")


def extend_lease(work: Work, command: ExtendLease) -> TaskLine | Refusal:
    """The response timeout starts again; nothing is decided by it."""
    line = find(work, command.task_id)
    if line is None:
        return _unknown(command.task_id)
    if not line.live or work.terminal:
        return line
    return work.update(line)


def update_task(work: Work, command: UpdateTask) -> TaskLine | Refusal:
    """A result. One for a task or execution that has ended is accepted and ignored."""
    line = find(work, command.task_id)
    if line is None:
        return _unknown(command.task_id)
    if not line.live or work.terminal:
        return line
    changes = _reported(work, line, command)
    kind = type_of(work.node(line.ref))
    if command.status != "IN_PROGRESS":
        kind.release(work, line, "updated")
        updated = _ended(work, line, command, changes)
    elif kind.queued == "worker":
        kind.release(work, line, "updated")
        ready_at = work.now + command.callback_after_seconds * 1000
        updated = enqueue(
            work, work.update(line, status="SCHEDULED", ready_at=ready_at, **changes), "worker"
        )
    else:
        updated = work.update(line, **changes)
    advance(work)
    return updated


def system_task_done(work: Work, command: SystemTaskDone) -> TaskLine | None:
    """The executor's result, if it is still wanted."""
    line = find(work, command.task_id)
    if line is None or work.terminal or line.status != "IN_PROGRESS":
        return line
    if line.hand_off != command.hand_off or line.async_complete:
        return line
    line = work.update(line, worker_id=command.worker_id or line.worker_id)
    settle_response(work, line, command.response, command.error)
    advance(work)
    return line


def reset_callbacks(work: Work, _: ResetCallbacks) -> Refusal | None:
    """Tasks that were put off become visible now (engine.md 5.12)."""
    if work.terminal:
        message = f"execution {work.head.workflow_id} has ended: it is {work.status}"
        return Refusal(409, "execution_ended", message)
    for line in tuple(work.live()):
        kind = type_of(work.node(line.ref))
        put_off = line.status == "SCHEDULED" and line.callback_after_seconds > 0
        if kind.queued == "worker" and put_off:
            kind.release(work, line, "callbacks reset")
            enqueue(work, work.update(line, callback_after_seconds=0, ready_at=0), "worker")
    return None


def _reported(work: Work, line: TaskLine, command: UpdateTask) -> dict[str, Any]:
    """What the result overwrites, null and empty too."""
    output = command.output
    if command.output_mode == "merge":
        output = {**work.value(line.output), **output}
    return {
        "output": work.body(line.id, "out", output),
        "reason": command.reason[:MAX_REASON] if command.reason else command.reason,
        "worker_id": command.worker_id,
        "callback_after_seconds": command.callback_after_seconds,
        "sub_workflow_id": command.sub_workflow_id or line.sub_workflow_id,
    }


def _ended(work: Work, line: TaskLine, command: UpdateTask, changes: dict[str, Any]) -> TaskLine:
    limit = work.context.limits.payload_bytes
    if not _larger(work, changes["output"], limit):
        return work.end(line, status=command.status, **changes)
    changes |= {"output": "", "reason": f"the output is larger than {limit} bytes"}
    return work.end(line, status="FAILED_WITH_TERMINAL_ERROR", **changes)


def _larger(work: Work, token: str, limit: int) -> bool:
    return bool(token) and len(msgspec.json.encode(work.value(token))) > limit


def _unknown(task_id: str) -> Refusal:
    return Refusal(404, "not_found", f"there is no task {task_id}")
