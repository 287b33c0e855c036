"""Secrets and the environment in workflows: who sees them, and where they never end up."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hookline_common.clock import SystemClock
from hookline_common.sealing import Sealer, SealKey
from hookline_engine.core.decisions import MissingLookups
from hookline_engine.core.revealing import revealed
from tests.engine.core_player import Player, definition, inline, node
from tests.engine.engine_world import World, engine_on, open_world, simple
from tests.engine.engine_world import node as world_node
from tests.engine.rest_surface import open_stores
from tests.engine.test_shell_http_tasks import http, listening

TOKEN = 's3cr3t/"token"'
NAMED = {"auth": "Bearer ${workflow.secrets.token}", "who": "${workflow.input.who}"}


async def put(world: World, kind: str, name: str, value: str) -> None:
    answer = await world.http.put(
        f"/api/{kind}/{name}", content=value, headers={"content-type": "text/plain"}
    )
    assert answer.status_code == 200, answer.text


def stored(folder: Path) -> bytes:
    """Everything that is in the embedded file and its log of writes."""
    with sqlite3.connect(folder / "hookline.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return (folder / "hookline.db").read_bytes()


async def test_a_worker_gets_the_secret_and_nobody_else_does(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await put(world, "secrets", "token", TOKEN)
        await world.define("flow", simple("work", inputParameters=NAMED))
        workflow_id = await world.start("flow", {"who": "${workflow.secrets.token}"})
        task = await world.poll("work")
        spelled = "${workflow.secrets.token}"
        assert task["inputData"] == {"auth": f"Bearer {TOKEN}", "who": spelled}, (
            "data that looks like a secret stays text"
        )
        shown = await world.call("GET", f"/tasks/{task['taskId']}")
        assert shown["inputData"]["auth"] == f"Bearer {spelled}"
        assert TOKEN not in str(await world.workflow(workflow_id))
        await world.finish(task)
    assert b"s3cr3t" not in stored(tmp_path)


async def test_a_task_that_is_handed_out_again_gets_the_secret_as_it_is_then(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path) as world:
        given = {"a": "${workflow.secrets.key}", "b": "x${workflow.secrets.key}"}
        deep = {"port": "${workflow.secrets.db.host.port}", "list": ["${workflow.secrets.key}"]}
        await world.define("flow", simple("work", inputParameters={**given, **deep}))
        await put(world, "secrets", "db", '{"host": {"port": 5432}}')
        await world.start("flow")
        task = await world.poll("work")
        assert task["inputData"] == {"a": None, "b": "x", "port": 5432, "list": [None]}
        await put(world, "secrets", "key", "k1")
        await world.finish(task, "IN_PROGRESS")
        assert (await world.poll("work"))["inputData"]["list"] == ["k1"]


async def test_an_http_task_sends_the_secret_and_keeps_none_of_it(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world, listening() as server:
        await put(world, "secrets", "token", "s3cr3t-token")
        await put(world, "secrets", "base", f"http://127.0.0.1:{server.port}")
        body = b'{"you sent": "s3cr3t-token"}'
        server.answer = (
            b"HTTP/1.1 200 OK\r\nX-Echo: s3cr3t-token\r\nContent-Length: %d\r\n\r\n" % len(body)
        ) + body
        headers = {"Authorization": NAMED["auth"]}
        uri = "${workflow.secrets.base}/x"
        await world.define("calls", http(server.port, uri=uri, headers=headers))
        shown = await world.until_status(await world.start("calls"), "COMPLETED")
        (request,) = server.requests
        assert b"authorization: Bearer s3cr3t-token" in request.lower().replace(
            b"bearer", b"Bearer"
        )
        response = shown["tasks"][0]["outputData"]["response"]
        assert response["body"] == {"you sent": "***"}
        assert "s3cr3t" not in str(shown)
    assert b"s3cr3t" not in stored(tmp_path)


async def test_an_error_that_quotes_a_secret_is_stored_without_it(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world, listening() as server:
        await put(world, "secrets", "method", "s3cr3t method")
        await world.define("calls", http(server.port, method="${workflow.secrets.method}"))
        shown = await world.until_status(await world.start("calls"), "FAILED")
        assert "***" in shown["tasks"][0]["reasonForIncompletion"]
    assert b"s3cr3t" not in stored(tmp_path)


async def test_a_script_works_with_the_secret_and_its_result_does_not_quote_it(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path) as world:
        await put(world, "secrets", "token", "s3cr3t-token")
        script = "({n: $.key.length, quoted: [`<${$.key}>`], [$.key]: 1})"
        task = inline("i", script.replace("${", "$${"), key="${workflow.secrets.token}")
        await world.define("flow", task)
        shown = await world.workflow(await world.start("flow"))
        assert shown["status"] == "COMPLETED"
        assert shown["output"]["result"] == {"n": 12, "quoted": ["<***>"], "***": 1}
        failing = inline("i", "throw new Error('no ' + $.key)", key="${workflow.secrets.token}")
        await world.define("fails", failing)
        shown = await world.workflow(await world.start("fails"))
        assert shown["tasks"][0]["outputData"]["error"].startswith("Error: no ***")
    assert b"s3cr3t" not in stored(tmp_path)


async def test_conditions_variables_and_outputs_see_no_secrets(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await put(world, "secrets", "token", "s3cr3t-token")
        spelled = "${workflow.secrets.token}"
        keep = world_node("SET_VARIABLE", "keep", inputParameters={"v": spelled})
        choice = world_node(
            "SWITCH",
            "choice",
            inputParameters={"v": spelled},
            evaluatorType="value-param",
            expression="v",
            decisionCases={"s3cr3t": [simple("never")]},
        )
        await world.define("flow", keep, choice, outputParameters={"o": spelled})
        shown = await world.workflow(await world.start("flow"))
        assert shown["variables"] == {"v": spelled}
        assert shown["output"] == {"o": spelled}
        assert shown["tasks"][1]["outputData"]["selectedCase"] == spelled


async def test_runtime_metadata_is_in_the_poll_only(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        names = ["KEY", "REGION", "MISSING", "BOTH"]
        await world.call("POST", "/metadata/taskdefs", [{"name": "work", "runtimeMetadata": names}])
        for kind, name, value in (
            ("secrets", "KEY", "k1"),
            ("environment", "REGION", "eu"),
            ("secrets", "BOTH", "secret"),
            ("environment", "BOTH", "shown"),
        ):
            await put(world, kind, name, value)
        await world.define("flow", simple("work"), simple("other"))
        workflow_id = await world.start("flow")
        task = await world.poll("work")
        assert task["runtimeMetadata"] == {"KEY": "k1", "REGION": "eu", "BOTH": "secret"}
        shown = await world.workflow(workflow_id)
        assert "runtimeMetadata" not in shown["tasks"][0]
        await world.finish(task)
        assert "runtimeMetadata" not in await world.poll("other")


async def test_the_environment_is_read_when_a_task_is_made_and_stored(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await put(world, "environment", "region", "eu")
        await put(world, "environment", "limits", '{"most": 5}')
        given = {
            "r": "${workflow.env.region}",
            "m": "${workflow.env.limits.most}",
            "t": "in ${workflow.env.region}",
            "none": "${workflow.env.nothing}",
        }
        await world.define("flow", simple("work", inputParameters=given))
        workflow_id = await world.start("flow")
        await put(world, "environment", "region", "us")
        shown = await world.workflow(workflow_id)
        seen = {"r": "eu", "m": 5, "t": "in eu", "none": None}
        assert shown["tasks"][0]["inputData"] == seen
        assert (await world.poll("work"))["inputData"] == seen


async def test_a_task_whose_secret_does_not_open_is_put_off_and_says_why(tmp_path: Path) -> None:
    async with open_stores(tmp_path, SystemClock()) as (log, documents):
        async with engine_on(log, documents) as world:
            await put(world, "secrets", "token", TOKEN)
            await world.define("flow", simple("work", inputParameters=NAMED))
            workflow_id = await world.start("flow")
        other = Sealer([SealKey("other", b"o" * 32)])
        async with engine_on(log, documents, sealer=other) as world:
            assert await world.refused("GET", "/secrets/token") == (503, "unavailable")
            assert await world.poll("work") is None
            (task,) = (await world.workflow(workflow_id))["tasks"]
            assert "no seal key" in task["reasonForIncompletion"]
            assert (task["status"], task["callbackAfterSeconds"]) == ("SCHEDULED", 60)
        async with engine_on(log, documents) as world:
            await world.call("POST", f"/workflow/{workflow_id}/resetcallbacks")
            assert (await world.poll("work"))["inputData"]["auth"] == f"Bearer {TOKEN}"


def test_the_core_asks_for_secrets_and_for_the_environment() -> None:
    both = ["${workflow.secrets.one.x} ${workflow.secrets.two}"]
    with pytest.raises(MissingLookups) as asked:
        Player(definition(inline("i", "1", a=both))).start()
    assert asked.value.secrets == {"one", "two"}
    with pytest.raises(MissingLookups) as asked:
        Player(definition(node("a", inputParameters={"e": "${workflow.env.x}"}))).start()
    assert asked.value.environment


@pytest.mark.parametrize(
    ("secret", "value", "left"),
    [
        ("abcd", {"a": ["xabcdy", 3, None, True]}, {"a": ["x***y", 3, None, True]}),
        ("abc", "abc", "abc"),  # too short to be told from any text
        ("12345", [12345, 123456, "12345"], ["***", 123456, "***"]),
        ('{"user": "admin", "pin": 987654}', ["admin", 987654, "user"], ["***", "***", "user"]),
        ("a b/c&d", "q=a%20b%2Fc%26d&r=a+b%2Fc%26d", "q=***&r=***"),
        ('say "hi"', '{"x": "say \\"hi\\""}', '{"x": "***"}'),
    ],
)
def test_redaction(secret: str, value: Any, left: Any) -> None:
    task = node("a", inputParameters={"s": "${workflow.secrets.s}"})
    player = Player(definition(task))
    found = revealed(player.snapshot.nodes["a"], {"s": "${workflow.secrets.s}"}, {"s": secret})
    assert found.redacted(value) == left
