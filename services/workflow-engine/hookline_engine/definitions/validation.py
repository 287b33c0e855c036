"""Registration: from the JSON of a request to a checked definition (engine.md 1.2, rest.md 1.5)."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from hookline_common.errors import BadRequest
from hookline_common.expressions import has_placeholder, syntax_errors
from hookline_engine.definitions.attachments import (
    node_attachment_violations,
    schema_violations,
)
from hookline_engine.definitions.lenient import Reader, Violation
from hookline_engine.definitions.model import TaskDef, WorkflowDef, WorkflowTask
from hookline_engine.definitions.node_checks import node_violations
from hookline_engine.definitions.snapshots import walk

FAILED = "Validation failed, check below errors for detail."
_AT_LEAST_ZERO = (
    "retryCount",
    "retryDelaySeconds",
    "maxRetryDelaySeconds",
    "backoffJitterMs",
    "totalTimeoutSeconds",
    "timeoutSeconds",
    "pollTimeoutSeconds",
)


def parse_workflow_def(
    value: Any,
    operation: str = "registerWorkflowDef",
    index: int | None = None,
    task_defs: Mapping[str, TaskDef] | None = None,
) -> WorkflowDef:
    """The definition in a request; raises BadRequest with every violation.

    `operation` and `index` (of a list in the request) make the paths. `task_defs`: registered task
    definitions whose templates may supply what an HTTP task needs.
    """
    path = _place(operation, index)
    reader = Reader()
    definition = reader.read(WorkflowDef, value, path)
    if definition is None:
        raise _refused(reader.violations)
    found = list(_workflow_violations(definition, path, task_defs or {}))
    if found:
        raise _refused(found)
    return definition


def parse_task_def(
    value: Any, operation: str = "registerTaskDef", index: int | None = None
) -> TaskDef:
    """The task definition in a request; raises BadRequest with every violation."""
    path = _place(operation, index)
    reader = Reader()
    definition = reader.read(TaskDef, value, path)
    if definition is None:
        raise _refused(reader.violations)
    found = list(task_def_violations(definition, path))
    if found:
        raise _refused(found)
    return definition


def task_def_violations(definition: TaskDef, path: str) -> Iterator[Violation]:
    """What is wrong with a task definition (engine.md 1.4)."""
    if not definition.name.strip():
        yield Violation(f"{path}.name", "TaskDef name cannot be null or empty")
    for name, value in _limited(definition).items():
        if value is not None and value < 0:
            yield Violation(f"{path}.{name}", f"TaskDef {name}: {value} must be >= 0", value)
    if definition.backoff_scale_factor < 1:
        value = definition.backoff_scale_factor
        yield Violation(f"{path}.backoffScaleFactor", "backoffScaleFactor must be >= 1", value)
    yield from schema_violations(definition, path)
    response, timeout = definition.response_timeout_seconds, definition.timeout_seconds
    if response < 1:
        yield Violation(f"{path}.responseTimeoutSeconds", "must be at least 1 s", response)
    elif 0 < timeout < response:
        message = f"responseTimeoutSeconds: {response} must be less than timeoutSeconds: {timeout}"
        yield Violation(path, f"TaskDef: {definition.name} {message}")
    if 0 < definition.total_timeout_seconds < timeout:
        message = f"timeoutSeconds: {timeout} must be <= totalTimeoutSeconds"
        yield Violation(path, f"TaskDef: {definition.name} {message}")


def _limited(definition: TaskDef) -> dict[str, int | None]:
    values = (
        definition.retry_count,
        definition.retry_delay_seconds,
        definition.max_retry_delay_seconds,
        definition.backoff_jitter_ms,
        definition.total_timeout_seconds,
        definition.timeout_seconds,
        definition.poll_timeout_seconds,
    )
    return dict(zip(_AT_LEAST_ZERO, values, strict=True))


def _workflow_violations(
    definition: WorkflowDef, path: str, task_defs: Mapping[str, TaskDef]
) -> Iterator[Violation]:
    if not definition.name.strip():
        yield Violation(f"{path}.name", "WorkflowDef name cannot be null or empty")
    if not definition.tasks:
        yield Violation(f"{path}.tasks", "WorkflowTask list cannot be empty")
    if definition.schema_version != 2:
        message = "schemaVersion must be 2"
        yield Violation(f"{path}.schemaVersion", message, definition.schema_version)
    if definition.timeout_seconds < 0:
        message = "timeoutSeconds must be >= 0"
        yield Violation(f"{path}.timeoutSeconds", message, definition.timeout_seconds)
    yield from schema_violations(definition, path)
    yield from _reference_violations(definition, path)
    known = frozenset(node.task_reference_name for node in walk(definition.tasks))
    for number, task in enumerate(definition.tasks):
        yield from _task_violations(task, f"{path}.tasks[{number}]", known, task_defs)
    yield from _order_violations(definition.tasks, f"{path}.tasks")
    yield from _expression_violations(
        definition.output_parameters, f"{path}.outputParameters", known
    )
    yield from _failure_violations(definition, path, known)


def _reference_violations(definition: WorkflowDef, path: str) -> Iterator[Violation]:
    counted = Counter(node.task_reference_name for node in walk(definition.tasks))
    for ref, count in counted.items():
        if ref and count > 1:
            message = (
                f"taskReferenceName: {ref} should be unique across tasks for a given"
                f" workflowDefinition: {definition.name}"
            )
            yield Violation(path, message)


def _task_violations(
    task: WorkflowTask, path: str, known: frozenset[str], task_defs: Mapping[str, TaskDef]
) -> Iterator[Violation]:
    """Of a node and of all that is nested in it (D16)."""
    yield from node_violations(task, path, task_defs.get(task.name))
    yield from node_attachment_violations(task, path)
    for names, wanted in task.on_state_change.items():
        for index, one in enumerate(wanted):
            place = f"{path}.onStateChange[{names}][{index}].payload"
            yield from _expression_violations(one.payload, place, known)
    if task.task_definition is not None and task.task_definition.name.strip():
        yield from task_def_violations(task.task_definition, f"{path}.taskDefinition")
    yield from _expression_violations(task.input_parameters, f"{path}.inputParameters", known)
    yield from _expression_violations(task.items, f"{path}.items", known)
    for name, tasks in _inner(task):
        for number, inner in enumerate(tasks):
            yield from _task_violations(inner, f"{path}.{name}[{number}]", known, task_defs)
        yield from _order_violations(tasks, f"{path}.{name}")


def _inner(task: WorkflowTask) -> Iterator[tuple[str, list[WorkflowTask]]]:
    for case, tasks in task.decision_cases.items():
        yield f"decisionCases[{case}]", tasks
    yield "defaultCase", task.default_case
    for number, tasks in enumerate(task.fork_tasks):
        yield f"forkTasks[{number}]", tasks
    yield "loopOver", task.loop_over


def _order_violations(tasks: list[WorkflowTask], path: str) -> Iterator[Violation]:
    """A FORK_JOIN is followed by its JOIN."""
    for number, task in enumerate(tasks):
        if task.type != "FORK_JOIN":
            continue
        following = tasks[number + 1] if number + 1 < len(tasks) else None
        if following is None or following.type != "JOIN":
            ref = task.task_reference_name
            yield Violation(f"{path}[{number}]", f"FORK_JOIN {ref} must be followed by a JOIN")


def _expression_violations(template: Any, path: str, known: frozenset[str]) -> Iterator[Violation]:
    for pointer, message in syntax_errors(template, known):
        yield Violation(f"{path}{pointer.replace('/', '.')}", message)


def _failure_violations(
    definition: WorkflowDef, path: str, known: frozenset[str]
) -> Iterator[Violation]:
    name = definition.failure_workflow
    if name and has_placeholder(name):
        yield from _expression_violations(name, f"{path}.failureWorkflow", known)


def _place(operation: str, index: int | None) -> str:
    return f"{operation}.arg0" if index is None else f"{operation}.arg0[{index}]"


def _refused(violations: list[Violation]) -> BadRequest:
    first = violations[0]
    shown = [violation.as_json() for violation in violations]
    message = f"{FAILED} {first.path}: {first.message}"
    return BadRequest(message, code="validation_failed", field=first.path, violations=shown)
