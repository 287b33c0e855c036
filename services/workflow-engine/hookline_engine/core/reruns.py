"""An execution that had ended runs again from one of its tasks (engine.md 5.7, D25).

What the completion of that task had led to is taken back: its successors with all that is in them,
and the results of the joins and loops around it. Other branches keep what they have done.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from hookline_engine.core import reopening
from hookline_engine.core.commands import ChildRevived, Rerun
from hookline_engine.core.decisions import Refusal
from hookline_engine.core.flow import advance
from hookline_engine.core.lines import find
from hookline_engine.core.model import TaskLine
from hookline_engine.core.scheduling import remap, schedule
from hookline_engine.core.work import Work
from hookline_engine.definitions.model import WorkflowTask
from hookline_engine.definitions.snapshots import inner_lists, walk

_WITHOUT_INPUT = frozenset(("SWITCH", "FORK_JOIN", "JOIN", "DO_WHILE"))
"""Their input is not given to anyone: it only steers the flow."""


def rerun(work: Work, command: Rerun) -> Refusal | None:
    """From the task, or from the first node."""
    head = work.head
    if not work.terminal:
        message = f"execution {head.workflow_id} is {work.status}: it has not ended"
        return Refusal(409, "not_ended", message)
    if not command.task_id:
        _take_over(work, command)
        _from_the_start(work, command.up_to)
    else:
        found = _target(work, command)
        if isinstance(found, Refusal):
            return found
        _take_over(work, command)
        _from_task(work, found, command)
    advance(work)
    return None


def can_run_again(work: Work, line: TaskLine) -> bool:
    """The newest attempt of its node, in the iterations that the loops around it are in."""
    return work.tasks.get(line.ref) == line and reopening.is_current(work, line)


def wait_again(work: Work, line: TaskLine, command: ChildRevived) -> TaskLine:
    """A SUB_WORKFLOW task that had ended waits for its child, which runs again by a rerun."""
    others = _take_back(work, line, command.up_to)
    waiting = work.update(
        work.tasks[line.ref],
        status="IN_PROGRESS",
        reason=None,
        ended_at=0,
        executed=False,
        sub_workflow_changed=True,
        child_run=command.child_run,
    )
    _go_on_around(work, line, others)
    advance(work)
    return waiting


def _target(work: Work, command: Rerun) -> TaskLine | Refusal:
    """The newest attempt of the task that is meant."""
    workflow_id, task_id = work.head.workflow_id, command.task_id
    meant = find(work, task_id)
    if meant is None:
        message = f"execution {workflow_id} has no task {task_id} to run again from"
        return Refusal(400, "unknown_task", message)
    line = work.tasks.get(meant.ref)
    if line is None or line.path != meant.path or not can_run_again(work, line):
        message = f"the loop around task {task_id} has gone on since: choose a later task"
        return Refusal(409, "task_passed", message)
    kind = work.node(line.ref).task.type
    if command.task_input is not None and kind in _WITHOUT_INPUT:
        message = f"task {task_id} is a {kind}: its input comes from the definition; omit taskInput"
        return Refusal(400, "no_task_input", message)
    return line


def _take_over(work: Work, command: Rerun) -> None:
    head = work.head
    changes: dict[str, Any] = {}
    if command.correlation_id is not None:
        changes["correlation_id"] = command.correlation_id
    if command.workflow_input is not None:
        changes["input"] = work.body(head.workflow_id, "in", command.workflow_input)
    work.head = msgspec.structs.replace(head, **changes)


def _run_again(work: Work, up_to: str) -> None:
    head = work.head
    work.head = msgspec.structs.replace(head, reruns=head.reruns + 1, rerun_at=work.now)
    reopening.reopen(work, "WorkflowRerun", "" if up_to == head.workflow_id else up_to)


def _from_the_start(work: Work, up_to: str) -> None:
    work.head = msgspec.structs.replace(work.head, run=work.head.run + 1, past=(), pages=())
    work.forget(lambda _: True)
    work.seq = 0
    _run_again(work, up_to)


def _from_task(work: Work, line: TaskLine, command: Rerun) -> None:
    others = _take_back(work, line, command.up_to)
    node = work.node(line.ref)
    work.put(msgspec.structs.replace(line, retried=True, executed=True))
    remap(work, node, line.path, line.attempt + 1)
    fresh = msgspec.structs.replace(work.tasks[line.ref], retried_id=line.id)
    if command.task_input is not None and node.task.type != "SUB_WORKFLOW":
        given = work.body(fresh.id, "in", command.task_input)
        fresh = msgspec.structs.replace(fresh, input=given)
    work.put(fresh)
    _go_on_around(work, line, others)


def _take_back(work: Work, line: TaskLine, up_to: str) -> list[TaskLine]:
    """Undo what the task has led to, and run again; returns the other tasks that had failed."""
    node = work.node(line.ref)
    own, behind = dict(_inside(node.task, line.path)), dict(_behind(work, line))
    failed = reopening.failed_lines(work)
    around = (line.ref, *node.loops)
    others = [one for one in failed if one.ref not in (*around, *own, *behind)]
    _run_again(work, up_to)

    def gone(one: TaskLine) -> bool:
        if one.ref in own:
            return _within(one, own[one.ref])
        if one.ref not in behind or (one.status == "SKIPPED" and one.path == behind[one.ref]):
            return False  # nothing that the task led to: someone said so
        return _within(one, behind[one.ref])

    work.forget(gone)
    for loop in node.loops:
        again = {"status": "IN_PROGRESS", "reason": None, "ended_at": 0, "executed": False}
        work.update(work.tasks[loop], **again)
    for one in [one for one in work.waiting() if one.type == "TERMINATE" and not one.failed]:
        work.put(msgspec.structs.replace(one, executed=True))  # it has had its effect
    return others


def _go_on_around(work: Work, line: TaskLine, others: list[TaskLine]) -> None:
    """The joins that wait for the task's branch are there again, and what else had failed."""
    for join in _joins_around(work.snapshot.definition.tasks, line.ref):
        if join not in work.tasks:
            schedule(work, join, line.path[: len(work.node(join).loops)])
    for one in others:
        reopening.try_again(work, one)


def _behind(work: Work, line: TaskLine) -> Iterator[tuple[str, tuple[int, ...]]]:
    """What comes after the task and after the loops around it: reference, and iterations."""
    for begin in (line.ref, *work.node(line.ref).loops):
        ref = work.node(begin).next
        path = line.path[: len(work.node(begin).loops)]
        while ref is not None:
            node = work.node(ref)
            yield ref, path
            yield from _inside(node.task, path)
            ref = node.next


def _inside(task: WorkflowTask, path: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    for part in inner_lists(task):
        for one in walk(part):
            yield one.task_reference_name, path


def _within(line: TaskLine, path: tuple[int, ...]) -> bool:
    return line.path[: len(path)] == path


def _joins_around(tasks: Sequence[WorkflowTask], ref: str) -> Iterator[str]:
    """The JOIN behind each fork around the node, the innermost first."""
    for task, following in zip(tasks, [*tasks[1:], None], strict=True):
        for part in inner_lists(task):
            if any(one.task_reference_name == ref for one in walk(part)):
                yield from _joins_around(part, ref)
                if task.type == "FORK_JOIN" and following is not None and following.type == "JOIN":
                    yield following.task_reference_name
