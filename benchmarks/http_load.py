"""A load generator that costs little: raw HTTP/1.1, kept connections, requests built before.

Loopback only, bounded by the list of requests it is given.
"""

import asyncio
import socket
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit


class Answer(NamedTuple):
    """The status of an answer, and the seconds from the first byte out to the last byte in."""

    status: int
    seconds: float


def request_bytes(
    method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes = b""
) -> bytes:
    """A whole request, ready to be sent again and again."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"host: {parts.netloc}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class _Connection(asyncio.Protocol):
    """Sends the next request of the shared queue as soon as the last one is answered."""

    def __init__(self, waiting: deque[bytes], answers: list[Answer], left: "_Countdown") -> None:
        self._waiting = waiting
        self._answers = answers
        self._left = left
        self._buffer = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        if self._waiting:
            self._sent_at = time.perf_counter()
            self._transport.write(self._waiting.popleft())  # pyright: ignore
        else:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) < end + 4 + length:
            return
        self._buffer = self._buffer[end + 4 + length :]
        self._answers.append(Answer(int(head[9:12]), time.perf_counter() - self._sent_at))
        self._left.one_less()
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._left.failed(exc)


class _Countdown:
    def __init__(self, count: int) -> None:
        self._count = count
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not count:
            self.done.set_result(None)

    def one_less(self) -> None:
        self._count -= 1
        if not self._count and not self.done.done():
            self.done.set_result(None)

    def failed(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class Line:
    """One kept connection: a request is sent, its answer awaited, without an event loop."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 80), 30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> bytes:
        """The body of the answer; raises SystemExit for one that is not 2xx."""
        self._socket.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._socket.recv(65536)
        head, _, body = answer.partition(b"\r\n\r\n")
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        while len(body) < length:
            body += self._socket.recv(65536)
        if not head.startswith(b"HTTP/1.1 2"):
            raise SystemExit(answer.decode(errors="replace"))
        return body


async def send_all(url: str, requests: Sequence[bytes], connections: int = 64) -> list[Answer]:
    """Send every request once over so many connections; the answers in the order they came."""
    parts = urlsplit(url)
    if parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise SystemExit(f"{parts.hostname} is not this machine: load goes to loopback only")
    answers: list[Answer] = []
    waiting = deque(requests)
    left = _Countdown(len(requests))
    loop = asyncio.get_running_loop()
    for _ in range(min(connections, len(requests))):
        await loop.create_connection(
            lambda: _Connection(waiting, answers, left), parts.hostname, parts.port
        )
    await left.done
    return answers
