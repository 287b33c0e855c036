"""The decide loop: from what has ended to what comes next, until nothing changes (engine.md 2.2).

One round: the execution's timeout, the tasks' timeouts, failed attempts, TERMINATE, successors,
then what is ready is begun and what is live is looked at.
"""

import msgspec

from hookline_engine.core import ending, state_changes
from hookline_engine.core.deadlines import expire_execution, expire_tasks
from hookline_engine.core.launching import launch
from hookline_engine.core.model import MAX_LIVE_TASKS, TaskLine
from hookline_engine.core.retries import settle_failures
from hookline_engine.core.scheduling import schedule
from hookline_engine.core.tasks.registry import type_of
from hookline_engine.core.work import Work


def advance(work: Work) -> None:
    """Go on as far as it goes now. A limit of rounds lets others have their turn (D24)."""
    if work.head.rate_limited:
        return
    for _ in range(work.context.limits.rounds):
        before = work.puts
        _round(work)
        if work.terminal:
            return
        if work.puts == before:
            _settle(work)
            return
    work.look_again = True


def _round(work: Work) -> None:
    state_changes.tell(work)
    expire_execution(work)
    if work.terminal:
        return
    if work.status == "PAUSED":
        _look(work)
        return
    if all(line.status == "SKIPPED" for line in work.tasks.values()):
        _begin(work)
    else:
        expire_tasks(work)
        settle_failures(work)
        _terminate(work)
        if not work.terminal:
            _follow(work)
    if not work.terminal:
        _look(work)


def _begin(work: Work) -> None:
    tasks = work.snapshot.definition.tasks
    if tasks:
        schedule(work, tasks[0].task_reference_name, ())


def _settle(work: Work) -> None:
    """Nothing changes any more: done, waiting, or stuck (D1)."""
    if work.pending or work.status == "PAUSED":
        return
    for task in work.snapshot.definition.tasks:
        if task.task_reference_name not in work.tasks:
            name = task.task_reference_name
            ending.end_failed(work, "FAILED", f"the flow ended before task {name!r}")
            return
    ending.complete(work)


def _terminate(work: Work) -> None:
    for line in work.waiting():
        if line.status == "COMPLETED" and line.type == "TERMINATE" and not work.terminal:
            given = work.value(line.input)
            status = str(given.get("terminationStatus"))
            reason = given.get("terminationReason") or (
                f"Workflow is {status} by TERMINATE task: {line.id}"
            )
            ending.complete_by_terminate(work, line, status, str(reason))


def _follow(work: Work) -> None:
    for line in work.waiting():
        if line.live or (line.failed and not work.node(line.ref).task.permissive):
            continue
        work.put(msgspec.structs.replace(line, executed=True))
        following = work.node(line.ref).next
        if following is not None:
            schedule(work, following, line.path)


def _look(work: Work) -> None:
    live = list(work.live())
    if len(live) > MAX_LIVE_TASKS:
        ending.end_failed(work, "FAILED", f"more than {MAX_LIVE_TASKS} tasks at once")
        return
    for seen in live:
        line = work.tasks[seen.ref]
        if line.id != seen.id or not line.live:
            continue
        node = work.node(line.ref)
        kind = type_of(node)
        if work.status == "PAUSED" and not kind.ends_in_pause:
            continue
        if _unlaunched(line):
            if kind.queued or line.ready_at <= work.now:
                launch(work, node, kind, line)
        else:
            kind.look(work, line)
        for ref, path in work.take_reached():
            schedule(work, ref, path)


def _unlaunched(line: TaskLine) -> bool:
    return line.status == "SCHEDULED" and not line.hand_off
