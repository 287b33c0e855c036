"""Definitions over the API (specs/rest.md 2.1): each row, each bad input, what the services see."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hookline_common.config_view import ConfigView
from hookline_common.webhooks import WorkflowPlans
from tests.engine.rest_surface import Surface, open_stores, open_surface

WORKFLOW = "/api/metadata/workflow"
TASK = "/api/metadata/taskdefs"


def simple(ref: str = "t") -> dict[str, Any]:
    return {"name": "work", "taskReferenceName": ref, "type": "SIMPLE"}


def waiting(ref: str, **matches: Any) -> dict[str, Any]:
    inputs = {"matches": {f"$.{path}": value for path, value in matches.items()}}
    return {
        "name": "wait",
        "taskReferenceName": ref,
        "type": "WAIT_FOR_WEBHOOK",
        "inputParameters": inputs,
    }


def workflow(name: str = "order", version: int = 1, **more: Any) -> dict[str, Any]:
    return {"name": name, "version": version, "tasks": [simple()], **more}


@pytest.fixture
async def surface(tmp_path: Path) -> AsyncIterator[Surface]:
    async with open_stores(tmp_path) as (log, documents), open_surface(log, documents) as opened:
        yield opened


def plans(view: ConfigView) -> dict[tuple[str, int], tuple[tuple[str, ...], ...]]:
    return {(plan.workflow, plan.version): plan.paths for plan in view.plans()}


class TestWorkflows:
    async def test_a_new_definition_is_read_back_with_its_defaults(self, surface: Surface) -> None:
        body = workflow(description="d", outputParameters={"z": 1, "a": None}, unknown=1)
        assert await surface.call("POST", WORKFLOW, body) is None
        read = await surface.call("GET", f"{WORKFLOW}/order")
        assert read["createTime"] == surface.clock.ms
        assert read["updateTime"] == 0
        assert (read["version"], read["schemaVersion"], read["description"]) == (1, 2, "d")
        assert list(read["outputParameters"].items()) == [("z", 1), ("a", None)]
        assert "unknown" not in read
        assert "failureWorkflow" not in read
        assert read["inputParameters"] == []
        assert read["tasks"][0]["taskReferenceName"] == "t"

    async def test_the_same_version_again_is_409_unless_it_is_to_be_overwritten(
        self, surface: Surface
    ) -> None:
        await surface.call("POST", WORKFLOW, workflow())
        refused = await surface.refused("POST", WORKFLOW, workflow())
        assert refused == (409, "definition_exists", None)
        created = surface.clock.ms
        surface.clock.ms += 5
        await surface.call("POST", f"{WORKFLOW}?overwrite=True", workflow(description="new"))
        read = await surface.call("GET", f"{WORKFLOW}/order")
        assert read["description"] == "new"
        assert (read["createTime"], read["updateTime"]) == (created, created + 5)

    async def test_put_creates_and_replaces_and_says_which(self, surface: Surface) -> None:
        await surface.call("POST", WORKFLOW, workflow())
        bodies = [workflow(description="new"), workflow("other")]
        assert await surface.call("PUT", WORKFLOW, bodies) == {
            "bulkErrorResults": {},
            "bulkSuccessfulResults": ["order", "other"],
        }
        assert (await surface.call("GET", f"{WORKFLOW}/order"))["description"] == "new"
        assert (await surface.call("GET", f"{WORKFLOW}/other"))["updateTime"] == 0

    async def test_the_latest_is_the_highest_version_that_is_there(self, surface: Surface) -> None:
        for version in (2, 10, 9):
            await surface.call("POST", WORKFLOW, workflow(version=version))
        assert (await surface.call("GET", f"{WORKFLOW}/order"))["version"] == 10
        assert (await surface.call("GET", f"{WORKFLOW}/order?version="))["version"] == 10
        assert (await surface.call("GET", f"{WORKFLOW}/order?version=2"))["version"] == 2
        assert await surface.call("DELETE", f"{WORKFLOW}/order/10") is None
        assert (await surface.call("GET", f"{WORKFLOW}/order"))["version"] == 9

    async def test_lists_of_names_and_versions(self, surface: Surface) -> None:
        for name, version in (("b", 2), ("b", 1), ("a", 1)):
            await surface.call("POST", WORKFLOW, workflow(name, version))
        assert await surface.call("GET", f"{WORKFLOW}/names") == ["a", "b"]
        assert [d["version"] for d in await surface.call("GET", WORKFLOW)] == [1, 1, 2]
        latest = await surface.call("GET", f"{WORKFLOW}/latest-versions")
        assert [(d["name"], d["version"]) for d in latest] == [("a", 1), ("b", 2)]
        versions = await surface.call("GET", f"{WORKFLOW}/b/versions")
        assert versions == [
            {"name": "b", "version": 1, "createTime": surface.clock.ms},
            {"name": "b", "version": 2, "createTime": surface.clock.ms},
        ]
        both = await surface.call("GET", f"{WORKFLOW}/names-and-versions")
        assert [entry["version"] for entry in both["b"]] == [1, 2]
        assert both["a"][0]["updateTime"] == 0
        assert await surface.call("GET", f"{WORKFLOW}/nothing/versions") == []

    async def test_a_name_may_hold_a_slash_and_a_colon(self, surface: Surface) -> None:
        await surface.call("POST", WORKFLOW, workflow("a/b:c", 3))
        assert (await surface.call("GET", f"{WORKFLOW}/a%2Fb%3Ac"))["name"] == "a/b:c"
        await surface.call("DELETE", f"{WORKFLOW}/a%2Fb%3Ac/3")

    async def test_what_is_not_there_is_404_and_named(self, surface: Surface) -> None:
        await surface.call("POST", WORKFLOW, workflow())
        for path in ("nothing", "order?version=0", "order?version=7"):
            assert (await surface.refused("GET", f"{WORKFLOW}/{path}"))[0] == 404
        answer = await surface.http.get(f"{WORKFLOW}/nothing")
        assert "nothing" in answer.json()["message"]
        answer = await surface.http.delete(f"{WORKFLOW}/order/9")
        assert answer.status_code == 404
        assert "No such workflow definition" in answer.json()["message"]
        assert (await surface.refused("DELETE", f"{WORKFLOW}/order/x"))[0] == 400

    async def test_validate_saves_nothing(self, surface: Surface) -> None:
        assert await surface.call("POST", f"{WORKFLOW}/validate", workflow()) is None
        assert (await surface.refused("POST", f"{WORKFLOW}/validate", {}))[0] == 400
        assert await surface.call("GET", WORKFLOW) == []

    async def test_of_callers_that_overwrite_at_once_each_is_applied(
        self, surface: Surface
    ) -> None:
        await asyncio.gather(
            *(surface.call("PUT", WORKFLOW, [workflow(description=str(n))]) for n in range(6))
        )
        read = await surface.call("GET", f"{WORKFLOW}/order")
        assert read["updateTime"] >= read["createTime"] + 5

    @pytest.mark.parametrize(
        ("method", "body", "code"),
        [
            ("POST", {}, "validation_failed"),
            ("POST", {"name": "x", "tasks": []}, "validation_failed"),
            ("POST", workflow(tasks=[simple(), simple()]), "validation_failed"),
            ("POST", workflow(tasks="none"), "validation_failed"),
            ("POST", workflow(version="one"), "validation_failed"),
            ("POST", workflow(tasks=[{**simple(), "type": "HUMAN"}]), "validation_failed"),
            ("POST", workflow(tasks=[waiting("w", **{"a[": 1})]), "validation_failed"),
            ("POST", [workflow()], "wrong_type"),
            ("POST", "text", "wrong_type"),
            ("PUT", [], "empty_list"),
            ("PUT", 7, "wrong_type"),
            ("PUT", [workflow(), {}], "validation_failed"),
        ],
    )
    async def test_a_bad_definition_is_400_and_saves_nothing(
        self, surface: Surface, method: str, body: Any, code: str
    ) -> None:
        assert (await surface.refused(method, WORKFLOW, body))[:2] == (400, code)
        assert await surface.call("GET", WORKFLOW) == []

    async def test_violations_have_conductors_path_and_a_pointer(self, surface: Surface) -> None:
        answer = await surface.http.put(WORKFLOW, json=[workflow(), workflow(name="")])
        error = answer.json()
        assert error["validationErrors"][0]["path"] == "updateWorkflowDef.arg0[1].name"
        assert error["field"] == "/1/name"

    @pytest.mark.parametrize("value", ["maybe", "2", "t"])
    async def test_a_bad_parameter_is_400(self, surface: Surface, value: str) -> None:
        refused = await surface.refused("POST", f"{WORKFLOW}?overwrite={value}", workflow())
        assert refused == (400, "invalid_parameter", "/query/overwrite")
        refused = await surface.refused("GET", f"{WORKFLOW}/x?version={value}x")
        assert refused == (400, "invalid_parameter", "/query/version")


class TestPlans:
    async def test_a_saved_definition_publishes_the_plans_of_all_its_waits(
        self, surface: Surface
    ) -> None:
        loop = {
            "name": "loop",
            "taskReferenceName": "loop",
            "type": "DO_WHILE",
            "loopCondition": "false",
            "loopOver": [waiting("in_loop", b="x", a="y")],
        }
        switch = {
            "name": "switch",
            "taskReferenceName": "switch",
            "type": "SWITCH",
            "evaluatorType": "value-param",
            "expression": "x",
            "decisionCases": {"one": [waiting("in_case", c=1)]},
            "defaultCase": [waiting("in_default")],
        }
        operators = waiting("top", a="y", d={"operator": "exists"})
        body = workflow(tasks=[operators, switch, loop])
        await surface.call("POST", WORKFLOW, body)
        found = plans(await surface.config())
        assert found == {("order", 1): ((), ("$.a",), ("$.a", "$.b"), ("$.c",))}

    async def test_a_change_and_a_deletion_change_the_plans(self, surface: Surface) -> None:
        await surface.call("POST", WORKFLOW, workflow(tasks=[waiting("w", a=1)]))
        await surface.call("PUT", WORKFLOW, [workflow(tasks=[waiting("w", b=1)])])
        assert plans(await surface.config()) == {("order", 1): (("$.b",),)}
        await surface.call("DELETE", f"{WORKFLOW}/order/1")
        assert plans(await surface.config()) == {}
        await surface.call("POST", WORKFLOW, workflow(tasks=[waiting("w", c=1)]))
        assert plans(await surface.config()) == {("order", 1): (("$.c",),)}

    async def test_plans_that_a_crash_kept_back_are_published_at_the_start(
        self, tmp_path: Path
    ) -> None:
        async with open_stores(tmp_path) as (log, documents):
            async with open_surface(log, documents) as surface:
                await surface.call("POST", WORKFLOW, workflow(tasks=[waiting("w", a=1)]))
            (tmp_path / "new-log").mkdir()
            async with (
                open_stores(tmp_path / "new-log") as (empty_log, _),
                open_surface(empty_log, documents) as surface,
            ):
                found = (await surface.config()).plans()
        assert [type(plan) for plan in found] == [WorkflowPlans]
        assert found[0].paths == (("$.a",),)


class TestTasks:
    async def test_a_definition_of_only_a_name_gets_the_defaults(self, surface: Surface) -> None:
        assert await surface.call("POST", TASK, [{"name": "ship"}]) is None
        read = await surface.call("GET", f"{TASK}/ship")
        assert (read["retryCount"], read["responseTimeoutSeconds"]) == (3, 3600)
        assert (read["timeoutPolicy"], read["retryLogic"]) == ("TIME_OUT_WF", "FIXED")
        assert read["enforceSchema"] is False
        assert read["createTime"] == surface.clock.ms
        assert "inputSchema" not in read

    async def test_what_workers_register_comes_back_as_stored(self, surface: Surface) -> None:
        body = {
            "name": "ship",
            "inputSchema": {"name": "ship_input", "version": 1},
            "enforceSchema": True,
            "runtimeMetadata": ["KEY"],
            "totalTimeoutSeconds": 60,
            "baseType": "b",
            "inputTemplate": {"z": None, "a": [1.5, {"k": None}]},
        }
        await surface.call("POST", TASK, body)
        read = await surface.call("GET", f"{TASK}/ship")
        schema = read.pop("inputSchema")
        assert (schema["name"], schema["version"]) == ("ship_input", 1)
        assert {name: read[name] for name in body if name != "inputSchema"} == {
            name: value for name, value in body.items() if name != "inputSchema"
        }

    async def test_put_replaces_only_what_exists(self, surface: Surface) -> None:
        refused = await surface.refused("PUT", TASK, {"name": "ship"})
        assert refused == (404, "task_def_not_found", None)
        await surface.call("POST", TASK, [{"name": "ship", "retryCount": 9, "description": "d"}])
        created = surface.clock.ms
        surface.clock.ms += 5
        await surface.call("PUT", TASK, {"name": "ship", "timeoutSeconds": "7200"})
        read = await surface.call("GET", f"{TASK}/ship")
        assert (read["retryCount"], read["timeoutSeconds"]) == (3, 7200)
        assert "description" not in read
        assert (read["createTime"], read["updateTime"]) == (created, created + 5)

    async def test_all_are_listed_and_one_is_deleted(self, surface: Surface) -> None:
        await surface.call("POST", TASK, [{"name": "b"}, {"name": "a"}])
        assert [d["name"] for d in await surface.call("GET", TASK)] == ["a", "b"]
        assert await surface.call("DELETE", f"{TASK}/a") is None
        answer = await surface.http.delete(f"{TASK}/a")
        assert answer.status_code == 404
        assert "No such task definition" in answer.json()["message"]
        answer = await surface.http.get(f"{TASK}/a")
        assert (answer.status_code, "a" in answer.json()["message"]) == (404, True)

    @pytest.mark.parametrize(
        ("method", "body", "code"),
        [
            ("POST", [], "empty_list"),
            ("POST", [{"name": ""}], "validation_failed"),
            ("POST", [{"name": "a", "retryCount": -1}], "validation_failed"),
            ("POST", [{"name": "a", "retryCount": 2.7}], "validation_failed"),
            ("POST", [{"name": "a", "responseTimeoutSeconds": None}], "validation_failed"),
            ("POST", [{"name": "a", "retryLogic": "NEVER"}], "validation_failed"),
            ("POST", [{"name": "a"}, {}], "validation_failed"),
            ("POST", "x", "wrong_type"),
            ("PUT", [{"name": "a"}], "wrong_type"),
            ("PUT", {}, "validation_failed"),
        ],
    )
    async def test_a_bad_definition_is_400(
        self, surface: Surface, method: str, body: Any, code: str
    ) -> None:
        assert (await surface.refused(method, TASK, body))[:2] == (400, code)
        assert await surface.call("GET", TASK) == []

    async def test_an_http_task_may_be_completed_by_its_definition(self, surface: Surface) -> None:
        http = {"name": "call", "taskReferenceName": "c", "type": "HTTP"}
        assert (await surface.refused("POST", WORKFLOW, workflow(tasks=[http])))[0] == 400
        template = {"http_request": {"uri": "http://x", "method": "GET"}}
        await surface.call("POST", TASK, [{"name": "call", "inputTemplate": template}])
        await surface.call("POST", WORKFLOW, workflow(tasks=[http]))


class TestTags:
    @pytest.mark.parametrize("kind", ["workflow", "task"])
    async def test_tags_are_added_set_listed_and_removed(self, surface: Surface, kind: str) -> None:
        await surface.call("POST", WORKFLOW, workflow("x"))
        await surface.call("POST", TASK, [{"name": "x"}])
        path = f"/api/metadata/{kind}/x/tags"
        one = {"key": "a", "value": "1", "type": "METADATA"}
        limit = {"key": "x", "value": 5, "type": "RATE_LIMIT"}
        assert await surface.call("GET", path) == []
        assert await surface.call("POST", path, {"key": "a", "value": "1"}) is None
        await surface.call("POST", path, one)
        assert await surface.call("GET", path) == [one]
        await surface.call("PUT", path, [one, limit])
        assert await surface.call("GET", path) == [one, limit]
        assert await surface.call("GET", "/api/metadata/tags") == [one, limit]
        await surface.call("DELETE", path, one)
        await surface.call("DELETE", path, [one])
        assert await surface.call("GET", path) == [limit]

    async def test_tags_of_what_is_not_there(self, surface: Surface) -> None:
        path = "/api/metadata/workflow/none/tags"
        assert await surface.call("GET", path) == []
        assert (await surface.refused("POST", path, {"key": "a"}))[0] == 404
        assert (await surface.refused("PUT", path, []))[0] == 404
        await surface.call("POST", WORKFLOW, workflow("none"))
        bad = {"key": "a", "type": "NO"}
        assert await surface.refused("POST", path, bad) == (400, "invalid_tag", "/0")

    async def test_rate_limit_settings(self, surface: Surface) -> None:
        path = "/api/metadata/tags/workflow/order"
        assert (await surface.refused("GET", path))[0] == 404
        await surface.call("POST", WORKFLOW, workflow())
        assert await surface.call("GET", path) == {}
        await surface.call("POST", path, {"rateLimit": {"limit": 3}})
        assert await surface.call("GET", path) == {"rateLimit": {"limit": 3}}
        assert await surface.call("GET", f"{path}?version=1") == {}
        await surface.call("DELETE", path)
        assert await surface.call("GET", path) == {}


async def test_version_and_health_are_conductors(surface: Surface) -> None:
    version = await surface.http.get("/api/version")
    assert version.headers["content-type"].startswith("text/plain")
    for path in ("/health", "/api/health"):
        assert (await surface.call("GET", path)) == {
            "healthy": True,
            "healthResults": [],
            "suppressedHealthResults": [],
        }
