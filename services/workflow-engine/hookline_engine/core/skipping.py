"""A node is stepped over before the flow reaches it (engine.md 5.8, D26)."""

import msgspec

from hookline_engine.core.commands import Skip
from hookline_engine.core.decisions import Refusal
from hookline_engine.core.flow import advance
from hookline_engine.core.tasks.kinds import task_id_of
from hookline_engine.core.tasks.registry import type_of
from hookline_engine.core.work import Work
from hookline_engine.definitions.snapshots import Node


def skip(work: Work, command: Skip) -> Refusal | None:
    """In a loop: in the iteration that it is in, or that it begins with. A fork takes its JOIN
    with it, which would wait for branches that never begin.
    """
    head, node = work.head, work.snapshot.nodes.get(command.ref)
    if node is None:
        message = f"the definition of {head.workflow_id} has no task {command.ref[:100]!r}"
        return Refusal(400, "unknown_reference", message)
    if work.status != "RUNNING":
        message = f"execution {head.workflow_id} is {work.status}, not RUNNING"
        return Refusal(409, "not_running", message)
    path = _iterations(work, node)
    there = work.tasks.get(node.ref)
    if there is not None and there.path == path:
        message = f"task {command.ref!r} of {head.workflow_id} is {there.status} already"
        return Refusal(409, "task_reached", message)
    _put_skipped(work, node, path, command)
    join = work.snapshot.nodes.get(node.next or "")
    if node.task.type == "FORK_JOIN" and join is not None and join.task.type == "JOIN":
        _put_skipped(work, join, path, Skip(join.ref))
    advance(work)
    return None


def _put_skipped(work: Work, node: Node, path: tuple[int, ...], command: Skip) -> None:
    task_id = task_id_of(work, node.ref, path, 0)
    line = type_of(node).line(work, node, path, task_id, 0)
    work.end(
        msgspec.structs.replace(line, type=node.task.name, scheduled_at=work.now),
        status="SKIPPED",
        executed=True,
        input=work.body(task_id, "in", command.input),
        output=work.body(task_id, "out", command.output),
    )


def _iterations(work: Work, node: Node) -> tuple[int, ...]:
    path: tuple[int, ...] = ()
    for loop in node.loops:
        around = work.tasks.get(loop)
        current = around.iteration if around is not None and around.path == path else 0
        path = (*path, current or 1)
    return path
