"""TERMINATE: ends the execution with a status and an output of its own (engine.md 4.19)."""

from typing import Any

from hookline_common.jsonpath import is_object
from hookline_engine.core.inputs import own_input
from hookline_engine.core.model import TaskLine
from hookline_engine.core.tasks.kinds import TaskType, complete, fail
from hookline_engine.core.work import Work
from hookline_engine.definitions.snapshots import Node

STATUSES = ("COMPLETED", "FAILED", "TERMINATED")


class Terminate(TaskType):
    """Completes at once; the decide loop then ends the execution."""

    def input(self, work: Work, node: Node, task_id: str) -> dict[str, Any]:
        """The evaluated input."""
        return own_input(work, node, task_id)

    def launch(self, work: Work, line: TaskLine) -> None:
        """Check the status, which may have come from an expression (D21)."""
        given = work.value(line.input)
        status = given.get("terminationStatus")
        if status not in STATUSES:
            fail(work, line, f"terminationStatus {status!r} is none of {', '.join(STATUSES)}")
            return
        output = given.get("workflowOutput")
        if output is None:
            output = {}
        complete(work, line, output if is_object(output) else {"output": output})
