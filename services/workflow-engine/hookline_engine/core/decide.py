"""The one door into the core: what a command does to an execution.

Pure: same head, snapshot, command, bodies and context give the same decision. The shell fetches
what `MissingBodies` and `MissingLookups` name and calls again with the same context.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from hookline_engine.core import (
    children,
    events,
    lifecycle,
    reopening,
    reruns,
    results,
    skipping,
    state_changes,
)
from hookline_engine.core.commands import (
    Admit,
    ChildEnded,
    ChildRevived,
    Command,
    CompleteWait,
    ExtendLease,
    HandOut,
    Pause,
    Requeue,
    Rerun,
    ResetCallbacks,
    Restart,
    Resume,
    Retry,
    Skip,
    Start,
    SystemTaskDone,
    Terminate,
    UpdateTask,
    UpdateVariables,
    Wake,
)
from hookline_engine.core.deadlines import next_wake
from hookline_engine.core.decisions import Context, Decision, Refusal, Unmappable
from hookline_engine.core.ending import end_broken
from hookline_engine.core.model import Head, TaskLine
from hookline_engine.core.work import Work
from hookline_engine.definitions.snapshots import Snapshot

Answer = TaskLine | Refusal | None
Handler = Callable[[Work, Any], Answer]


def decide(
    head: Head | None,
    snapshot: Snapshot,
    command: Command,
    bodies: Mapping[str, Any],
    context: Context,
) -> Decision:
    """What `command` does to the execution `head` of `snapshot`.

    `bodies`: values (or msgspec.Raw) by body id, and pages (tuples of TaskLine) by page id.
    Raises MissingBodies, MissingLookups; never anything else for whatever users write.
    """
    if isinstance(command, Start):
        if head is not None:
            return Decision(None, effects=events.started_already(head, command, context.now_ms))
        head = lifecycle.new_head(snapshot, command, context)
    elif head is None:
        return Decision(None, refusal=Refusal(404, "not_found", "there is no such execution"))
    elif isinstance(command, Restart):
        refusal = reopening.refuse_restart(head, snapshot)
        if refusal is not None:
            return Decision(None, refusal=refusal)
        head = reopening.restarted(head, snapshot, context)
    work = Work(head, snapshot, bodies, context)
    answer = _applied(work, command)
    return _decision(work, answer)


def _applied(work: Work, command: Command) -> Answer:
    try:
        return _HANDLERS[type(command)](work, command)
    except Unmappable as error:  # outside of any one task: in the execution's own output
        end_broken(work, str(error))
        return None


def _decision(work: Work, answer: Answer) -> Decision:
    state_changes.tell(work)
    line = answer if isinstance(answer, TaskLine) else None
    refusal = answer if isinstance(answer, Refusal) else None
    if line is not None:
        newest = work.tasks.get(line.ref)
        line = newest if newest is not None and newest.id == line.id else line
    wake_at = next_wake(work)
    if not (work.puts or work.touched or wake_at != work.head.wake_at):
        return Decision(None, effects=work.effects, line=line, refusal=refusal)
    head, pages = work.finish(wake_at)
    return Decision(head, work.new_bodies, pages, work.effects, line, refusal)


_HANDLERS: Mapping[type[Command], Handler] = MappingProxyType(
    {
        Start: lifecycle.start,
        Admit: lifecycle.admit,
        CompleteWait: events.complete_wait,
        UpdateTask: results.update_task,
        HandOut: results.hand_out,
        Requeue: results.requeue,
        ExtendLease: results.extend_lease,
        SystemTaskDone: results.system_task_done,
        ChildEnded: children.child_ended,
        ChildRevived: children.child_revived,
        Wake: lifecycle.wake,
        Pause: lifecycle.pause,
        Resume: lifecycle.resume,
        Terminate: lifecycle.terminate,
        Restart: reopening.restart,
        Retry: reopening.retry,
        Rerun: reruns.rerun,
        Skip: skipping.skip,
        UpdateVariables: lifecycle.update_variables,
        ResetCallbacks: results.reset_callbacks,
    }
)
