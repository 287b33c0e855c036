"""The schema registry over HTTP, and definitions that name its schemas."""

from pathlib import Path
from typing import Any

from tests.engine.engine_world import node, open_world, simple
from tests.engine.rest_surface import Surface, open_stores, open_surface

ORDER = {
    "name": "order",
    "version": 1,
    "type": "JSON",
    "data": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
}


async def versions(surface: Surface, name: str) -> list[int]:
    found = await surface.call("GET", "/api/schema")
    return [one["version"] for one in found if one["name"] == name]


async def test_schemas_are_saved_read_versioned_and_removed(tmp_path: Path) -> None:
    async with (
        open_stores(tmp_path) as (log, documents),
        open_surface(log, documents) as surface,
    ):
        assert await surface.call("GET", "/api/schema") == []
        assert await surface.call("POST", "/api/schema", ORDER) is None
        read = await surface.call("GET", "/api/schema/order/1")
        assert read["data"] == ORDER["data"]
        assert (read["createTime"], read["updateTime"]) == (surface.clock.ms, 0)
        surface.clock.ms += 5
        await surface.call("POST", "/api/schema", [{**ORDER, "data": {}}, {**ORDER, "name": "b"}])
        changed = await surface.call("GET", "/api/schema/order/1")
        assert (changed["data"], changed["updateTime"]) == ({}, surface.clock.ms)
        assert changed["createTime"] == read["createTime"]
        await surface.call("POST", "/api/schema?newVersion=true", ORDER)
        await surface.call("POST", "/api/schema?newVersion=true", {**ORDER, "name": "c"})
        assert await versions(surface, "order") == [1, 2]
        assert await versions(surface, "c") == [1]
        assert (await surface.call("GET", "/api/schema/order"))["version"] == 2
        await surface.call("DELETE", "/api/schema/order/2")
        assert await versions(surface, "order") == [1]
        await surface.call("POST", "/api/schema?newVersion=true", ORDER)
        await surface.call("DELETE", "/api/schema/order")
        assert await versions(surface, "order") == []


async def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    async with (
        open_stores(tmp_path) as (log, documents),
        open_surface(log, documents) as surface,
    ):

        async def refused(body: Any) -> Any:
            return await surface.refused("POST", "/api/schema", body)

        assert await refused({**ORDER, "name": ""}) == (400, "missing_field", "/name")
        assert await refused({"name": "x"}) == (400, "missing_field", "/type")
        assert await refused([ORDER, {**ORDER, "type": "XML"}]) == (400, "invalid_value", "/1/type")
        assert await refused({**ORDER, "version": 0}) == (400, "out_of_range", "/version")
        broken = {**ORDER, "data": {"properties": {"a/b": {"type": 3}}}}
        place = "/data/properties/a~1b/type"
        assert await refused(broken) == (400, "invalid_schema", place)
        assert await refused("order") == (400, "wrong_type", "")
        assert await refused([]) == (400, "empty_list", "")
        assert await surface.call("GET", "/api/schema") == [], "one that is wrong saves none"
        for method, path in (("GET", "/order"), ("GET", "/order/1"), ("DELETE", "/order/1")):
            status, code, _ = await surface.refused(method, f"/api/schema{path}")
            assert (status, code) == (404, "schema_not_found")
        status, code, _ = await surface.refused("GET", "/api/schema/order/one")
        assert (status, code) == (400, "invalid_parameter")


async def test_definitions_with_what_is_no_schema_are_refused(tmp_path: Path) -> None:
    async with (
        open_stores(tmp_path) as (log, documents),
        open_surface(log, documents) as surface,
    ):
        wrong = {"type": "JSON", "data": {"type": "objet"}}
        flow = {"name": "f", "tasks": [simple("a")], "outputSchema": wrong}
        refused = await surface.refused("POST", "/api/metadata/workflow", flow)
        assert refused == (400, "validation_failed", "/outputSchema/data/type")
        await surface.call("POST", "/api/metadata/workflow", {**flow, "enforceSchema": False})
        task = {"name": "t", "inputSchema": wrong, "enforceSchema": True}
        refused = await surface.refused("POST", "/api/metadata/taskdefs", [task])
        assert refused == (400, "validation_failed", "/0/inputSchema/data/type")
        avro = {**task, "inputSchema": {**wrong, "type": "AVRO"}}
        await surface.call("POST", "/api/metadata/taskdefs", [avro])
        nothing = {**task, "outputSchema": {"type": "JSON"}, "inputSchema": None}
        refused = await surface.refused("POST", "/api/metadata/taskdefs", [nothing])
        assert refused == (400, "validation_failed", "/0/outputSchema")


async def test_a_start_is_held_against_the_schema_with_the_defaults_filled_in(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path) as world:
        await world.call("POST", "/schema", ORDER)
        named = {"name": "order", "version": 1}
        await world.define("flow", simple("a"), inputSchema=named)
        answer = await world.http.post(
            "/api/workflow", json={"name": "flow", "input": {"n": "x"}, "idempotencyKey": "k"}
        )
        error = answer.json()
        assert (answer.status_code, error["code"]) == (400, "schema_violation")
        assert error["field"] == "/input/n"
        assert error["validationErrors"] == [{"path": "/input/n", "message": "must be integer"}]
        for path in ("/workflow/flow", "/workflow/execute/flow"):
            answer = await world.http.post(f"/api{path}", json={"n": "x"})
            assert (answer.status_code, answer.json()["field"]) == (400, "/n")
        assert await world.refused("POST", "/workflow/execute/flow/1", {"input": {}}) == (
            400,
            "schema_violation",
        )
        # The refused start has taken nothing: neither a task nor its idempotency key.
        assert await world.call("GET", "/tasks/queue/sizes") == {}
        workflow_id = await world.start("flow", {"n": 1}, idempotencyKey="k")
        assert (await world.workflow(workflow_id))["status"] == "RUNNING"
        await world.define("flow", simple("a"), inputSchema=named, inputTemplate={"n": 5})
        assert await world.start("flow")
        await world.define("flow", simple("a"), inputSchema=named, enforceSchema=False)
        assert await world.start("flow")


async def test_an_execution_keeps_the_schema_that_it_was_started_with(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.call("POST", "/schema", ORDER)
        task = {"name": "work", "outputSchema": {"name": "order"}, "enforceSchema": True}
        await world.call("POST", "/metadata/taskdefs", [{**task, "retryCount": 0}])
        await world.define("flow", simple("work"))
        first = await world.start("flow")
        await world.call("POST", "/schema", {**ORDER, "data": {"required": ["other"]}})
        await world.finish(await world.poll("work"), n=1)
        assert (await world.workflow(first))["status"] == "COMPLETED"
        second = await world.start("flow")
        await world.finish(await world.poll("work"), n=1)
        shown = await world.workflow(second)
        assert shown["tasks"][0]["status"] == "FAILED_WITH_TERMINAL_ERROR"
        reason = shown["tasks"][0]["reasonForIncompletion"]
        assert reason.startswith("the output does not fit schema order version 1:")


async def test_a_schema_that_is_not_there_keeps_the_workflow_from_starting(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        named = {"name": "later", "version": 3}
        await world.define("flow", simple("a"), outputSchema=named)
        refused = await world.refused("POST", "/workflow", {"name": "flow"})
        assert refused == (404, "schema_not_found")
        await world.call("POST", "/schema", {**ORDER, **named})
        assert await world.start("flow")


async def test_a_sub_workflow_whose_input_does_not_fit_fails_its_task(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("inner", simple("a"), inputSchema={"data": ORDER["data"]})
        child = node("SUB_WORKFLOW", "child", subWorkflowParam={"name": "inner"})
        await world.define("outer", {**child, "inputParameters": {"n": "x"}})
        shown = await world.until_status(await world.start("outer"), "FAILED")
        assert "/input/n must be integer" in shown["tasks"][0]["reasonForIncompletion"]
