"""The sweep of bodies that no head names, on every store (protocols.md G1)."""

import uuid

from hookline_common.collections import BODIES, EXECUTIONS, SWEEPS, TASK_PAGES
from hookline_common.documents import Documents
from hookline_engine.core.decisions import NewBody
from hookline_engine.core.model import Head
from hookline_engine.execution_store import Change, ExecutionStore
from hookline_engine.orphans import KEPT_MS, Orphans
from tests.engine.rest_surface import HandMovedClock


async def test_orphans_go_after_an_hour_and_what_is_named_stays(documents: Documents) -> None:
    await documents.prepare((BODIES, EXECUTIONS, SWEEPS, TASK_PAGES))
    clock = HandMovedClock(await documents.now_ms())
    store, orphans = ExecutionStore(documents, clock), Orphans(documents, clock)
    key = str(uuid.uuid4())
    named, lost, alone = f"{key}:in:1", f"{key}:out:2", f"{key}-none:in:3"
    head = Head(key, "flow", 1, "", input=named, created_at=clock.ms, updated_at=clock.ms)
    assert not await store.save([Change(head, 0, None, bodies=(NewBody(named, {"a": 1}),))])
    assert await store.save([Change(head, 9, None, bodies=(NewBody(lost, {"b": 2}),))]) == {key}
    headless = Head(f"{key}-none", "flow", 1, "", updated_at=clock.ms)
    assert await store.save([Change(headless, 9, None, bodies=(NewBody(alone, {}),))])
    clock.ms += KEPT_MS - 1
    await orphans.sweep()
    assert len(await documents.get(BODIES, [named, lost, alone])) == 3
    clock.ms += 2
    assert await orphans.sweep() >= 2
    assert set(await documents.get(BODIES, [named, lost, alone])) == {named}
    assert (await store.heads([key]))[key].head == head
    assert await store.save([Change(head, 1, None)]) == {key}, "it was read before the sweep"
