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
        ("workflowType=*b", Condition(TYPE, Op.MATCHES, "*b")),
        ("workflowType='a**b*'", Condition(TYPE, Op.MATCHES, "a*b*")),
        ("workflowType=*", Condition(TYPE, Op.NE, None)),
        (
            "version=2 AND workflowType!=a*b",
            All((Condition("version", Op.EQ, 2), Condition(TYPE, Op.NE, "a*b"))),
        ),
        ('workflowType STARTS_WITH "a"', Condition(TYPE, Op.PREFIX, "a")),
        ("correlationId IS NOT null", Condition("correlation_id", Op.NE, None)),
        ('parentWorkflowId=""', Condition("parent_workflow_id", Op.EQ, None)),
        ('status IN ("A*")', Condition(STATUS, Op.EQ, "A*")),
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
    [
        "nonsense=1",
        "status",
        "status=",
        "startTime=x",
        "(status=A",
        "status=A AND",
        "a b",
        "'x'=1",
        "status=*a*b*c*d*e*",
    ],
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
        alpha = await world.start("alpha", {"order": 7}, correlationId="no-hex")
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
        free = await world.call("GET", "/workflow/search-v2", freeText="NO-HEX")
        assert [one["workflowId"] for one in free["results"]] == [alpha]
        assert free["results"][0]["tasks"] == []
        refused = await world.refused("GET", "/workflow/search", query="nope=1")
        assert refused == (400, "invalid_query")


async def test_free_text_looks_into_input_and_output(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("alpha", simple("work"), outputParameters={"made": "${work.output.is}"})
        first = await world.start("alpha", {"customer": {"name": 'Zoë "Zee"', "note": "a\nb"}})
        second = await world.start("alpha", {"customer": {"name": "Max"}, "pad": "x" * 5000})

        async def found(text: str) -> list[str]:
            hits = await world.call("GET", "/workflow/search", freeText=text, sort="startTime:ASC")
            assert hits["totalHits"] == len(hits["results"])
            return [one["workflowId"] for one in hits["results"]]

        assert await found("zoë") == [first]
        assert await found('"Zee"') == [first]
        assert await found("a\nb") == [first]
        assert await found("MAX") == [second]
        assert await found("customer") == [first, second]
        for n in range(2):
            await world.finish(await world.poll("work"), **{"is": f"Number-{n}"})
        assert await found("number-0") == [first]
        assert await found("number-1") == [second]
        assert await found("zoë") == [first], "what was found before the end is found after it"
        assert await found("COMPLETED") == [first, second]


async def test_the_output_of_an_earlier_step_is_found_as_that_of_the_execution(
    tmp_path: Path,
) -> None:
    """The body was made by another command than the one that ends the execution."""
    async with open_world(tmp_path) as world:
        fork = node(
            "FORK_JOIN", "fork", forkTasks=[[simple("slow")], [simple("first"), simple("quick")]]
        )
        join = node("JOIN", "join", joinOn=["slow", "quick"])
        await world.define("both", fork, join, outputParameters={})
        workflow_id = await world.start("both")
        await world.finish(await world.poll("first"))
        await world.finish(await world.poll("quick"), colour="teal")
        await world.finish(await world.poll("slow"), colour="plum")
        ended = await world.workflow(workflow_id)
        assert (ended["status"], ended["output"]) == ("COMPLETED", {"colour": "teal"})
        hits = await world.call("GET", "/workflow/search", freeText="TEAL")
        assert [one["workflowId"] for one in hits["results"]] == [workflow_id]


async def test_a_wildcard_may_stand_anywhere_in_a_value(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("alpha", simple("work"))
        ids = [await world.start("alpha", correlationId=f"eu-{n}-order") for n in range(2)]
        for query, expected in (
            ("correlationId=*-order", ids),
            ("correlationId='eu*order'", ids),
            ("correlationId=*1*", ids[1:]),
            ("correlationId=eu*0", []),
        ):
            hits = await world.call("GET", "/workflow/search", query=query, sort="startTime:ASC")
            assert sorted(one["workflowId"] for one in hits["results"]) == sorted(expected), query
