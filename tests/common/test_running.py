"""Running services: start, order of the drain, faults, ports in use, and a process of its own."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route

from hookline_common.errors import DurabilityLost, Misconfigured
from hookline_common.running import Door, Listener, Parts, Surface, app_for, open_parts, serve
from hookline_common.settings import Settings, load_settings
from tests.waiting import until


class Recording:
    """A service that writes down what happens to it."""

    def __init__(self, name: str, story: list[str]) -> None:
        self.name = name
        self.story = story
        self.found: list[str] = []
        self.routes: Sequence[BaseRoute] = [Route(f"/webhook/{name}", self.answer)]
        self.hold: asyncio.Event | None = None

    async def answer(self, request: object) -> PlainTextResponse:
        self.story.append(f"{self.name} asked")
        if self.hold is not None:
            await self.hold.wait()
        self.story.append(f"{self.name} answers")
        return PlainTextResponse(self.name)

    async def start(self) -> None:
        self.story.append(f"{self.name} starts")

    async def stop(self) -> None:
        self.story.append(f"{self.name} stops")

    async def problems(self) -> Sequence[str]:
        return self.found


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({}, data=str(tmp_path / "data"))


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    async with open_parts(settings) as opened:
        yield opened


def bound() -> Listener:
    return Listener.bind("127.0.0.1", 0, "HOOKLINE_PORT")


async def test_services_start_and_stop_in_order_and_requests_end_first(parts: Parts) -> None:
    story: list[str] = []
    one, two = Recording("one", story), Recording("two", story)
    one.hold = asyncio.Event()
    listener, ready = bound(), asyncio.Event()
    door = Door(app_for(parts, [one, two], Surface.GATEWAY), listener)
    serving = asyncio.create_task(serve(parts, [one, two], [door], ready.set))
    await ready.wait()
    async with httpx.AsyncClient(base_url=listener.address) as client:
        asked = asyncio.create_task(client.get("/webhook/one"))
        await until(lambda: "one asked" in story)
        parts.shutdown.request()
        one.hold.set()
        assert (await asked).text == "one"
    await serving
    assert story == [
        "one starts",
        "two starts",
        "one asked",
        "one answers",
        "one stops",
        "two stops",
    ]


async def test_several_doors_are_served_in_one_loop(parts: Parts) -> None:
    services = [Recording("one", []), Recording("two", [])]
    listeners, ready = [bound(), bound()], asyncio.Event()
    doors = [
        Door(app_for(parts, [service], Surface.GATEWAY), listener)
        for service, listener in zip(services, listeners, strict=True)
    ]
    serving = asyncio.create_task(serve(parts, services, doors, ready.set))
    await ready.wait()
    async with httpx.AsyncClient() as client:
        for service, listener in zip(services, listeners, strict=True):
            found = await client.get(f"{listener.address}/webhook/{service.name}")
            assert found.text == service.name
            other = await client.get(f"{listener.address}/webhook/nothing")
            assert other.status_code == 404
    parts.shutdown.request()
    await serving


async def test_readiness_says_what_is_wrong(parts: Parts) -> None:
    service = Recording("one", [])
    app = app_for(parts, [service], Surface.HEALTH)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://h") as client:
        assert (await client.get("/readyz")).status_code == 200
        service.found = ["the moon is missing"]
        response = await client.get("/readyz")
        assert response.status_code == 503
        assert response.json()["problems"] == ["the moon is missing"]
        assert (await client.get("/livez")).status_code == 200
        assert "process_cpu_seconds_total" in (await client.get("/metrics")).text


async def test_a_fault_ends_the_process_in_order(parts: Parts) -> None:
    story: list[str] = []
    ready = asyncio.Event()
    serving = asyncio.create_task(serve(parts, [Recording("one", story)], [], ready.set))
    await ready.wait()
    parts.shutdown.request(DurabilityLost("fsync failed"))
    parts.shutdown.request()
    with pytest.raises(DurabilityLost):
        await serving
    assert story[-1] == "one stops"


def test_a_port_in_use_is_said_with_what_to_do() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Misconfigured) as refused:
            Listener.bind("127.0.0.1", port, "HOOKLINE_PORT")
    for part in (str(port), "in use", "HOOKLINE_PORT"):
        assert part in str(refused.value)


def test_a_host_that_is_not_ours_is_said() -> None:
    for host in ("no.such.host.invalid", "192.0.2.7"):
        with pytest.raises(Misconfigured) as refused:
            Listener.bind(host, 0, "HOOKLINE_PORT")
        assert host in str(refused.value)


def test_files_that_are_no_certificate_are_named(tmp_path: Path) -> None:
    file = tmp_path / "cert.pem"
    file.write_text("nothing")
    with pytest.raises(Misconfigured, match=r"cert\.pem"):
        Listener.bind("127.0.0.1", 0, "HOOKLINE_PORT", str(file), str(file))


async def started(tmp_path: Path, module: str, **environ: str) -> asyncio.subprocess.Process:
    names = {"HOOKLINE_DATA": str(tmp_path / "data"), "HOOKLINE_PORT": "0", **environ}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        env={**os.environ, **names},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_a_service_process_serves_and_drains_on_sigterm(tmp_path: Path) -> None:
    process = await started(tmp_path, "hookline_ingest")
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
    assert '"event": "serving"' in line or '"event":"serving"' in line
    process.send_signal(signal.SIGTERM)
    out, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0
    assert b"draining" in out
    assert err == b""


async def test_a_process_that_cannot_start_says_why_in_one_line(tmp_path: Path) -> None:
    process = await started(tmp_path, "hookline_verifier", HOOKLINE_LOG="postgres://x")
    _, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 78
    (line,) = err.decode().splitlines()
    assert line.startswith("verifier: HOOKLINE_LOG is 'postgres://x'; allowed is: sqlite:PATH")


async def test_a_second_process_on_the_same_folder_is_refused(
    tmp_path: Path, settings: Settings
) -> None:
    async with open_parts(settings):
        process = await started(tmp_path, "hookline_verifier")
        _, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 78
    assert str(os.getpid()) in err.decode()
