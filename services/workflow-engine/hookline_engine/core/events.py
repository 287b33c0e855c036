"""Webhook events: they complete waiting tasks and start executions, and hear what became of it."""

from typing import Any

import msgspec

from hookline_common.messages import EffectApplied, EffectRefused, EventRef
from hookline_engine.core.commands import CompleteWait, Start
from hookline_engine.core.decisions import Refusal
from hookline_engine.core.effects import AnyEffect, Outcome
from hookline_engine.core.flow import advance
from hookline_engine.core.lines import find
from hookline_engine.core.model import Head, TaskLine
from hookline_engine.core.tasks.wait import waits_for_event
from hookline_engine.core.work import Work

SERVICE = "engine"


def complete_wait(work: Work, command: CompleteWait) -> TaskLine | Refusal | None:
    """The event completes the task, once; a refusal says why, so that the event is released."""
    line = find(work, command.task_id)
    if _taken(work, line, command):
        work.emit(_applied(work, command, line))
        return line
    late = line is not None and 0 < line.wake_at < command.event.received_at
    if late and line is not None and line.live:
        advance(work)
        line = find(work, command.task_id)
    code = _objection(work, line, command, late=late)
    if code is not None or line is None:
        return _refused(work, command, code or "no_such_task")
    # No WaitClosed: the matcher has taken the wait for this event, and a taken wait opens no more.
    ended = work.end(
        line,
        status="COMPLETED",
        output=work.body(line.id, "out", _output(line, command)),
        effect_id=command.effect_id,
    )
    work.command_ids = (*work.command_ids, command.effect_id)
    work.emit(_applied(work, command, ended))
    advance(work)
    return ended


def started(head: Head, command: Start, event: EventRef, now_ms: int) -> Outcome:
    """The event started this execution."""
    message = EffectApplied(
        event_id=event.event_id,
        effect_id=command.effect_id,
        kind="start",
        at=now_ms,
        service=SERVICE,
        workflow_id=head.workflow_id,
        workflow_name=head.name,
        workflow_version=head.version,
        status="RUNNING",
    )
    return Outcome(f"{command.effect_id}:applied", message)


def started_already(head: Head, command: Start, now_ms: int) -> tuple[AnyEffect, ...]:
    """The start came again: say again that it took hold, if it was this very one."""
    if command.event_ref is None or command.effect_id not in head.command_ids:
        return ()
    return (started(head, command, command.event_ref, now_ms),)


def _taken(work: Work, line: TaskLine | None, command: CompleteWait) -> bool:
    """The command came before and took hold."""
    if line is not None and line.effect_id == command.effect_id:
        return True
    return command.effect_id in work.command_ids


def _objection(
    work: Work, line: TaskLine | None, command: CompleteWait, *, late: bool
) -> str | None:
    if command.run not in (0, work.head.run):
        return "superseded_run"
    if line is None or not waits_for_event(work.node(line.ref)):
        return "no_such_task"
    if late or (not line.live and 0 < line.wake_at <= line.ended_at):
        return "wait_timed_out"
    if work.terminal:
        return "execution_ended"
    if line.status != "IN_PROGRESS":
        return "task_ended"
    return None


def _output(line: TaskLine, command: CompleteWait) -> Any:
    """The payload, with `_webhook` beside it if the task asked for it."""
    if not line.include_event or command.envelope is None:
        return command.payload
    return {**_value(command.payload), "_webhook": _value(command.envelope)}


def _value(value: Any) -> Any:
    return msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value


def _applied(work: Work, command: CompleteWait, line: TaskLine | None) -> Outcome:
    message = EffectApplied(
        event_id=command.event.event_id,
        effect_id=command.effect_id,
        kind="resume",
        at=work.now,
        service=SERVICE,
        workflow_id=work.head.workflow_id,
        workflow_name=work.head.name,
        workflow_version=work.head.version,
        task_id=command.task_id,
        task_ref=line.ref if line else None,
        status=line.status if line else "COMPLETED",
    )
    return Outcome(f"{command.effect_id}:applied", message)


def _refused(work: Work, command: CompleteWait, code: str) -> Refusal:
    reason = _REASONS[code]
    message = EffectRefused(
        event_id=command.event.event_id,
        effect_id=command.effect_id,
        kind="resume",
        at=work.now,
        service=SERVICE,
        code=code,
        reason=reason,
        workflow_id=work.head.workflow_id,
        workflow_name=work.head.name,
        workflow_version=work.head.version,
        task_id=command.task_id,
    )
    work.emit(Outcome(f"{command.effect_id}:refused", message))
    return Refusal(409, code, reason)


_REASONS = {
    "superseded_run": "the execution was restarted since the wait was opened",
    "no_such_task": "there is no such waiting task",
    "wait_timed_out": "the wait had run out when the event arrived",
    "execution_ended": "the execution has ended",
    "task_ended": "the task waits no longer",
}
