"""The match plans of a definition: the equality paths of its waiting tasks (DESIGN.md 7)."""

from collections.abc import Iterator, Sequence

from hookline_common.matching.waits import definition_paths
from hookline_engine.definitions.model import WorkflowDef, WorkflowTask

WAITS_FOR_EVENTS = "WAIT_FOR_WEBHOOK"


def plans_of(definition: WorkflowDef) -> tuple[tuple[str, ...], ...]:
    """The sorted paths of each waiting task, each plan once. A task whose `matches` is an
    expression has none before it starts.
    """
    found = {paths for task in every_task(definition.tasks) if (paths := _paths(task)) is not None}
    return tuple(sorted(found))


def _paths(task: WorkflowTask) -> tuple[str, ...] | None:
    if task.type == WAITS_FOR_EVENTS:
        inputs = task.input_parameters
        return definition_paths(inputs if "matches" in inputs else {**inputs, "matches": {}})
    if task.type == "WAIT" and "matches" in task.input_parameters:
        return definition_paths(task.input_parameters)
    return None


def every_task(tasks: Sequence[WorkflowTask]) -> Iterator[WorkflowTask]:
    """The tasks and all that are nested in them, at any depth."""
    pending = list(tasks)
    while pending:
        task = pending.pop()
        yield task
        pending += task.default_case
        pending += task.loop_over
        for branch in (*task.decision_cases.values(), *task.fork_tasks):
            pending += branch
