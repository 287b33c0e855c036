"""SET_VARIABLE: top-level keys of the input become variables of the execution (engine.md 4.18)."""

from typing import Any

import msgspec

from hookline_engine.core.inputs import own_input
from hookline_engine.core.model import TaskLine
from hookline_engine.core.tasks.kinds import TaskType, complete, fail_terminally
from hookline_engine.core.work import Work
from hookline_engine.definitions.snapshots import Node


class SetVariable(TaskType):
    """Completes at once."""

    def input(self, work: Work, node: Node, task_id: str) -> dict[str, Any]:
        """The evaluated input."""
        return own_input(work, node, task_id)

    def launch(self, work: Work, line: TaskLine) -> None:
        """Merge, unless all variables together would be too large."""
        variables = {**work.variables, **work.value(line.input)}
        limit = work.context.limits.variables_bytes
        if too_large(variables, limit):
            fail_terminally(work, line, f"the variables would be larger than {limit} bytes")
            return
        work.variables = variables
        complete(work, line)


def too_large(variables: dict[str, Any], limit: int) -> bool:
    """Whether the variables as JSON pass the limit."""
    return len(msgspec.json.encode(variables)) > limit
