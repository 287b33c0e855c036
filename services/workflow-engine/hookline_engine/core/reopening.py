"""An execution that had ended runs again: restart, retry, and after a child did (5.5, 5.6)."""

import msgspec

from hookline_engine.core import run_limits
from hookline_engine.core.commands import Restart, Retry
from hookline_engine.core.decisions import Context, Refusal
from hookline_engine.core.effects import ChildRevived
from hookline_engine.core.flow import advance
from hookline_engine.core.model import Head, TaskLine
from hookline_engine.core.retries import new_attempt
from hookline_engine.core.scheduling import remap
from hookline_engine.core.work import Work
from hookline_engine.definitions.snapshots import Snapshot

_AGAIN_IN_PLACE = frozenset(("JOIN", "DO_WHILE"))
_MAPPED_AGAIN = frozenset(("SWITCH", "FORK_JOIN"))


def refuse_restart(head: Head, snapshot: Snapshot) -> Refusal | None:
    """Why it cannot be restarted."""
    if not head.terminal:
        message = f"execution {head.workflow_id} is {head.status}: only one that ended restarts"
        return Refusal(409, "not_ended", message)
    if head.status == "COMPLETED" and not snapshot.definition.restartable:
        message = f"workflow {head.name} is not restartable after it completed"
        return Refusal(409, "not_restartable", message)
    return None


def restarted(head: Head, snapshot: Snapshot, context: Context) -> Head:
    """The head of the next run: nothing of the last one but who it is and its input (D27)."""
    definition = snapshot.definition
    now = max(context.now_ms, head.updated_at)
    return msgspec.structs.replace(
        head,
        name=definition.name,
        version=definition.version,
        snapshot=snapshot.token,
        run=head.run + 1,
        revivals=head.revivals + 1,
        status="RUNNING",
        previous_status=head.status,
        variables=definition.variables,
        output="",
        tasks={},
        past=(),
        pages=(),
        seq=0,
        created_at=now,
        ended_at=0,
        last_retried_at=0,
        reason=None,
        failed_refs=(),
        failed_names=(),
        failed_task_id=None,
        permissive_reasons=(),
        rate_limited=False,
        admitted_at=0,
    )


def restart(work: Work, _: Restart) -> None:
    """From the first node."""
    work.touched = True
    work.feed("WorkflowRestarted")
    _tell_parent(work)
    run_limits.stand_in_line(work)
    advance(work)


def retry(work: Work, _: Retry) -> Refusal | None:
    """From the tasks that failed, each with a new attempt."""
    if not work.terminal:
        message = f"execution {work.head.workflow_id} is {work.status}: it has not ended"
        return Refusal(409, "not_ended", message)
    if not failed_lines(work) and work.status != "TIMED_OUT":
        return Refusal(409, "nothing_to_retry", f"no task of {work.head.workflow_id} has failed")
    revive(work)
    advance(work)
    return None


def reopen(work: Work, fact: str, up_to: str = "") -> None:
    """RUNNING again, without what the end had left; the parent hears of it."""
    work.status = "RUNNING"
    work.reason = None
    work.ended_at = 0
    work.output = ""
    work.failed_task_id = None
    work.failed_refs = ()
    work.failed_names = ()
    work.permissive_reasons = ()
    work.revivals += 1
    work.touched = True
    work.feed(fact)
    _tell_parent(work, up_to)
    run_limits.stand_in_line(work)


def revive(work: Work, spared: str | None = None) -> None:
    """RUNNING again, the failed tasks too; `spared` is a reference that the caller sees to."""
    lines = [line for line in failed_lines(work) if line.ref != spared]
    work.last_retried_at = work.now
    reopen(work, "WorkflowRetried")
    for line in lines:
        try_again(work, line)


def failed_lines(work: Work) -> list[TaskLine]:
    """The newest attempts that failed, of the iterations that the loops are in."""
    failed = [line for line in work.tasks.values() if line.failed and is_current(work, line)]
    failed.sort(key=lambda line: line.seq)
    return failed


def is_current(work: Work, line: TaskLine) -> bool:
    """The task is of the iterations that the loops around it are in."""
    loops = work.node(line.ref).loops
    for depth, loop in enumerate(loops):
        around = work.tasks.get(loop)
        if around is None or (*around.path, around.iteration) != line.path[: depth + 1]:
            return False
    return True


def try_again(work: Work, line: TaskLine) -> None:
    """A failed task runs again: in place, mapped again, or as a new attempt (5.6)."""
    node = work.node(line.ref)
    if node.task.type in _AGAIN_IN_PLACE:
        again = 0 if line.status == "CANCELED" else 1
        work.update(
            line,
            status="IN_PROGRESS",
            attempt=line.attempt + again,
            reason=None,
            ended_at=0,
            executed=False,
        )
    elif node.task.type in _MAPPED_AGAIN:
        work.put(msgspec.structs.replace(line, retried=True, executed=True))
        remap(work, node, line.path, line.attempt + 1)
    else:
        executed = msgspec.structs.replace(line, executed=True)
        attempt = new_attempt(work, node, executed, 0)
        work.put(msgspec.structs.replace(attempt, reason=None))


def _tell_parent(work: Work, up_to: str = "") -> None:
    head = work.head
    if head.parent_workflow_id is None or head.parent_task_id is None:
        return
    identity = f"{head.workflow_id}:{head.run}:{work.revivals}:revived"
    work.emit(
        ChildRevived(
            id=identity,
            parent_workflow_id=head.parent_workflow_id,
            parent_task_id=head.parent_task_id,
            parent_run=head.parent_run,
            child_run=work.revivals,
            at=work.now,
            up_to=up_to,
        )
    )
