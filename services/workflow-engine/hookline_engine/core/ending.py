"""How an execution ends: completion, output, the failure path (engine.md 2.6 to 2.8, 2.12)."""

from typing import Any, Literal

from hookline_common.ids import derived_uuid
from hookline_engine.core import run_limits
from hookline_engine.core.effects import ChildEnded, StartFailureWorkflow
from hookline_engine.core.fitting import misfit_reason
from hookline_engine.core.inputs import evaluate
from hookline_engine.core.model import TaskLine, WorkflowStatus
from hookline_engine.core.tasks.registry import type_of
from hookline_engine.core.work import Work

Unsuccessful = Literal["FAILED", "TIMED_OUT", "TERMINATED"]
FAILURE_OUTPUT = "conductor.failure_workflow"
_FACTS: dict[WorkflowStatus, str] = {
    "COMPLETED": "WorkflowCompleted",
    "FAILED": "WorkflowFailed",
    "TIMED_OUT": "WorkflowTimedOut",
    "TERMINATED": "WorkflowTerminated",
}


def complete(work: Work) -> None:
    """Everything is done. Permissive tasks that failed make it a failure after all."""
    if work.permissive_reasons:
        end_failed(work, "FAILED", "; ".join(work.permissive_reasons))
        return
    _succeed(work, "the workflow completed")


def complete_by_terminate(work: Work, line: TaskLine, status: str, reason: str) -> None:
    """A TERMINATE task ran: it decides the status and, with its output, that of the execution."""
    if status == "COMPLETED":
        work.reason = reason
        _succeed(work, reason, line)
    else:
        unsuccessful: Unsuccessful = "FAILED" if status == "FAILED" else "TERMINATED"
        _end(work, unsuccessful, reason, line, line)
        start_failure_workflow(work)


def end_failed(
    work: Work, status: Unsuccessful, reason: str, cause: TaskLine | None = None
) -> None:
    """The execution ends from inside: its failure workflow is started, if it has one."""
    if work.terminal:
        return
    _end(work, status, reason, cause)
    start_failure_workflow(work)


def end_terminated(work: Work, reason: str) -> None:
    """The execution ends by a call. One that had failed already becomes TERMINATED."""
    _end(work, "TERMINATED", reason, None)


def end_broken(work: Work, reason: str) -> None:
    """The execution's own output or failure workflow cannot be evaluated: end it without them."""
    work.status = "FAILED"
    work.reason = reason
    work.ended_at = work.now
    cancel_live(work, reason)
    run_limits.leave(work)
    work.feed(_FACTS[work.status])


def start_failure_workflow(work: Work) -> None:
    """Ask for the failure workflow and link to it from the output."""
    name = _failure_name(work)
    if not name:
        return
    head = work.head
    lives = f"{head.run}:{work.revivals}"
    failure_id = derived_uuid("failure", head.workflow_id, lives)
    work.output = work.body(
        head.workflow_id, "out", {**work.value(work.output), FAILURE_OUTPUT: failure_id}
    )
    request: dict[str, Any] = {
        "name": name,
        "version": work.snapshot.definition.failure_workflow_version,
        "correlationId": head.correlation_id,
        "taskToDomain": head.task_to_domain,
        "reason": work.reason,
        "failureStatus": work.status,
        "failureTaskId": work.failed_task_id,
    }
    work.emit(StartFailureWorkflow(f"{failure_id}:start", failure_id, head.run, request))


def cancel_live(work: Work, reason: str, within: tuple[str, ...] | None = None) -> None:
    """Cancel the live tasks, or those among the references `within`."""
    for line in tuple(work.live()):
        if within is None or line.ref in within:
            type_of(work.node(line.ref)).release(work, line, reason)
            work.end(line, status="CANCELED", executed=within is not None)


def _succeed(work: Work, reason: str, by_terminate: TaskLine | None = None) -> None:
    """COMPLETED, unless the output does not fit the schema of the workflow (D10)."""
    work.status = "COMPLETED"
    definition = work.snapshot.definition
    fault: str | None = None
    if definition.enforce_schema and definition.output_schema is not None:
        value = _output_value(work, by_terminate)
        schemas, schema = work.context.schemas, definition.output_schema
        fault = misfit_reason(schemas, schema, value, "the output of the workflow")
    if fault is None:
        _close(work, reason, by_terminate)
    else:
        _end(work, "FAILED", fault, by_terminate, by_terminate)
        start_failure_workflow(work)


def _end(
    work: Work,
    status: Unsuccessful,
    reason: str,
    cause: TaskLine | None,
    by_terminate: TaskLine | None = None,
) -> None:
    work.status = status
    work.reason = reason
    if cause is not None and work.failed_task_id is None:
        work.failed_task_id = cause.id
    _close(work, reason, by_terminate)


def _close(work: Work, reason: str, by_terminate: TaskLine | None = None) -> None:
    work.output = _output(work, by_terminate)
    work.ended_at = work.now
    cancel_live(work, reason)
    run_limits.leave(work)
    work.feed(_FACTS[work.status])
    head = work.head
    if head.parent_workflow_id and head.parent_task_id:
        identity = f"{head.workflow_id}:{head.run}:{work.revivals}:ended"
        work.emit(
            ChildEnded(
                id=f"{identity}:{work.status}",
                parent_workflow_id=head.parent_workflow_id,
                parent_task_id=head.parent_task_id,
                parent_run=head.parent_run,
                child_run=work.revivals,
                status=work.status,
                reason=work.reason,
                output=work.output,
            )
        )


def _output(work: Work, by_terminate: TaskLine | None) -> str:
    """The body of the execution's output (engine.md 2.7)."""
    if by_terminate is not None:
        return by_terminate.output
    parameters = work.snapshot.definition.output_parameters
    if parameters:
        return work.body(work.head.workflow_id, "out", evaluate(work, parameters))
    last = max(work.tasks.values(), key=lambda line: line.seq, default=None)
    return last.output if last else ""


def _output_value(work: Work, by_terminate: TaskLine | None) -> Any:
    """What `_output` is the body of."""
    parameters = work.snapshot.definition.output_parameters
    if by_terminate is None and parameters:
        return evaluate(work, parameters)
    return work.value(_output(work, by_terminate))


def _failure_name(work: Work) -> str | None:
    """The name, which may be an expression with or without braces (D6)."""
    name = work.snapshot.definition.failure_workflow
    if name and name.startswith("$") and not name.startswith("${"):
        name = "${" + name[1:] + "}"
    if name and "${" in name:
        value = evaluate(work, name)
        return value if isinstance(value, str) else None
    return name
