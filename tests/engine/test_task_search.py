"""The search of tasks: its language on rows in memory, and what it finds over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hookline_common.documents import Order
from hookline_engine.rest import task_search
from hookline_engine.rest.search_language import parse_query
from hookline_engine.rest.search_rows import in_order, meets
from hookline_engine.rest.task_search import TASK_FIELDS
from tests.engine.engine_world import World, open_world, simple

ROW = dict.fromkeys((field.column for field in TASK_FIELDS.values()), None) | {
    "task_id": "t1",
    "task_type": "SIMPLE",
    "def_name": "ship_it",
    "status": "COMPLETED",
    "start_time": 1_000,
}


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("", True),
        ("status=COMPLETED AND taskDefName=ship*", True),
        ("taskDefName=*_it", True),
        ("taskDefName=*IT", False),
        ("taskDefName=s.ip_it", False),
        ("status IN (FAILED, COMPLETED)", True),
        ("status=FAILED OR startTime BETWEEN 1000 AND 1000", True),
        ("startTime<1000 OR startTime>1000", False),
        ("startTime<=1000 AND startTime>=1000", True),
        ("endTime>0", False),
        ("endTime!=7", True),
        ("domain IS null AND taskId IS NOT null", True),
        ("status STARTS_WITH COMP", True),
    ],
)
def test_a_row_meets_a_query_as_a_document_would(query: str, holds: bool) -> None:
    assert meets(ROW, parse_query(query, TASK_FIELDS)) is holds


def test_rows_are_ordered_by_several_fields_and_unset_ones_come_first() -> None:
    rows = [{"a": 2, "b": "x"}, {"a": None, "b": "y"}, {"a": 2, "b": "w"}]
    ordered = in_order(rows, (Order("a", descending=True), Order("b")))
    assert [row["b"] for row in ordered] == ["w", "x", "y"]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as opened:
        await opened.define("alpha", simple("pick"), simple("ship"))
        await opened.define("beta", simple("pick"))
        yield opened


async def _found(world: World, path: str = "/tasks/search", **query: Any) -> list[Any]:
    answer = await world.call("GET", path, **query)
    assert answer["totalHits"] == len(answer["results"])
    return answer["results"]


async def test_tasks_are_found_by_their_own_fields_and_those_of_their_execution(
    world: World,
) -> None:
    alpha = await world.start("alpha", {"order": 7}, correlationId="c-1")
    beta = await world.start("beta")
    await world.finish(await world.poll("pick"), box="Blue")
    (ship,) = await _found(world, query="taskDefName=ship AND status=SCHEDULED")
    assert (ship["workflowId"], ship["workflowType"], ship["correlationId"]) == (
        alpha,
        "alpha",
        "c-1",
    )
    assert ship["endTime"] == "1970-01-01T00:00:00.000Z"
    (done,) = await _found(world, query=f"workflowId='{alpha}' AND status=COMPLETED")
    assert (done["output"], done["taskType"]) == ('{"box":"Blue"}', "pick")
    assert {one["workflowId"] for one in await _found(world, query="taskDefName=pick")} == {
        alpha,
        beta,
    }
    assert [one["taskId"] for one in await _found(world, freeText="blue")] == [done["taskId"]]
    whole = await _found(world, "/tasks/search-v2", query="correlationId=c-1", sort="taskId:ASC")
    assert {one["referenceTaskName"] for one in whole} == {"pick", "ship"}
    assert all("inputData" in one for one in whole)


async def test_executions_with_such_a_task_are_found_once(world: World) -> None:
    alpha = await world.start("alpha")
    await world.finish(await world.poll("pick"))
    query = "workflowType=alpha"
    assert len(await _found(world, query=query)) == 2
    (summary,) = await _found(world, "/workflow/search-by-tasks", query=query)
    assert (summary["workflowId"], summary["status"]) == (alpha, "RUNNING")
    (whole,) = await _found(world, "/workflow/search-by-tasks-v2", query=query)
    assert (whole["workflowId"], whole["tasks"]) == (alpha, [])


async def test_pages_have_the_total_and_their_part(world: World) -> None:
    for _ in range(5):
        await world.start("beta")
    ids: list[str] = []
    for start in (0, 2, 4, 6):
        page = await world.call("GET", "/tasks/search", start=start, size=2, sort="taskId:ASC")
        assert page["totalHits"] == 5
        ids += [one["taskId"] for one in page["results"]]
    assert ids == sorted(ids)
    assert len(set(ids)) == 5


async def test_what_was_not_looked_at_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_search, "MOST_EXECUTIONS", 2)
    monkeypatch.setattr(task_search, "_PAGE", 1)
    ids = [await world.start("beta") for _ in range(3)]
    some = await world.call("GET", "/tasks/search")
    assert (some["totalHits"], some["complete"], some["executionsExamined"]) == (2, False, 2)
    every = await world.call("GET", "/tasks/search", query=f"workflowId={ids[0]}")
    assert (every["totalHits"], "complete" in every) == (1, False)


async def test_a_bad_query_is_refused(world: World) -> None:
    assert await world.refused("GET", "/tasks/search", query="nope=1") == (400, "invalid_query")
    assert await world.refused("GET", "/tasks/search", size=5001) == (400, "invalid_parameter")
