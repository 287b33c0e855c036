"""The gateway on a real port: bodies as they come off the wire, TLS, and the drain."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from hookline_common.running import Door, Listener, serve
from tests.ingest.gateway_at_hand import AtHand
from tests.waiting import until


@asynccontextmanager
async def served(at_hand: AtHand, cert: str = "", key: str = "") -> AsyncIterator[Listener]:
    listener = Listener.bind("127.0.0.1", 0, "HOOKLINE_PORT", cert, key)
    ready = asyncio.Event()
    serving = asyncio.create_task(
        serve(at_hand.parts, [at_hand.service], [Door(at_hand.app, listener)], ready.set)
    )
    await ready.wait()
    try:
        yield listener
    finally:
        at_hand.parts.shutdown.request()
        await serving


async def exchange(listener: Listener, *pieces: bytes) -> bytes:
    """Send the pieces and read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


def head(*lines: bytes) -> bytes:
    return b"\r\n".join((b"POST /webhook/w1 HTTP/1.1", b"Host: g", *lines)) + b"\r\n\r\n"


CHUNK = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"


async def test_a_chunked_body_is_counted_while_it_comes() -> None:
    at_hand = AtHand()
    await at_hand.saved("github", options={"max_body_bytes": 10_000})
    async with served(at_hand) as listener:
        endless = exchange(listener, head(b"Transfer-Encoding: chunked"), *[CHUNK] * 20)
        answer = await endless
        assert answer.startswith(b"HTTP/1.1 413")
        assert b'"too_large"' in answer
        assert b"connection: close" in answer.lower()
        # The end of the body never came, and the server did not wait for it for ever.
    assert await at_hand.events() == []


async def test_a_chunked_body_within_the_limit_is_taken() -> None:
    at_hand = AtHand()
    await at_hand.saved("github")
    async with served(at_hand) as listener:
        lines = (b"Transfer-Encoding: chunked", b"Connection: close")
        answer = await exchange(listener, head(*lines), CHUNK, CHUNK, b"0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200")
    (event,) = await at_hand.events()
    assert event.body == b"x" * 0x2000


async def test_a_length_that_promises_too_much_is_refused_when_the_limit_is_passed() -> None:
    at_hand = AtHand()
    await at_hand.saved("github", options={"max_body_bytes": 10})
    async with served(at_hand) as listener:
        answer = await exchange(listener, head(b"Content-Length: 9999999"), b"x" * 11)
        assert answer.startswith(b"HTTP/1.1 413")


async def test_a_sender_that_hangs_up_stores_nothing() -> None:
    at_hand = AtHand()
    await at_hand.saved("github")
    async with served(at_hand) as listener:
        _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(head(b"Content-Length: 100") + b"half")
        await writer.drain()
        await until(lambda: at_hand.held_bytes == 4)
        writer.close()
        await until(lambda: at_hand.held_bytes == 0)
    assert await at_hand.events() == []


async def test_bodies_together_have_a_limit() -> None:
    """Accident prevented: many slow senders fill the memory, and the process is killed (A6)."""
    at_hand = AtHand(body_memory_bytes=100_000)
    await at_hand.saved("github")
    async with served(at_hand) as listener:
        _, slow = await asyncio.open_connection("127.0.0.1", listener.port)
        slow.write(head(b"Content-Length: 90001") + b"x" * 90_000)
        await slow.drain()
        await until(lambda: at_hand.held_bytes == 90_000)
        async with httpx.AsyncClient(base_url=listener.address) as client:
            refused = await client.post("/webhook/w1", content=b"x" * 20_000)
            assert refused.status_code == 503
            assert refused.headers["retry-after"] == "1"
            slow.write(b"x")
            await slow.drain()
            await until(lambda: at_hand.held_bytes == 0)
            assert (await client.post("/webhook/w1", content=b"x" * 20_000)).status_code == 200
        slow.close()


async def test_a_request_in_hand_is_answered_during_the_drain() -> None:
    at_hand = AtHand()
    await at_hand.saved("github")
    async with served(at_hand) as listener, httpx.AsyncClient(base_url=listener.address) as client:
        assert (await client.post("/webhook/w1")).status_code == 200
        at_hand.log.hold = asyncio.Event()
        in_hand = asyncio.create_task(client.post("/webhook/w1"))
        await until(lambda: at_hand.log.waiting == 1)
        at_hand.parts.shutdown.request()
        await asyncio.sleep(0)
        at_hand.log.hold.set()
        assert (await in_hand).status_code == 200
    assert len(await at_hand.events()) == 2


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    command = [*make, *names, "-keyout", key, "-out", cert]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


async def test_the_gateway_speaks_tls(certificate: tuple[str, str]) -> None:
    at_hand = AtHand()
    await at_hand.saved("github")
    trust = ssl.create_default_context(cafile=certificate[0])
    async with served(at_hand, *certificate) as listener:
        assert listener.address.startswith("https://")
        async with httpx.AsyncClient(base_url=listener.address, verify=trust) as client:
            assert (await client.post("/webhook/w1", content=b"x")).status_code == 200
    (event,) = await at_hand.events()
    assert event.url.startswith("https://127.0.0.1:")
