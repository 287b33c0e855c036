"""What limits ask of a store: shared places, lines in order, entries that are hidden and shown."""

import asyncio
import uuid

from hookline_common.collections import LIMIT_WAITERS, LIMITS, TASK_QUEUE
from hookline_common.documents import Documents
from hookline_engine.core.effects import EnqueueTask
from hookline_engine.limit_standing import Bounds, Standing, taken
from hookline_engine.limit_store import LimitStore, Waiter
from hookline_engine.task_queue import TaskQueue, entry_id, worker_queue
from tests.engine.rest_surface import HandMovedClock


async def test_engines_that_take_places_at_once_never_take_more_than_there_are(
    documents: Documents,
) -> None:
    await documents.prepare((LIMITS, LIMIT_WAITERS))
    limit_id, bounds = f"task:{uuid.uuid4()}", Bounds(at_once=7)
    let_in: set[str] = set()

    async def take(engine: LimitStore, key: str) -> None:
        found: frozenset[str] = frozenset()

        def change(standing: Standing) -> Standing:
            nonlocal found
            after, found = taken(standing, bounds, [key], 1)
            return after

        await engine.change(limit_id, change)
        let_in.update(found)

    engines = [LimitStore(documents) for _ in range(4)]
    await asyncio.gather(
        *(take(engine, f"{n}:{key}") for n, engine in enumerate(engines) for key in range(5))
    )
    standing = await engines[0].standing(limit_id)
    assert len(let_in) == 7
    assert standing.holders.keys() == let_in


async def test_a_line_is_kept_by_rank_and_then_by_time(documents: Documents) -> None:
    await documents.prepare((LIMITS, LIMIT_WAITERS))
    limits, prefix = LimitStore(documents), f"{uuid.uuid4()}:"
    one, other = f"{prefix}a", f"{prefix}b"
    places = [("third", one, 9, 1), ("second", one, 5, 7), ("first", one, 5, 2), ("x", other, 0, 0)]
    waiters = [Waiter(prefix + key, limit, *place, b"{}") for key, limit, *place in places]
    await limits.wait(waiters)
    await limits.wait(waiters[:1])
    first = [waiter.id.removeprefix(prefix) for waiter in await limits.first(one, 10)]
    assert first == ["first", "second", "third"]
    assert await limits.first(one, 1) == [waiters[2]]
    assert await limits.waited_for(prefix) == [one, other]
    await limits.leave([waiters[3].id])
    assert await limits.waited_for(prefix) == [one]


async def test_a_hidden_entry_is_claimed_by_nobody_and_shown_in_its_old_place(
    documents: Documents,
) -> None:
    await documents.prepare((TASK_QUEUE,))
    clock = HandMovedClock(await documents.now_ms())
    queue, name = TaskQueue(documents, clock), str(uuid.uuid4())
    tasks = [f"{name}-{n}" for n in range(3)]
    await queue.put(
        [
            EnqueueTask(task, task, 1, worker_queue(name), name, 99, clock.ms - 10 + n)
            for n, task in enumerate(tasks)
        ]
    )
    old, newer = await queue.claim(name, 2, "poll")
    rows = await queue.rows([entry_id(old.task_id, 1), entry_id(newer.task_id, 1)])
    # The newer one is shown by another engine between the reading and the hiding.
    await queue.show({rows[1].id: rows[1].visible_at})
    await queue.hide(rows)
    await queue.release([old, newer], "poll")
    found = [entry.task_id for entry in await queue.claim(name, 3, "another")]
    assert found == [tasks[1], tasks[2]]
    assert await queue.size(name) == 3
    assert (await queue.show({rows[0].id: rows[0].visible_at})).shown == 1
    assert (await queue.show({rows[0].id: rows[0].visible_at})).shown == 0
    await queue.release([newer], "another")
    assert [entry.task_id for entry in await queue.claim(name, 1, "third")] == [tasks[0]]
