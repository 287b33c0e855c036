"""The search of executions and its language."""

from pathlib import Path

import pytest

from hookline_common.documents import All, AnyOf, Condition, Op, Order
from hookline_common.errors import BadRequest
from hookline_engine.rest.search_language import WORKFLOW_FIELDS, parse_query, parse_sort
from tests.engine.engine_world import node, open_world, simple

TYPE, STATUS, START = "workflow_type", "status", "start_time"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", All()),
        ("status=RUNNING", Condition(STATUS, Op.EQ, "RUNNING")),
        ("startTime > 5", Condition(START, Op.GT, 5)),
        ("version>=2", Condition("version", Op.GE, 2)),
        ("workflowType IN (a, 'b c')", Condition(TYPE, Op.IN, ("a", "b c"))),
        ("workflowType = 'it\\'s'", Condition(TYPE, Op.EQ, "it's")),
        ("workflowType=ab*", Condition(TYPE, Op.PREFIX, "ab")),
        ('workflowType STARTS_WITH "a"', Condition(TYPE, Op.PREFIX, "a")),
        ("correlationId IS NOT null", Condition("correlation_id", Op.NE, None)),
        ('parentWorkflowId=""', Condition("parent_workflow_id", Op.EQ, None)),
        (
            "startTime BETWEEN 1 AND 2 and status!=FAILED",
            All(
                (
                    All((Condition(START, Op.GE, 1), Condition(START, Op.LE, 2))),
                    Condition(STATUS, Op.NE, "FAILED"),
                )
            ),
        ),
        (
            "status=A OR status=B AND version=1",
            AnyOf(
                (
                    Condition(STATUS, Op.EQ, "A"),
                    All((Condition(STATUS, Op.EQ, "B"), Condition("version", Op.EQ, 1))),
                )
            ),
        ),
        (
            "(status=A OR status=B) AND version=1",
            All(
                (
                    AnyOf((Condition(STATUS, Op.EQ, "A"), Condition(STATUS, Op.EQ, "B"))),
                    Condition("version", Op.EQ, 1),
                )
            ),
        ),
    ],
)
def test_a_query_means(text: str, where: object) -> None:
    assert parse_query(text, WORKFLOW_FIELDS) == where


@pytest.mark.parametrize(
    "text",
    ["nonsense=1", "status", "status=", "startTime=x", "(status=A", "status=A AND", "a b", "'x'=1"],
)
def test_a_query_that_cannot_be_read_says_where(text: str) -> None:
    with pytest.raises(BadRequest, match="position"):
        parse_query(text, WORKFLOW_FIELDS)


def test_a_sort_takes_known_fields_and_ignores_the_rest() -> None:
    assert parse_sort("status:ASC|x:DESC|version", WORKFLOW_FIELDS) == (Order(STATUS),)
    assert parse_sort(None, WORKFLOW_FIELDS) == (Order(START, descending=True),)


async def test_what_was_just_started_is_found(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("alpha", simple("work"))
        await world.define("beta", node("SET_VARIABLE", "set", inputParameters={"x": 1}))
        alpha = await world.start("alpha", {"order": 7}, correlationId="c-9")
        beta = await world.start("beta")
        query = "workflowType IN (alpha,beta) AND status IN (RUNNING)"
        found = await world.call("GET", "/workflow/search", query=query)
        assert [one["workflowId"] for one in found["results"]] == [alpha]
        (summary,) = found["results"]
        assert summary["input"] == '{"order":7}'
        assert summary["parentWorkflowId"] == ""
        everything = await world.call("GET", "/workflow/search", size=1, sort="startTime:DESC")
        assert everything["totalHits"] == 2
        assert [one["workflowId"] for one in everything["results"]] == [beta]
        free = await world.call("GET", "/workflow/search-v2", freeText="C-9")
        assert [one["workflowId"] for one in free["results"]] == [alpha]
        assert free["results"][0]["tasks"] == []
        refused = await world.refused("GET", "/workflow/search", query="nope=1")
        assert refused == (400, "invalid_query")
