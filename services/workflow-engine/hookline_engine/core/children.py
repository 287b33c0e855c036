"""What a sub-workflow tells its parent (engine.md 4.14, 5.6)."""

from typing import Any

from hookline_engine.core import reruns
from hookline_engine.core.commands import ChildEnded, ChildRevived
from hookline_engine.core.flow import advance
from hookline_engine.core.lines import find
from hookline_engine.core.model import TaskLine, TaskStatus
from hookline_engine.core.reopening import revive
from hookline_engine.core.tasks.registry import type_of
from hookline_engine.core.tasks.sub_workflow import SubWorkflow
from hookline_engine.core.work import Work

_ENDS: dict[str, TaskStatus] = {
    "COMPLETED": "COMPLETED",
    "FAILED": "FAILED",
    "TIMED_OUT": "TIMED_OUT",
    "TERMINATED": "CANCELED",
}


def child_ended(work: Work, command: ChildEnded) -> TaskLine | None:
    """The task ends as its child did, with the child's output beside its id."""
    line = _line_of(work, command)
    if line is None or not line.live or work.terminal or line.child_run != command.child_run:
        return line
    status = _ends_as(command.status)
    reason = None
    if status != "COMPLETED":
        reason = f"sub-workflow {command.child_id} is {command.status}: {command.reason or ''}"
    output: dict[str, Any] = {**(command.output or {}), "subWorkflowId": command.child_id}
    ended = work.end(line, status=status, reason=reason, output=work.body(line.id, "out", output))
    advance(work)
    return ended


def child_revived(work: Work, command: ChildRevived) -> TaskLine | None:
    """The child runs again: the task waits for it again, and the execution for the task (D37)."""
    line = _line_of(work, command)
    if line is None or line.retried or command.child_run <= line.child_run:
        return line
    if command.up_to and work.terminal and reruns.can_run_again(work, line):
        return reruns.wait_again(work, line, command)
    if not line.failed or work.node(line.ref).task.optional:
        return work.update(line, child_run=command.child_run) if line.live else line
    if work.terminal:
        revive(work, spared=line.ref)
    revived = work.update(
        line,
        status="IN_PROGRESS",
        reason=None,
        ended_at=0,
        executed=False,
        sub_workflow_changed=True,
        child_run=command.child_run,
    )
    advance(work)
    return revived


def _ends_as(status: str) -> TaskStatus:
    return _ENDS.get(status, "FAILED")


def _line_of(work: Work, command: ChildEnded | ChildRevived) -> TaskLine | None:
    if command.run not in (0, work.head.run):
        return None
    line = find(work, command.task_id)
    if line is None or line.sub_workflow_id != command.child_id:
        return None
    return line if isinstance(type_of(work.node(line.ref)), SubWorkflow) else None
