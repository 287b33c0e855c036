"""Runs services: opens what they share, serves their routes, drains in order when told to."""

import asyncio
import enum
import gc
import os
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

import msgspec
import structlog
import uvloop
from starlette.routing import BaseRoute

from hookline_common import adapters, collections, topics
from hookline_common.clock import Clock, SystemClock
from hookline_common.documents import Documents
from hookline_common.errors import Fatal, FolderInUse, Misconfigured, Retryable
from hookline_common.eventlog import EventLog
from hookline_common.instances import announced
from hookline_common.logs import configure_logs
from hookline_common.metrics import Metrics, process_metrics
from hookline_common.retries import BACKOFF_SECONDS
from hookline_common.seal_checks import check_seals
from hookline_common.seal_keys import open_sealer
from hookline_common.sealing import Sealer
from hookline_common.serving import Door, Listener, open_door
from hookline_common.settings import Settings, check_api_exposure, load_settings
from hookline_common.web import ApiKeys, HostGuard, WebApp, create_app

T = TypeVar("T")
_log = structlog.get_logger()

EXIT_FATAL = 70
"""Exit status after a fault that the process must not survive (EX_SOFTWARE of sysexits.h)."""
EXIT_MISCONFIGURED = 78
"""Exit status where it could not start (EX_CONFIG)."""


class Shutdown:
    """The wish that this process ends, and why: None on a signal, else the fault."""

    def __init__(self) -> None:
        self._wished = asyncio.Event()
        self.reason: BaseException | None = None

    def request(self, reason: BaseException | None = None) -> None:
        """End the process in order. The first reason is kept."""
        if not self._wished.is_set():
            self.reason = reason
            self._wished.set()

    async def wait(self) -> None:
        """Return when somebody has asked for the end."""
        await self._wished.wait()

    @property
    def requested(self) -> bool:
        """Whether somebody has asked for the end."""
        return self._wished.is_set()


class Parts(msgspec.Struct, frozen=True):
    """What services are built from; one set per process."""

    settings: Settings
    log: EventLog
    documents: Documents
    clock: Clock
    sealer: Sealer
    metrics: Metrics = msgspec.field(default_factory=Metrics)
    shutdown: Shutdown = msgspec.field(default_factory=Shutdown)


class Service(Protocol):
    """A service: its HTTP surface and its life."""

    @property
    def name(self) -> str:
        """What logs and dead letters call it."""
        ...

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """Its HTTP surface, without health and metrics."""
        ...

    async def start(self) -> None:
        """Begin to work."""
        ...

    async def stop(self) -> None:
        """Stop taking, finish, commit."""
        ...

    async def problems(self) -> Sequence[str]:
        """Why it is not ready, in sentences; empty if it is."""
        ...


Build = Callable[[Parts], Service]


class Surface(enum.Enum):
    """Who a port is for."""

    API = "api"
    """Callers of the API and the console: guarded (H1)."""
    GATEWAY = "gateway"
    """The internet: webhooks only, over TLS if there is a certificate."""
    HEALTH = "health"
    """Whoever watches the process."""


@asynccontextmanager
async def open_parts(settings: Settings, clock: Clock | None = None) -> AsyncGenerator[Parts, None]:
    """Open log and store, create topics and collections; close them at the end.

    Waits for a log or store that cannot answer yet. Raises Misconfigured, FolderInUse.
    """
    sealer = open_sealer(settings)
    log, documents = await adapters.open_both(
        settings.log,
        settings.store,
        max_disk_bytes=settings.max_disk_bytes,
        session_timeout_ms=int(settings.session_timeout_seconds * 1000),
    )
    try:
        await _when_possible("log", lambda: log.create_topics(topics.CATALOGUE))
        await _when_possible("store", lambda: documents.prepare(collections.ALL))
        if not settings.seal_key_lost:
            await _when_possible("store", lambda: check_seals(documents, sealer))
        yield Parts(
            settings=settings,
            log=log,
            documents=documents,
            clock=clock or SystemClock(),
            sealer=sealer,
            metrics=process_metrics(),
        )
    finally:
        await log.close()
        await documents.close()


async def _when_possible(what: str, step: Callable[[], Awaitable[Any]]) -> None:
    failures = 0
    while True:
        try:
            await step()
        except Retryable as error:
            _log.warning(f"waiting_for_{what}", error=str(error))
            await asyncio.sleep(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
            failures += 1
        else:
            return


def app_for(parts: Parts, services: Sequence[Service], surface: Surface) -> WebApp:
    """The HTTP app with the routes of the services, guarded as the surface asks."""

    async def problems() -> Sequence[str]:
        found = [*await parts.log.problems(), *await parts.documents.problems()]
        for service in services:
            found.extend(await service.problems())
        return found

    keys = parts.settings.api_keys if surface is Surface.API else ()
    return create_app(
        _routes(services),
        problems=problems,
        guard=HostGuard(parts.settings.api_hosts),
        keys=ApiKeys({key.id: key.secret for key in keys}) if keys else None,
        registry=parts.metrics.registry,
    )


def app_without_store(settings: Settings, services: Sequence[Service]) -> WebApp:
    """The guarded HTTP app of services that hold nothing: neither log nor store is opened."""

    async def problems() -> Sequence[str]:
        return [problem for service in services for problem in await service.problems()]

    return create_app(
        _routes(services),
        problems=problems,
        guard=HostGuard(settings.api_hosts),
        registry=process_metrics().registry,
    )


def _routes(services: Sequence[Service]) -> list[BaseRoute]:
    return [route for service in services for route in service.routes]


async def serve(
    parts: Parts,
    services: Sequence[Service],
    doors: Sequence[Door],
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Start the services in order, open the doors, and wait for the end; then drain in order.

    The order of the end: no new requests, finish those that run, stop the services in order.
    Raises what the shutdown was asked for because of, if it was a fault.
    """
    started: list[Service] = []
    try:
        for service in services:
            started.append(service)
            await service.start()
        gc.freeze()  # what is alive now stays: the collector need not look at it again and again
        async with announced(parts.documents, parts.clock, services), _all_open(parts, doors):
            ready()
            await parts.shutdown.wait()
            _log.info("draining")
    finally:
        for service in started:
            await service.stop()
    if parts.shutdown.reason is not None:
        raise parts.shutdown.reason


@asynccontextmanager
async def _all_open(parts: Parts, doors: Sequence[Door]) -> AsyncGenerator[None, None]:
    opened = [await open_door(door, parts.shutdown.request) for door in doors]
    try:
        yield
    finally:
        await asyncio.gather(*(server.close() for server in opened))


def run_process(
    name: str, main: Callable[[Settings], Coroutine[Any, Any, None]], **overrides: object
) -> None:
    """Run a process to its end: settings, logs, event loop; a fault ends it with a clear line.

    `overrides` win over the environment, by the names of the fields of Settings.
    """
    try:
        settings = load_settings(os.environ, **overrides)
        configure_logs(name, settings.log_level)
        run_main(main(settings))
    except Fatal as error:
        sys.stderr.write(f"{name}: {error}\n")
        could_not_start = isinstance(error, Misconfigured | FolderInUse)
        sys.exit(EXIT_MISCONFIGURED if could_not_start else EXIT_FATAL)


def run_main(main: Coroutine[Any, Any, T]) -> T:
    """Run on a fast event loop.

    A thread that wants the interpreter waits for the one that has it up to the switch interval,
    5 ms by default, which the embedded file's threads would pay on each hop. The collector looks
    seldom: what is made in great numbers holds no cycles, and goes by itself.
    """
    sys.setswitchinterval(0.0005)
    gc.set_threshold(200_000, 20, 1000)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def stop_on_signals(shutdown: Shutdown) -> None:
    """Drain on SIGTERM and SIGINT; a second one ends the process at once."""
    loop = asyncio.get_running_loop()

    def told() -> None:
        if shutdown.requested:
            os._exit(EXIT_FATAL)
        shutdown.request()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)


def run(build: Build, *, name: str, default_port: int, surface: Surface = Surface.HEALTH) -> None:
    """Run one service as a process of its own, with the settings of the environment."""

    async def main(settings: Settings) -> None:
        if surface is Surface.API:
            check_api_exposure(settings)
        listener = _listener(settings, default_port, surface)
        async with open_parts(settings) as parts:
            stop_on_signals(parts.shutdown)
            service = build(parts)
            door = Door(app_for(parts, [service], surface), listener)

            def ready() -> None:
                _log.info("serving", address=listener.address)

            await serve(parts, [service], [door], ready)

    run_process(name, main)


def _listener(settings: Settings, default_port: int, surface: Surface) -> Listener:
    port = default_port if settings.port is None else settings.port
    if surface is Surface.GATEWAY:
        return Listener.bind(
            settings.gateway_host, port, "HOOKLINE_PORT", settings.tls_cert, settings.tls_key
        )
    return Listener.bind(settings.host, port, "HOOKLINE_PORT")
