"""A matcher that has lost its waits is told them again by the executions (protocols.md F7)."""

import asyncio
from typing import Any

import pytest

from hookline_common.collections import WAITERS
from hookline_common.documents import Condition, Op, Query
from tests.pipeline.running_system import System, eventually, fresh, task, wait_task
from tests.servers.hookline import command

pytestmark = pytest.mark.asyncio(loop_scope="session")

BY_ORDER = {"$.order": "${workflow.input.order}"}


async def waiters(system: System, workflow: str) -> dict[str, Any]:
    """State by id of all waits of a workflow that the matcher knows."""
    query = Query(Condition("workflow", Op.EQ, workflow), limit=1000)
    page = await system.parts.documents.find(WAITERS, query)
    return {one.id: one.fields["state"] for one in page.documents}


async def known(system: System, workflow: str, count: int) -> dict[str, Any]:
    """The same, once there are so many."""

    async def look() -> dict[str, Any] | None:
        found = await waiters(system, workflow)
        return found if len(found) == count else None

    return await eventually(look, f"{count} waits of {workflow}")


async def rebuild(system: System, limit: int = 2) -> int:
    """All pages; how many waits were written."""
    written = 0
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = await system.post("/waits/rebuild", params=query)
        assert page["executions"] <= min(limit, page["running"])
        written += page["waits"]
        cursor = page["cursor"]
    return written


async def test_waits_that_were_lost_are_open_again_and_take_their_events(system: System) -> None:
    late = {**BY_ORDER, "$.kind": "late"}
    flow, hook = await system.pair(
        wait_task("first", BY_ORDER), wait_task("second", late, timeout="1h")
    )
    orders = [fresh("o") for _ in range(3)]
    waiting = {order: await system.start(flow, {"order": order}) for order in orders}
    await known(system, flow, 3)
    # One is at its second wait: the first is taken, and stays so.
    await system.send(hook, {"order": orders[0], "n": 1})
    before = await known(system, flow, 4)
    lost = [key for key, state in before.items() if state == "open"]
    assert len(lost) == 3
    await system.parts.documents.delete(WAITERS, lost)
    unheard = await system.send(hook, {"order": orders[1], "n": 2})
    assert await system.verdict(unheard) == "unmatched"
    assert await rebuild(system) >= 3
    await known(system, flow, 5)  # what came meanwhile is kept: orders[1] is at its second wait
    for order in orders:
        await system.send(hook, {"order": order, "n": 3})
        await system.send(hook, {"order": order, "n": 4, "kind": "late"})
    taken = [
        [line["outputData"]["n"] for line in (await system.ended(waiting[order]))["tasks"]]
        for order in orders
    ]
    assert taken == [[1, 4], [2, 4], [3, 4]]


async def test_a_rebuild_changes_nothing_that_the_matcher_knows(system: System) -> None:
    """Not even a wait that is over: it neither opens again nor takes another event."""
    flow, hook = await system.pair(wait_task("event", BY_ORDER), task("hold", "WAIT"))
    order = fresh("o")
    waiting = await system.start(flow, {"order": order})
    await system.send(hook, {"order": order, "n": 1})
    await system.task_in(waiting, "event", "COMPLETED")
    before = await known(system, flow, 1)
    await rebuild(system, 1000)
    await rebuild(system, 1000)
    assert await system.verdict(await system.send(hook, {"order": order, "n": 2})) == "unmatched"
    assert await waiters(system, flow) == before


async def test_the_command_says_how_many_there_were(system: System) -> None:
    flow, _ = await system.pair(wait_task("event", BY_ORDER))
    await system.start(flow, {"order": fresh("o")})
    arguments = ("hookline", "waits", "rebuild", "--url", system.address)
    done = await asyncio.to_thread(command, *arguments)
    assert (done.code, done.err) == (0, ""), done
    words = done.out.split()
    assert words[1:3] == ["open", "waits"]
    assert int(words[0]) >= 1
