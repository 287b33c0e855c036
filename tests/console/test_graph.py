"""The drawing of a definition: every task has its node, and bad input still has one."""

import re
from typing import Any

import pytest

from hookline_console.graph import NodeState, draw_graph
from hookline_console.graph.tree import every_block, flow_of
from tests.console.definitions import HOSTILE


def task(ref: str, kind: str = "SIMPLE", **more: Any) -> dict[str, Any]:
    """A task of the type."""
    return {"name": ref, "taskReferenceName": ref, "type": kind, **more}


EVERYTHING: dict[str, Any] = {
    "name": "everything",
    "tasks": [
        task("first"),
        task(
            "choose",
            "SWITCH",
            decisionCases={"yes/no~": [task("yes")], "none": []},
            defaultCase=[task("otherwise")],
        ),
        task("fork", "FORK_JOIN", forkTasks=[[task("left"), task("left_2")], [task("right")]]),
        task("join", "JOIN", joinOn=["left_2", "right"]),
        task("loop", "DO_WHILE", loopOver=[task("inside", "HTTP")]),
        task("paid", "WAIT_FOR_WEBHOOK", inputParameters={"matches": {"$.order": "A-7"}}),
        task("end", "TERMINATE"),
    ],
}


def drawn(definition: Any, **more: Any) -> str:
    return str(draw_graph(definition, icons="icons.svg", **more))


def references(svg: str) -> list[str]:
    """The names on the nodes, in the order of the drawing."""
    return re.findall(r'data-ref="([^"]*)"', svg)


def test_every_task_is_a_node_with_its_pointer() -> None:
    svg = drawn(EVERYTHING, editable=True)
    blocks = list(every_block(flow_of(EVERYTHING["tasks"], "/tasks")))
    assert sorted(references(svg)) == sorted(block.task["taskReferenceName"] for block in blocks)
    for block in blocks:
        assert f'data-pointer="{block.pointer}"' in svg
    assert 'data-pointer="/tasks/1/decisionCases/yes~1no~0/0"' in svg


def test_only_a_draft_has_places_to_add_a_task() -> None:
    assert "Add a task" in drawn(EVERYTHING, editable=True)
    assert "Add a task" not in drawn(EVERYTHING)


def test_an_execution_colours_its_nodes() -> None:
    states = {"first": NodeState("done"), "paid": NodeState("now", "2 attempts")}
    svg = drawn(EVERYTHING, states=states)
    classes = re.findall(r'<g class="node ?([^"]*)"[^>]*data-ref="([^"]*)"', svg)
    kinds = {ref: kind.split() for kind, ref in classes}
    assert "done" in kinds["first"]
    assert "now" in kinds["paid"]
    assert "2 attempts" in svg


@pytest.mark.parametrize(
    ("case", "solid"), [("none", 1), ("of no branch", 0), (None, 0), ("yes/no~", 0)]
)
def test_the_empty_branch_that_was_taken_is_solid(case: str | None, solid: int) -> None:
    switch = EVERYTHING["tasks"][1]
    plain = drawn({"name": "x", "tasks": [switch]}, states={"choose": NodeState("done")})
    state = NodeState("done", case=case)
    svg = drawn({"name": "x", "tasks": [switch]}, states={"choose": state})
    more = svg.count('class="edge done"') - plain.count('class="edge done"')
    assert bool(more) == bool(solid)


def test_a_wait_shows_its_matches_and_who_may_resume_it() -> None:
    hook = {"id": "w", "name": "shop", "receiverWorkflowNamesToVersions": {"everything": 0}}
    svg = drawn(EVERYTHING, webhooks=[hook])
    assert "$.order" in svg
    assert "shop" in svg


def test_names_from_outside_are_text() -> None:
    svg = drawn({"name": HOSTILE, "tasks": [task(HOSTILE)]})
    assert "<img" not in svg


def test_what_is_no_flow_is_drawn_as_far_as_it_goes() -> None:
    for tasks in (None, 7, [None, 1, {}], [task("loop", "DO_WHILE", loopOver=3)]):
        assert drawn({"name": "x", "tasks": tasks}).startswith("<svg")


def test_nesting_without_end_ends() -> None:
    inner: list[Any] = []
    for number in range(200):
        inner = [task(f"loop_{number}", "DO_WHILE", loopOver=inner)]
    assert drawn({"name": "deep", "tasks": inner}).startswith("<svg")
