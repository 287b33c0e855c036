"""The search of executions on both stores: free text in input and output, wildcards anywhere."""

import pytest

from tests.pipeline.running_system import System, fresh, wait_task

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _found(system: System, flow: str, where: str = "", text: str = "*") -> list[str]:
    query = f"workflowType = '{flow}'" + (f" AND {where}" if where else "")
    options = {"query": query, "freeText": text, "sort": "startTime:ASC"}
    page = await system.get("/workflow/search", params=options)
    assert page["totalHits"] == len(page["results"])
    return [one["workflowId"] for one in page["results"]]


async def test_executions_are_found_by_what_went_in_and_what_came_out(system: System) -> None:
    flow, hook = await system.pair(wait_task("event", {"$.order": "${workflow.input.order}"}))
    orders = [fresh("Order") for _ in range(2)]
    one, other = [
        await system.start(
            flow, {"order": order, "of": 'Straße "7"'}, correlationId=f"eu-{order}-x"
        )
        for order in orders
    ]
    assert await _found(system, flow, text=orders[0].upper()) == [one]
    assert await _found(system, flow, text='strasse "7"') == [one, other]
    await system.send(hook, {"order": orders[1], "note": "Ünique"})
    await system.ended(other)
    assert await _found(system, flow, text="üNIQUE") == [other]
    assert await _found(system, flow, text=orders[1]) == [other]
    assert await _found(system, flow, f"correlationId = '*{orders[0]}*'") == [one]
    assert await _found(system, flow, "correlationId = eu-*-x") == [one, other]
    assert await _found(system, flow, "correlationId = eu-*-y") == []
