"""Snapshots: task definitions inside, versions fixed, the flow compiled."""

import pytest

from hookline_common.errors import NotFound
from hookline_engine.definitions.model import TaskDef
from hookline_engine.definitions.snapshots import freeze, has_scripts, needs, thaw, walk
from tests.engine.core_player import definition, inline, node


def flow():
    return definition(
        node("f", "FORK_JOIN", forkTasks=[[node("a1"), node("a2")], [node("b1")]]),
        node("j", "JOIN", joinOn=["a2", "b1"]),
        node(
            "s",
            "SWITCH",
            evaluatorType="value-param",
            expression="x",
            decisionCases={"c": [node("c1"), node("c2")]},
            defaultCase=[node("d1")],
        ),
        node(
            "l",
            "DO_WHILE",
            loopCondition="false",
            loopOver=[
                node("x"),
                node("m", "DO_WHILE", loopCondition="false", loopOver=[node("y")]),
            ],
        ),
        node("t", "TERMINATE", inputParameters={"terminationStatus": "FAILED"}),
        node("never"),
    )


@pytest.mark.parametrize(
    ("ref", "following"),
    [
        ("f", "j"),
        ("a1", "a2"),
        ("a2", "j"),
        ("b1", "j"),
        ("j", "s"),
        ("s", "l"),
        ("c1", "c2"),
        ("c2", "l"),
        ("d1", "l"),
        ("l", "t"),
        ("x", "m"),
        ("m", None),
        ("y", None),
        ("t", None),
        ("never", None),
    ],
)
def test_where_the_flow_goes(ref: str, following: str | None):
    assert freeze(flow(), {}, {}).nodes[ref].next == following


def test_loops_and_bodies():
    nodes = freeze(flow(), {}, {}).nodes
    assert nodes["y"].loops == ("l", "m")
    assert nodes["l"].body == ("x", "m")
    assert nodes["m"].body == ("y",)


def test_task_definitions_are_copied_in_and_invented_where_missing():
    workflow = definition(
        node("a"), node("b", taskDefinition={"name": "b", "retryCount": 7}), node("w", "WAIT")
    )
    assert needs(workflow).task_defs == {"a", "w"}
    nodes = freeze(workflow, {"a": TaskDef(name="a", retry_count=5)}, {}).nodes
    assert [nodes[ref].task_def.retry_count for ref in ("a", "b", "w")] == [5, 7, 0]
    assert nodes["w"].task_def.response_timeout_seconds == 0


def test_the_newest_version_of_a_sub_workflow_is_written_in():
    workflow = definition(
        node("p", "SUB_WORKFLOW", subWorkflowParam={"name": "kid", "version": 3}),
        node("q", "SUB_WORKFLOW", subWorkflowParam={"name": "kid"}),
        node("r", "SUB_WORKFLOW", subWorkflowParam={"name": "${workflow.input.name}"}),
    )
    assert needs(workflow).workflows == {"kid"}
    versions = [
        task.sub_workflow_param.version
        for task in walk(freeze(workflow, {}, {"kid": 8}).definition.tasks)
        if task.sub_workflow_param
    ]
    assert versions == [3, 8, None]
    with pytest.raises(NotFound, match="kid"):
        freeze(workflow, {}, {})


def test_a_snapshot_is_shared_by_content_and_survives_storage():
    one, two = freeze(flow(), {}, {}), freeze(flow(), {}, {})
    assert one.token == two.token
    again = thaw(one.body)
    assert (again.token, again.nodes) == (one.token, one.nodes)
    assert freeze(flow(), {"x": TaskDef(name="x", retry_count=9)}, {}).token != one.token


def test_which_definitions_run_scripts():
    assert has_scripts(definition(inline("i", "1")))
    assert has_scripts(flow())
    assert not has_scripts(definition(node("a"), inline("i", "k", evaluatorType="value-param")))
