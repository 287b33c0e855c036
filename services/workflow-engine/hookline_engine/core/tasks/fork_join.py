"""FORK_JOIN: begins all branches and the JOIN behind them in one step (engine.md 4.9)."""

from typing import ClassVar

import msgspec

from hookline_engine.core.inputs import own_input
from hookline_engine.core.tasks.kinds import TaskType, complete, task_id_of
from hookline_engine.core.work import Work
from hookline_engine.definitions.snapshots import Node

FORK = "FORK"


class ForkJoin(TaskType):
    """Completes when it is reached."""

    retriable: ClassVar[bool] = False

    def create(self, work: Work, node: Node, path: tuple[int, ...], attempt: int = 0) -> None:
        """The FORK task, the first task of each branch, the JOIN."""
        task_id = task_id_of(work, node.ref, path, attempt)
        token = work.body(task_id, "in", own_input(work, node, ""))
        line = self.line(work, node, path, task_id, attempt)
        line = self.begin(work, msgspec.structs.replace(line, type=FORK, def_name=FORK))
        complete(work, msgspec.structs.replace(line, input=token, executed=True))
        for branch in node.task.fork_tasks:
            if branch:
                work.reach(branch[0].task_reference_name, path)
        if node.next is not None:
            work.reach(node.next, path)
