"""Start, pause, resume, terminate, variables (engine.md 2.1 and 5.2 to 5.4, 5.11)."""

from typing import Any

import msgspec

from hookline_engine.core import ending, run_limits
from hookline_engine.core.commands import (
    Admit,
    Pause,
    Resume,
    Start,
    Terminate,
    UpdateVariables,
    Wake,
)
from hookline_engine.core.decisions import Context, Refusal
from hookline_engine.core.events import started
from hookline_engine.core.flow import advance
from hookline_engine.core.inputs import workflow_input
from hookline_engine.core.model import Head
from hookline_engine.core.tasks.set_variable import too_large
from hookline_engine.core.work import Work
from hookline_engine.definitions.snapshots import Snapshot


def new_head(snapshot: Snapshot, command: Start, context: Context) -> Head:
    """The head before its first step."""
    definition = snapshot.definition
    return Head(
        workflow_id=command.workflow_id,
        name=definition.name,
        version=definition.version,
        snapshot=snapshot.token,
        variables=definition.variables,
        created_at=context.now_ms,
        updated_at=context.now_ms,
        correlation_id=command.correlation_id,
        idempotency_key=command.idempotency_key,
        priority=command.priority,
        task_to_domain=command.task_to_domain,
        parent_workflow_id=command.parent_workflow_id,
        parent_task_id=command.parent_task_id,
        parent_run=command.parent_run,
        event=command.event,
        created_by=command.created_by,
        rate_limit=command.rate_limit,
    )


def never_started(workflow_id: str, reason: str, now_ms: int) -> Head:
    """A terminated head under the id of a child that its parent gave up before it began (G2)."""
    return Head(
        workflow_id=workflow_id,
        name="",
        version=0,
        snapshot="",
        status="TERMINATED",
        reason=reason,
        created_at=now_ms,
        updated_at=now_ms,
        ended_at=now_ms,
    )


def start(work: Work, command: Start) -> None:
    """The first step."""
    given = workflow_input(command.input, work.snapshot.definition.input_template)
    token = work.body(work.head.workflow_id, "in", given)
    work.head = msgspec.structs.replace(work.head, input=token)
    work.touched = True
    work.feed("WorkflowStarted")
    if command.event_ref is not None:
        work.command_ids = (*work.command_ids, command.effect_id)
        work.emit(started(work.head, command, command.event_ref, work.now))
    if not command.reserved:
        run_limits.stand_in_line(work)
    advance(work)


def admit(work: Work, command: Admit) -> None:
    """There is a place under the workflow's limit: go on, if it still waits for one."""
    if work.terminal or not work.head.rate_limited or command.revivals != work.revivals:
        return
    run_limits.take_place(work)
    advance(work)


def wake(work: Work, _: Wake) -> None:
    """Look again."""
    advance(work)


def pause(work: Work, _: Pause) -> Refusal | None:
    """Nothing new is scheduled from now on."""
    if work.terminal:
        return _ended(work)
    if work.status != "PAUSED":
        work.status = "PAUSED"
        work.touched = True
        work.feed("WorkflowPaused")
    return None


def resume(work: Work, _: Resume) -> Refusal | None:
    """Go on; the workflow's timeout starts again (D26)."""
    if work.status != "PAUSED":
        message = f"execution {work.head.workflow_id} is {work.status}, not PAUSED"
        return Refusal(409, "not_paused", message)
    work.status = "RUNNING"
    work.last_retried_at = work.now
    work.touched = True
    work.feed("WorkflowResumed")
    advance(work)
    return None


def terminate(work: Work, command: Terminate) -> Refusal | None:
    """End it. A parent never changes a child that has ended (D33)."""
    if command.by_parent is not None:
        if work.terminal or command.by_parent != work.head.parent_task_id:
            return None
    elif work.status == "COMPLETED":
        return _ended(work)
    if work.status == "TERMINATED":
        return None
    work.touched = True
    ending.end_terminated(work, command.reason or "")
    if command.failure_workflow == "start":
        ending.start_failure_workflow(work)
    return None


def update_variables(work: Work, command: UpdateVariables) -> Refusal | None:
    """Merge into the variables, once per command."""
    if command.command_id in work.command_ids:
        return None
    if work.terminal:
        return _ended(work)
    variables: dict[str, Any] = {**work.variables, **command.variables}
    limit = work.context.limits.variables_bytes
    if too_large(variables, limit):
        return Refusal(400, "too_large", f"the variables would be larger than {limit} bytes")
    work.variables = variables
    work.command_ids = (*work.command_ids, command.command_id)
    work.touched = True
    advance(work)
    return None


def _ended(work: Work) -> Refusal:
    message = f"execution {work.head.workflow_id} has ended: it is {work.status}"
    return Refusal(409, "execution_ended", message)
