"""Executions go some days after their end, on every store."""

import uuid

from hookline_common.collections import (
    BODIES,
    EXECUTIONS,
    IDEMPOTENCY_KEYS,
    TASK_LOGS,
    TASK_PAGES,
)
from hookline_common.documents import Document, Documents
from hookline_common.topics import DAY_MS
from hookline_engine.core.decisions import NewBody
from hookline_engine.core.model import Head
from hookline_engine.execution_retention import ExecutionRetention
from hookline_engine.execution_store import Change, ExecutionStore
from hookline_engine.start_keys import StartKeys
from tests.engine.rest_surface import HandMovedClock


async def test_what_has_ended_goes_and_what_is_still_needed_stays(documents: Documents) -> None:
    await documents.prepare((BODIES, EXECUTIONS, IDEMPOTENCY_KEYS, TASK_LOGS, TASK_PAGES))
    clock = HandMovedClock(await documents.now_ms())
    store = ExecutionStore(documents, clock)
    keys = StartKeys(documents, store, clock)
    retention = ExecutionRetention(documents, store, keys, clock, 7)
    due, name = clock.ms - 7 * DAY_MS, str(uuid.uuid4())

    def ended(part: str, at: int, **fields: object) -> Head:
        key = f"{name}-{part}"
        body = f"{key}:in:1"
        return Head(key, "flow", 1, "", status="COMPLETED", input=body, ended_at=at, **fields)  # type: ignore[arg-type]

    gone = [ended("old", due), ended("event", due - 1, event="e1", created_at=clock.ms)]
    kept = [
        ended("young", due + 1),
        ended("owing", due, outbox_since=1),
        ended("parent", due + 1),
        ended("child", due, parent_workflow_id=f"{name}-parent"),
        ended("running", 0),
    ]
    bodies = {head.workflow_id: NewBody(head.input, {"a": 1}) for head in [*gone, *kept]}
    changes = [Change(head, 0, None, bodies=(bodies[head.workflow_id],)) for head in [*gone, *kept]]
    assert not await store.save(changes)
    line = Document(f"{name}-log", b"{}", {"task_id": f"{gone[0].workflow_id}-t1"})
    await documents.insert(TASK_LOGS, [line])

    assert await retention.sweep() >= len(gone)
    names = [head.workflow_id for head in [*gone, *kept]]
    assert {*await store.heads(names)} == {head.workflow_id for head in kept}
    left = await documents.get(BODIES, [head.input for head in [*gone, *kept]])
    assert {*left} == {head.input for head in kept}
    assert await documents.get(TASK_LOGS, [line.id]) == {}
    assert await keys.removed(names) == {gone[1].workflow_id}, "its event does not start it again"
