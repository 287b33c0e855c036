"""JOIN: waits for the named tasks and gathers their outputs (engine.md 4.11)."""

from typing import ClassVar

import msgspec

from hookline_engine.core.model import TaskLine, shown_ref
from hookline_engine.core.tasks.kinds import TaskType, start, task_id_of
from hookline_engine.core.work import Work
from hookline_engine.definitions.snapshots import Node


class Join(TaskType):
    """Evaluated in every round, after failed attempts were retried or settled (D46)."""

    retriable: ClassVar[bool] = False

    def shown_def_name(self, node: Node) -> str:
        """`taskDefName` is the type."""
        return node.task.type

    def create(self, work: Work, node: Node, path: tuple[int, ...], attempt: int = 0) -> None:
        """Its input is only `joinOn`, in a loop with the iteration; nothing is evaluated."""
        task_id = task_id_of(work, node.ref, path, attempt)
        names = [shown_ref(ref, path) for ref in node.task.join_on]
        token = work.body(task_id, "in", {"joinOn": names})
        line = self.line(work, node, path, task_id, attempt)
        self.begin(work, msgspec.structs.replace(line, input=token))

    def launch(self, work: Work, line: TaskLine) -> None:
        """Look at once: an empty list is complete."""
        self.look(work, start(work, line))

    def look(self, work: Work, line: TaskLine) -> None:
        """End when all have ended, or as soon as one has failed for good."""
        joined = [_joined(work, ref, line.path) for ref in work.node(line.ref).task.join_on]
        if any(one is not None and one.failed and not one.executed for one in joined):
            return  # the next round decides that failure first
        all_ended = all(one is not None and not one.live for one in joined)
        failing = [
            one for one in joined if one is not None and _fails(work, one, all_ended=all_ended)
        ]
        if failing or all_ended:
            lines = [one for one in joined if one is not None]
            _end(work, line, lines, failing)


def _joined(work: Work, ref: str, path: tuple[int, ...]) -> TaskLine | None:
    line = work.tasks.get(ref)
    return line if line is not None and line.path == path else None


def _fails(work: Work, line: TaskLine, *, all_ended: bool) -> bool:
    task = work.node(line.ref).task
    return line.failed and not task.optional and (not task.permissive or all_ended)


def _end(work: Work, line: TaskLine, joined: list[TaskLine], failing: list[TaskLine]) -> None:
    work.require(one.output for one in joined)
    output = {one.shown_ref: value for one in joined if (value := work.value(one.output))}
    token = work.body(line.id, "out", output)
    if failing:
        cancelled = all(one.status == "CANCELED" for one in failing)
        reason = " ".join(one.reason for one in joined if one.failed and one.reason)
        status = "CANCELED" if cancelled else "FAILED"
        work.end(line, status=status, reason=reason, output=token)
        return
    errors = [f"{one.def_name}/{one.id}" for one in joined if one.status == "COMPLETED_WITH_ERRORS"]
    if errors:
        reason = f"optional tasks failed: {', '.join(errors)}"
        work.end(line, status="COMPLETED_WITH_ERRORS", reason=reason, output=token)
    else:
        work.end(line, status="COMPLETED", output=token)
