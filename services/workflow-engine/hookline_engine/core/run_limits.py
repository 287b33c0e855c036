"""Limits of how many executions of a workflow run at once (D9): waiting, running, leaving."""

import msgspec

from hookline_engine.core.commands import Start
from hookline_engine.core.decisions import Context
from hookline_engine.core.effects import FreeRun, QueueRun
from hookline_engine.core.inputs import evaluate, workflow_input
from hookline_engine.core.model import Head
from hookline_engine.core.work import Work
from hookline_engine.definitions.snapshots import Snapshot


def evaluated_key(
    head: Head, snapshot: Snapshot, command: Start, template: str, context: Context
) -> str:
    """What `rateLimitKey` gives for an execution that would begin as `head`; raises Unmappable."""
    work = Work(head, snapshot, {}, context)
    given = workflow_input(command.input, snapshot.definition.input_template)
    work.head = msgspec.structs.replace(head, input=work.body(head.workflow_id, "in", given))
    value = evaluate(work, template)
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def stand_in_line(work: Work) -> None:
    """Nothing happens in it from now on, until `Admit` comes. Without a limit: nothing to do."""
    limit = work.head.rate_limit
    if limit is None:
        return
    head = work.head = msgspec.structs.replace(work.head, rate_limited=True)
    work.touched = True
    work.emit(
        QueueRun(
            id=f"{head.workflow_id}:{work.revivals}:line",
            workflow_id=head.workflow_id,
            revivals=work.revivals,
            limit_id=limit.id,
            workflow=head.name,
            version=head.version,
            at_once=limit.at_once,
        )
    )


def take_place(work: Work) -> None:
    """It has a place. Its timeout begins now."""
    work.head = msgspec.structs.replace(work.head, rate_limited=False, admitted_at=work.now)
    work.touched = True


def leave(work: Work) -> None:
    """It has ended: its place is free."""
    limit = work.head.rate_limit
    if limit is None:
        return
    work.head = msgspec.structs.replace(work.head, rate_limited=False)
    identity = f"{work.head.workflow_id}:{work.revivals}:free:{work.status}"
    work.emit(FreeRun(identity, work.head.workflow_id, work.revivals, limit.id))
