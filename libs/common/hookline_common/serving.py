"""Serves HTTP apps on ports of this process: bind first, say what is wrong, close in order."""

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import msgspec
import uvicorn

from hookline_common.errors import Misconfigured

DRAIN_SECONDS = 10
"""How long running requests may take to end after no new ones are taken."""
KEEP_ALIVE_SECONDS = 75
"""Longer than what common proxies keep idle connections, so that they close first."""
BACKLOG = 2048


class Listener(msgspec.Struct, frozen=True):
    """A bound socket. `address` is its URL; TLS when there is a certificate."""

    socket: Any
    host: str
    port: int
    tls_cert: str = ""
    tls_key: str = ""

    @classmethod
    def bind(
        cls, host: str, port: int, variable: str, tls_cert: str = "", tls_key: str = ""
    ) -> "Listener":
        """Bind; raises Misconfigured that says what to do, e.g. when the port is in use.

        `variable` is the setting that chose the port; port 0 takes any free one.
        """
        if tls_cert:
            _check_certificate(tls_cert, tls_key)
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            # With its protocol: asyncio sets TCP_NODELAY only on sockets that name theirs, and
            # without it each answer of two writes waits 40 ms for the caller's acknowledgement.
            bound = socket.socket(family, kind, protocol)
        except OSError as error:
            raise Misconfigured(f"The host {host!r} is no address of this machine.") from error
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.listen(BACKLOG)  # now, not when serving: another process may bind in between
        except OSError as error:
            bound.close()
            raise Misconfigured(_why_not(host, port, variable, error)) from error
        bound.setblocking(False)
        return cls(bound, host, bound.getsockname()[1], tls_cert, tls_key)

    @property
    def address(self) -> str:
        """Where it listens, as a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls_cert else 'http'}://{host}:{self.port}"


def _check_certificate(certificate: str, key: str) -> None:
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except OSError as error:  # SSLError is one
        raise Misconfigured(
            f"HOOKLINE_TLS_CERT {certificate!r} and HOOKLINE_TLS_KEY {key!r} are not a "
            f"certificate with its key: {error}"
        ) from error


def _why_not(host: str, port: int, variable: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is in use by another process; stop that one, or choose "
            f"another port with {variable}."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than this process has; set {variable} above 1023."
    return f"Cannot listen on {host}:{port}: {error}"


class Door(msgspec.Struct, frozen=True):
    """An app behind a listener."""

    app: Any
    listener: Listener


class _Server(uvicorn.Server):
    """A server among others in one event loop: signals are the process's business."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.serving = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        self.serving.set()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signal handlers as they are."""
        yield


class OpenDoor:
    """A door that is being served."""

    def __init__(self, server: uvicorn.Server, task: "asyncio.Task[None]") -> None:
        self._server = server
        self._task = task

    async def close(self) -> None:
        """Take no new requests; return when those that run have ended."""
        self._server.should_exit = True
        await asyncio.wait({self._task})


async def open_door(door: Door, on_failure: Callable[[BaseException], None]) -> OpenDoor:
    """Serve; return when requests are answered. A server that ends by itself is a failure."""
    server = _Server(_config(door))
    task = asyncio.create_task(server.serve(sockets=[door.listener.socket]))

    def ended(task: "asyncio.Task[None]") -> None:
        server.serving.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            on_failure(error)

    task.add_done_callback(ended)
    await server.serving.wait()
    return OpenDoor(server, task)


def _config(door: Door) -> uvicorn.Config:
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    return uvicorn.Config(
        door.app,
        loop="none",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        ssl_certfile=door.listener.tls_cert or None,
        ssl_keyfile=door.listener.tls_key or None,
    )
