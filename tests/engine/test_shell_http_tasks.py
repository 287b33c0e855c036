"""HTTP tasks: run once by a lease holder, and never against what must not be reached (G5, H2)."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hookline_common.clock import SystemClock
from hookline_engine.http_targets import TargetPolicy, refusal
from tests.engine.engine_world import engine_on, node, open_world
from tests.engine.rest_surface import open_stores
from tests.waiting import until


class Server:
    """A tiny HTTP server that notes what it was asked and answers what it is told."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.answer = (
            b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}'
        )
        self.held = asyncio.Event()
        self.held.set()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            ),
            0,
        )
        self.requests.append(head + await reader.readexactly(length))
        await self.held.wait()
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[Server]:
    server = Server()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield server


def http(port: int, **request: object) -> dict:
    given = {"uri": f"http://127.0.0.1:{port}/x", "method": "GET", **request}
    return node("HTTP", "call", inputParameters={"http_request": given})


async def test_an_answer_becomes_the_output(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world, listening() as server:
        await world.define("calls", http(server.port, method="POST", body={"b": 2}))
        workflow_id = await world.start("calls")
        shown = await world.until_status(workflow_id, "COMPLETED")
        response = shown["tasks"][0]["outputData"]["response"]
        assert response["statusCode"] == 200
        assert response["body"] == {"a": 1}
        (request,) = server.requests
        assert request.startswith(b"POST /x ")
        assert request.endswith(b'{"b":2}')
        assert f"idempotency-key: {shown['tasks'][0]['taskId']}" in request.decode().lower()


async def test_an_answer_of_500_fails_the_task_and_the_workflow(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world, listening() as server:
        server.answer = b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno"
        await world.define("calls", http(server.port))
        shown = await world.until_status(await world.start("calls"), "FAILED")
        assert shown["tasks"][0]["outputData"]["response"]["statusCode"] == 500
        assert "500" in shown["tasks"][0]["reasonForIncompletion"]


async def test_nobody_listening_fails_the_task(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("calls", http(1))
        shown = await world.until_status(await world.start("calls"), "FAILED")
        assert "ConnectError" in shown["tasks"][0]["reasonForIncompletion"]


async def test_hookline_itself_and_link_local_addresses_are_refused(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        for number, uri in enumerate(
            (
                "http://127.0.0.1:8080/api/workflow",
                "http://169.254.169.254/latest",
                "http://[::1]:8081",
            )
        ):
            await world.define(f"calls{number}", http(1, uri=uri))
            shown = await world.until_status(await world.start(f"calls{number}"), "FAILED")
            assert "TargetRefused" in shown["tasks"][0]["reasonForIncompletion"]


async def test_a_call_that_was_cut_off_is_made_again_by_the_next_engine(tmp_path: Path) -> None:
    async with open_stores(tmp_path, SystemClock()) as (log, documents), listening() as server:
        server.held.clear()
        async with engine_on(log, documents) as world:
            await world.define("calls", http(server.port, readTimeOut=20_000))
            workflow_id = await world.start("calls")
            await until(lambda: bool(server.requests))
        server.held.set()
        async with engine_on(log, documents) as world:
            await world.until_status(workflow_id, "COMPLETED")
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("address", "port", "refused"),
    [
        ("169.254.169.254", 80, True),
        ("fe80::1", 80, True),
        ("::ffff:169.254.169.254", 80, True),
        ("127.0.0.1", 8080, True),
        ("0.0.0.0", 8080, True),
        ("127.0.0.1", 9999, False),
        ("10.0.0.1", 80, False),
        ("93.184.216.34", 443, False),
    ],
)
def test_the_policy_on_addresses(address: str, port: int, refused: bool) -> None:
    policy = TargetPolicy(frozenset({8080}))
    assert (refusal(policy, ipaddress.ip_address(address), port) is not None) is refused


def test_private_ranges_can_be_refused() -> None:
    policy = TargetPolicy(frozenset(), private_allowed=False)
    assert refusal(policy, ipaddress.ip_address("10.0.0.1"), 80) is not None
    assert refusal(policy, ipaddress.ip_address("93.184.216.34"), 80) is None
