"""Registration: what is accepted, what is refused and with which path."""

from typing import Any

import pytest

from hookline_common.errors import BadRequest
from hookline_engine.definitions.model import (
    as_json,
    decode_task_def,
    decode_workflow_def,
    encode_definition,
)
from hookline_engine.definitions.node_checks import NOT_BUILT_YET
from hookline_engine.definitions.validation import parse_task_def, parse_workflow_def
from tests.engine.core_player import node


def workflow(*tasks: Any, **fields: Any) -> dict[str, Any]:
    return {"name": "flow", "tasks": list(tasks) or [node("a")], **fields}


def violations(value: Any, **places: Any) -> list[dict[str, Any]]:
    with pytest.raises(BadRequest) as refused:
        parse_workflow_def(value, **places)
    assert refused.value.status == 400
    assert refused.value.code == "validation_failed"
    assert refused.value.field == refused.value.violations[0]["path"]
    return list(refused.value.violations)


def task_violations(value: Any) -> list[dict[str, Any]]:
    with pytest.raises(BadRequest) as refused:
        parse_task_def(value)
    return list(refused.value.violations)


def test_defaults_are_conductors():
    shown = as_json(parse_workflow_def(workflow({"name": "a", "taskReferenceName": "a"})))
    assert shown["version"] == 1
    assert shown["schemaVersion"] == 2
    assert (shown["restartable"], shown["timeoutPolicy"]) == (True, "ALERT_ONLY")
    assert shown["outputParameters"] == {}
    assert shown["tasks"][0]["type"] == "SIMPLE"
    assert "description" not in shown
    task = as_json(parse_task_def({"name": "a"}))
    assert (task["retryCount"], task["responseTimeoutSeconds"], task["retryDelaySeconds"]) == (
        3,
        3600,
        60,
    )


def test_what_is_stored_reads_back_the_same():
    given = workflow(
        node("a", inputParameters={"n": None, "big": 2**70, "z": 1, "y": {"$k.l": [1, None]}}),
        description="x",
        outputParameters={"o": None},
    )
    definition = parse_workflow_def(given)
    assert decode_workflow_def(encode_definition(definition)) == definition
    assert list(as_json(definition)["tasks"][0]["inputParameters"]) == ["n", "big", "z", "y"]
    task = parse_task_def({"name": "t", "inputTemplate": {"a": None}})
    assert decode_task_def(encode_definition(task)) == task


def test_unknown_fields_are_ignored_at_every_depth():
    parse_workflow_def(workflow(node("a", colour="red"), shape="round"))


@pytest.mark.parametrize(
    ("field", "given", "read"),
    [
        ("timeoutSeconds", "7", 7),
        ("timeoutSeconds", None, 0),
        ("timeoutSeconds", 7.0, 7),
        ("restartable", "True", True),
        ("restartable", None, False),
        ("timeoutPolicy", None, "ALERT_ONLY"),
        ("description", 5, "5"),
        ("tags", [1], "absent"),
    ],
)
def test_lenient_reading(field: str, given: object, read: object):
    shown = as_json(parse_workflow_def(workflow(**{field: given})))
    assert shown.get(field, "absent") == read


@pytest.mark.parametrize(
    ("fields", "path", "shown"),
    [
        ({"timeoutSeconds": 2.7}, "timeoutSeconds", "2.7"),
        ({"timeoutSeconds": "many"}, "timeoutSeconds", "many"),
        ({"timeoutSeconds": True}, "timeoutSeconds", "true"),
        ({"timeoutSeconds": 2**70}, "timeoutSeconds", str(2**70)),
        ({"timeoutSeconds": "9" * 5000}, "timeoutSeconds", "9" * 5000),
        ({"restartable": "perhaps"}, "restartable", "perhaps"),
        ({"timeoutPolicy": "RETRY"}, "timeoutPolicy", "RETRY"),
        ({"tasks": {}}, "tasks", None),
        ({"tasks": [5]}, "tasks[0]", "5"),
        ({"tasks": [None]}, "tasks[0]", None),
        ({"outputParameters": []}, "outputParameters", None),
        ({"description": {}}, "description", None),
        ({"schemaVersion": 1}, "schemaVersion", "1"),
        ({"schemaVersion": None}, "schemaVersion", "0"),
        ({"name": " "}, "name", None),
        ({"name": None}, "name", None),
        ({"tasks": []}, "tasks", None),
    ],
)
def test_wrong_values_are_named_by_path(fields: dict[str, Any], path: str, shown: str | None):
    first = violations(workflow(**fields))[0]
    assert first["path"] == f"registerWorkflowDef.arg0.{path}"
    assert first.get("invalidValue") == shown


@pytest.mark.parametrize("value", [None, 5, "x", [], True])
def test_what_is_no_object(value: object):
    assert violations(value)[0]["path"] == "registerWorkflowDef.arg0"


def test_the_place_in_a_list_is_part_of_the_path():
    found = violations({"name": ""}, operation="updateWorkflowDef", index=2)
    assert [one["path"] for one in found] == [
        "updateWorkflowDef.arg0[2].name",
        "updateWorkflowDef.arg0[2].tasks",
    ]


def nested(kind: str, inner: dict[str, Any]) -> dict[str, Any]:
    match kind:
        case "case":
            return node(
                "s",
                "SWITCH",
                evaluatorType="value-param",
                expression="x",
                decisionCases={"c": [inner]},
            )
        case "default":
            return node(
                "s",
                "SWITCH",
                evaluatorType="value-param",
                expression="x",
                decisionCases={"c": []},
                defaultCase=[inner],
            )
        case "fork":
            return node("f", "FORK_JOIN", forkTasks=[[inner]])
        case _:
            return node("l", "DO_WHILE", loopCondition="false", loopOver=[inner])


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("case", "decisionCases[c][0]"),
        ("default", "defaultCase[0]"),
        ("fork", "forkTasks[0][0]"),
        ("loop", "loopOver[0]"),
    ],
)
def test_nodes_are_checked_at_every_depth(kind: str, place: str):
    bad = {**node("x", "TERMINATE"), "inputParameters": {"v": "${nobody.output}"}}
    tasks = [nested(kind, bad)] + ([node("j", "JOIN")] if kind == "fork" else [])
    paths = [one["path"] for one in violations(workflow(*tasks))]
    prefix = f"registerWorkflowDef.arg0.tasks[0].{place}.inputParameters"
    assert paths == [f"{prefix}.terminationStatus", f"{prefix}.v"]


@pytest.mark.parametrize("kind", ["case", "default", "fork", "loop"])
def test_references_are_unique_over_all_depths(kind: str):
    tasks = [
        nested(kind, node("twin")),
        *([node("j", "JOIN")] if kind == "fork" else []),
        node("twin"),
    ]
    (found,) = violations(workflow(*tasks))
    assert "twin" in found["message"]
    assert "flow" in found["message"]


@pytest.mark.parametrize("kind", sorted(NOT_BUILT_YET))
def test_an_operator_that_is_not_built_yet_is_refused_by_name(kind: str):
    found = violations(workflow(node("x", kind)))
    assert kind in found[0]["message"]
    assert found[0]["path"].endswith("tasks[0].type")


def test_any_other_type_is_a_workers_queue():
    assert parse_workflow_def(workflow(node("x", "my_own_type"))).tasks[0].type == "my_own_type"


@pytest.mark.parametrize(
    ("task", "path"),
    [
        ({"name": "", "taskReferenceName": "a"}, "name"),
        ({"name": "a"}, "taskReferenceName"),
        (node("a", ""), "type"),
        (node("a", None), "type"),
        (node("a", startDelay=-1), "startDelay"),
        (node("HTTP"), "name"),
        (node("s", "SWITCH", expression="x", decisionCases={"a": []}), "evaluatorType"),
        (
            node("s", "SWITCH", evaluatorType="python", expression="x", decisionCases={"a": []}),
            "evaluatorType",
        ),
        (
            node(
                "s", "SWITCH", evaluatorType="javascript", expression="1 +", decisionCases={"a": []}
            ),
            "expression",
        ),
        (node("s", "SWITCH", evaluatorType="value-param", decisionCases={"a": []}), "expression"),
        (node("s", "SWITCH", evaluatorType="value-param", expression="x"), "decisionCases"),
        (node("l", "DO_WHILE", loopOver=[node("a")]), "loopCondition"),
        (node("l", "DO_WHILE", loopCondition="(", loopOver=[node("a")]), "loopCondition"),
        (node("l", "DO_WHILE", loopCondition="true"), "loopOver"),
        (node("s", "SUB_WORKFLOW"), "subWorkflowParam"),
        (node("s", "SUB_WORKFLOW", subWorkflowParam={}), "subWorkflowParam.name"),
        (
            node("s", "SUB_WORKFLOW", subWorkflowParam={"name": "x", "workflowDefinition": "y"}),
            "subWorkflowParam.workflowDefinition",
        ),
        (node("t", "TERMINATE"), "inputParameters.terminationStatus"),
        (
            node(
                "t", "TERMINATE", inputParameters={"terminationStatus": "COMPLETED"}, optional=True
            ),
            "optional",
        ),
        (
            node("w", "WAIT", inputParameters={"duration": "1s", "until": "2030-01-01"}),
            "inputParameters",
        ),
        (node("w", "WAIT", inputParameters={"duration": "soon"}), "inputParameters.duration"),
        (node("w", "WAIT", inputParameters={"until": "soon"}), "inputParameters.until"),
        (node("h", "HTTP"), "inputParameters"),
        (node("w", "WAIT_FOR_WEBHOOK"), "inputParameters"),
        (
            node("w", "WAIT_FOR_WEBHOOK", inputParameters={"matches": {"$[": 1}}),
            "inputParameters.matches/$[",
        ),
        (
            node("w", "WAIT_FOR_WEBHOOK", inputParameters={"matches": {}, "timeout": "soon"}),
            "inputParameters.timeout",
        ),
        (
            node("w", "WAIT_FOR_WEBHOOK", inputParameters={"matches": {}, "anyOf": []}),
            "inputParameters.anyOf",
        ),
        (node("a", inputParameters={"x": {"y": ["${nobody.output}"]}}), "inputParameters.x.y.0"),
        (node("a", inputParameters={"x": "${}"}), "inputParameters.x"),
        (node("a", retryCount="x"), "retryCount"),
        (node("a", taskDefinition={"name": "a", "retryCount": -1}), "taskDefinition.retryCount"),
    ],
)
def test_checks_of_nodes(task: dict[str, Any], path: str):
    found = violations(workflow(task))
    assert found[0]["path"] == f"registerWorkflowDef.arg0.tasks[0].{path}"


def test_a_fork_is_followed_by_its_join():
    fork = node("f", "FORK_JOIN", forkTasks=[[node("a")]])
    for tasks in ([fork], [fork, node("b")]):
        assert "JOIN" in violations(workflow(*tasks))[0]["message"]
    assert violations(workflow(node("f", "FORK_JOIN"), node("j", "JOIN")))


def test_expressions_that_are_fine():
    parse_workflow_def(
        workflow(
            node(
                "a",
                inputParameters={
                    "x": "${workflow.input.a[0].b}",
                    "y": "$${literal}",
                    "z": "${b.output.x} and ${CPEWF_TASK_ID}",
                },
            ),
            node("b"),
            node(
                "t", "TERMINATE", inputParameters={"terminationStatus": "${workflow.input.status}"}
            ),
            node("h", "HTTP", taskDefinition={"name": "h", "inputTemplate": {"http_request": {}}}),
            node("l", "DO_WHILE", items="${workflow.input.list}", loopOver=[node("x")]),
        )
    )


def test_deep_nesting_is_refused_and_never_a_crash():
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    assert violations(workflow(node("a", inputParameters={"x": deep})))
    task = node("a0")
    for number in range(150):
        task = node(
            f"s{number}",
            "SWITCH",
            evaluatorType="value-param",
            expression="x",
            decisionCases={"c": [task]},
        )
    assert violations(workflow(task))


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": ""}, ".name"),
        ({"retryCount": -1}, ".retryCount"),
        ({"pollTimeoutSeconds": -1}, ".pollTimeoutSeconds"),
        ({"maxRetryDelaySeconds": -1}, ".maxRetryDelaySeconds"),
        ({"backoffJitterMs": -1}, ".backoffJitterMs"),
        ({"totalTimeoutSeconds": -1}, ".totalTimeoutSeconds"),
        ({"backoffScaleFactor": 0}, ".backoffScaleFactor"),
        ({"responseTimeoutSeconds": 0}, ".responseTimeoutSeconds"),
        ({"responseTimeoutSeconds": None}, ".responseTimeoutSeconds"),
        ({"timeoutSeconds": 5}, ""),
        ({"timeoutSeconds": 9, "responseTimeoutSeconds": 1, "totalTimeoutSeconds": 5}, ""),
        ({"retryLogic": "NEVER"}, ".retryLogic"),
        ({"concurrentExecLimit": "x"}, ".concurrentExecLimit"),
    ],
)
def test_checks_of_task_definitions(fields: dict[str, Any], path: str):
    found = task_violations({"name": "t", **fields})
    assert found[0]["path"] == f"registerTaskDef.arg0{path}"


def test_retry_count_null_is_zero():
    assert parse_task_def({"name": "t", "retryCount": None}).retry_count == 0
