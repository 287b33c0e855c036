"""The flow reaches a node: its task is made, and those of the nodes that it maps with it."""

import msgspec

from hookline_engine.core.decisions import Unmappable
from hookline_engine.core.model import TaskLine
from hookline_engine.core.tasks.kinds import fail_terminally, task_id_of
from hookline_engine.core.tasks.registry import type_of
from hookline_engine.core.work import Work
from hookline_engine.definitions.snapshots import Node


def schedule(work: Work, ref: str, path: tuple[int, ...]) -> None:
    """Map the node, unless it has a task in these iterations already (a JOIN often has).

    What was skipped is stepped over.
    """
    there = work.tasks.get(ref)
    if there is None or there.path != path:
        remap(work, work.node(ref), path, 0)
    elif there.status == "SKIPPED" and (following := work.node(ref).next) is not None:
        schedule(work, following, path)


def remap(work: Work, node: Node, path: tuple[int, ...], attempt: int) -> None:
    """Map the node as a new attempt, and what is inside it depth first."""
    try:
        type_of(node).create(work, node, path, attempt)
    except Unmappable as error:
        fail_terminally(work, _bare_line(work, node, path, attempt), str(error))
        work.take_reached()
    for inner, inner_path in work.take_reached():
        schedule(work, inner, inner_path)


def _bare_line(work: Work, node: Node, path: tuple[int, ...], attempt: int) -> TaskLine:
    """The line of a node whose input could not even be made (D32)."""
    kind = type_of(node)
    line = kind.line(work, node, path, task_id_of(work, node.ref, path, attempt), attempt)
    return kind.begin(work, msgspec.structs.replace(line, started_at=work.now))
