"""Schemas, kept outputs, the environment and secrets, through the whole system."""

from typing import Any

import pytest

from tests.pipeline.running_system import System, fresh, task

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


async def _schema(system: System) -> dict[str, Any]:
    """A registered schema, as definitions name it."""
    named = {"name": fresh("schema"), "version": 1}
    await system.post("/schema", {**named, "type": "JSON", "data": NUMBER})
    return named


async def test_an_event_whose_payload_does_not_fit_starts_nothing_and_says_so(
    system: System,
) -> None:
    schema = await _schema(system)
    assert (await system.get(f"/schema/{schema['name']}"))["data"] == NUMBER
    flow = await system.define(task("done", "SET_VARIABLE"), inputSchema=schema)
    hook = await system.webhook(workflowsToStart={flow: 1})
    shown = await system.event((await system.send(hook, {"n": "seven"})).event_id)
    assert shown["verdict"] == "failed"
    assert "schema_violation" in str(shown)
    assert "/input/n must be integer" in str(shown)
    assert await system.verdict(await system.send(hook, {"n": 7})) == "started"
    (started,) = await system.executions_of(flow)
    assert (await system.execution(started["workflowId"]))["input"]["n"] == 7


async def test_a_kept_output_completes_the_next_task(system: System) -> None:
    kind = fresh("work")
    cached = {"cacheConfig": {"key": "${n}", "ttlInSecond": 600}}
    flow = await system.define(task(kind, "SIMPLE", {"n": "${workflow.input.n}"}, **cached))
    for output in ({"r": 1}, {}):
        given = {"n": len(output)}
        first = await system.start(flow, given)
        await system.update(await system.poll(kind), "COMPLETED", outputData=output)
        await system.ended(first)
        for _ in range(2):
            shown = await system.ended(await system.start(flow, given))
            assert shown["tasks"][0]["cachedOutput"] is True
            assert shown["tasks"][0]["outputData"] == output


async def test_a_worker_gets_secrets_and_the_environment(system: System) -> None:
    kind, secret, variable = fresh("work"), fresh("secret"), fresh("variable")
    for path, value in ((f"/secrets/{secret}", "s3cr3t"), (f"/environment/{variable}", "eu")):
        await system.put(path, content=value, headers={"content-type": "text/plain"})
    given = {"s": f"${{workflow.secrets.{secret}}}", "e": f"${{workflow.env.{variable}}}"}
    flow = await system.define(
        task("quote", "INLINE", {**given, "expression": "$.s + ' ' + $.e"}),
        task(kind, "SIMPLE", given),
    )
    workflow_id = await system.start(flow)
    polled = await system.poll(kind)
    assert polled["inputData"] == {"s": "s3cr3t", "e": "eu"}
    await system.update(polled, "COMPLETED")
    shown = await system.ended(workflow_id)
    assert shown["tasks"][0]["outputData"] == {"result": "*** eu"}
    assert shown["tasks"][1]["inputData"] == {**given, "e": "eu"}
    assert "s3cr3t" not in str(shown)
    assert secret in await system.get("/secrets")
    await system.delete(f"/secrets/{secret}")
    assert secret not in await system.get("/secrets")
