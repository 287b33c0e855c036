"""WAIT_FOR_WEBHOOK: opens a wait; an event that meets it completes the task (webhooks.md 5)."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from hookline_common import expressions
from hookline_common.matching.waits import WaitUnresolvable, resolve_wait
from hookline_common.messages import Wait, WaitClosed, WaitOpened
from hookline_engine.core.effects import CloseWait, OpenWait
from hookline_engine.core.inputs import own_input, scope_of
from hookline_engine.core.model import Head, TaskLine
from hookline_engine.core.tasks.kinds import TaskType, complete, fail, fail_terminally, start
from hookline_engine.core.work import Work
from hookline_engine.definitions.snapshots import Node


class WaitForWebhook(TaskType):
    """The matcher sends the event; its payload is the output."""

    ends_in_pause: ClassVar[bool] = True

    def input(self, work: Work, node: Node, task_id: str) -> dict[str, Any]:
        """The evaluated input."""
        return own_input(work, node, task_id)

    def shown_def_name(self, node: Node) -> str:
        """`taskDefName` is the type."""
        return node.task.type

    def launch(self, work: Work, line: TaskLine) -> None:
        """Open the wait; one that nothing could meet is an error that the author should see."""
        try:
            wait = _resolve_now(work, line)
        except WaitUnresolvable as error:
            fail_terminally(work, line, str(error))
            return
        given = work.value(line.input)
        waiting = start(
            work,
            msgspec.structs.replace(
                line,
                wake_at=wait.timeout_at,
                timeout_fails=given.get("onTimeout") == "FAIL",
                include_event=wait.include_event,
            ),
        )
        work.emit(OpenWait(f"{line.id}:open", _opened(work.head, waiting, wait)))

    def look(self, work: Work, line: TaskLine) -> None:
        """The wait may have run out."""
        if not line.wake_at or line.wake_at > work.now:
            return
        self.release(work, line, "timed_out")
        if line.timeout_fails:
            fail(work, line, "no event came in time", {"timedOut": True})
        else:
            complete(work, line, {"timedOut": True})

    def release(self, work: Work, line: TaskLine, reason: str) -> None:
        """Close the wait, if it was opened."""
        if line.status == "IN_PROGRESS":
            message = WaitClosed(line.id, work.head.workflow_id, work.now, reason[:200])
            work.emit(CloseWait(f"{line.id}:close", message))


def reopened(head: Head, node: Node, line: TaskLine, given: Mapping[str, Any]) -> WaitOpened:
    """What the matcher was told when the wait of a live task with this input was opened."""
    wait = _resolve(head, node, given, line.started_at)
    return _opened(head, line, msgspec.structs.replace(wait, timeout_at=line.wake_at))


def _opened(head: Head, line: TaskLine, wait: Wait) -> WaitOpened:
    return WaitOpened(
        task_id=line.id,
        workflow_id=head.workflow_id,
        run=head.run,
        task_ref=line.ref,
        iteration=line.shown_iteration,
        opened_at=line.started_at,
        execution_started_at=head.created_at,
        wait=wait,
    )


def _resolve_now(work: Work, line: TaskLine) -> Wait:
    """Resolved, and refused if an expression leads to nothing."""
    node = work.node(line.ref)
    matches = {"matches": node.task.input_parameters.get("matches")}
    unresolved = expressions.unresolved(matches, scope_of(work, matches, line.id))
    return _resolve(work.head, node, work.value(line.input), work.now, unresolved)


def _resolve(
    head: Head,
    node: Node,
    given: Mapping[str, Any],
    opened_at: int,
    unresolved: Sequence[tuple[str, str]] = (),
) -> Wait:
    wait = resolve_wait(
        node.task.input_parameters,
        given,
        workflow=head.name,
        version=head.version,
        opened_at=opened_at,
        unresolved=unresolved,
    )
    return msgspec.structs.replace(wait, include_event="event" in (given.get("include") or ()))
