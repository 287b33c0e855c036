"""The engine as a service: its one composition root."""

import asyncio
import os
import socket
from collections.abc import Sequence

from starlette.routing import BaseRoute

from hookline_common import topics
from hookline_common.consuming import ConsumerLoop, Handler
from hookline_common.errors import Retryable
from hookline_common.running import Parts
from hookline_common.settings import Settings
from hookline_engine.changes import Changes
from hookline_engine.dead_letters import DeadLetterHandler
from hookline_engine.http_targets import TargetPolicy
from hookline_engine.rest import (
    bulk,
    execution_lists,
    flow_changes,
    search,
    task_queues,
    task_search,
    tasks,
    waits,
    workers,
    workflows,
)
from hookline_engine.rest.app import Registry, health_routes
from hookline_engine.rest.stream import stream_routes
from hookline_engine.rest.webhook_tests import gateway_client
from hookline_engine.scripts import QuickJsEvaluator
from hookline_engine.shell import Shell, build_shell

NAME = "engine"
DEFAULT_PORT = 8080


class EngineService:
    """Consumes commands, runs timers and HTTP tasks, serves the API."""

    def __init__(self, parts: Parts, shell: Shell, registry: Registry) -> None:
        self._parts = parts
        self._shell = shell
        self._registry = registry
        self._changes = Changes(parts.log, parts.clock)
        self._loop = _consumer(parts, shell.handler, topics.ENGINE)
        self._dead_letters = _consumer(
            parts, DeadLetterHandler(parts.documents), topics.DEAD_LETTERS
        )

    @property
    def name(self) -> str:
        """What logs and dead letters call it."""
        return NAME

    @property
    def shell(self) -> Shell:
        """The parts below, for tests and the command line."""
        return self._shell

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """The whole API of the engine."""
        shell = self._shell
        return [
            *self._registry.routes(),
            *health_routes(self._all_problems),
            *workflows.routes(shell),
            *flow_changes.routes(shell.operations),
            *execution_lists.routes(shell),
            *search.routes(shell),
            *task_search.routes(shell),
            *bulk.routes(shell),
            *tasks.routes(shell),
            *task_queues.routes(shell),
            *waits.routes(shell.waits),
            *workers.routes(shell, self._parts.clock),
            *stream_routes(self._changes, self._parts.shutdown),
        ]

    async def start(self) -> None:
        """Begin to work."""
        await self._registry.start()
        await self._shell.start()
        await self._loop.start()
        await self._dead_letters.start()

    async def stop(self) -> None:
        """Finish the batch in hand, then the calls of the API, then what runs beside them."""
        await self._loop.stop()
        await self._dead_letters.stop()
        await self._shell.stop()
        await self._registry.stop()

    async def problems(self) -> Sequence[str]:
        """Why it is not ready."""
        return [
            *self._loop.problems(),
            *self._dead_letters.problems(),
            *self._shell.wake_ups.problems(),
            *self._shell.system_tasks.problems(),
            *self._shell.due_limits.problems(),
            *self._registry.replays.runner.problems(),
        ]

    async def _all_problems(self) -> Sequence[str]:
        own = await self.problems()
        try:
            found = await asyncio.gather(
                self._parts.log.problems(), self._parts.documents.problems()
            )
        except Retryable as error:
            return [*own, str(error)]
        return [*own, *found[0], *found[1]]


def _consumer(parts: Parts, handler: Handler, group: topics.Group) -> ConsumerLoop:
    return ConsumerLoop(
        parts.log,
        parts.clock,
        handler,
        service=NAME,
        group=group.name,
        topics=group.topic_names,
        metrics=parts.metrics,
        on_fatal=parts.shutdown.request,
    )


def build(parts: Parts) -> EngineService:
    """The engine on the process's log and store."""
    registry = Registry(
        parts.documents,
        parts.log,
        parts.sealer,
        parts.clock,
        public_url=parts.settings.public_url,
        gateway=gateway_client(parts.settings.gateway_url),
    )
    shell = build_shell(
        parts.documents,
        parts.log,
        parts.clock,
        parts.sealer,
        registry.definitions,
        QuickJsEvaluator(),
        _targets(parts.settings),
        f"{socket.gethostname()}-{os.getpid()}",
        _clearing_delay(parts.settings),
        parts.settings.execution_retention_days,
    )
    return EngineService(parts, shell, registry)


def _clearing_delay(settings: Settings) -> float:
    """A folder has one process: there nobody else can emit what is out already."""
    return 60.0 if settings.store.startswith("sqlite:") else 1.0


def _targets(settings: Settings) -> TargetPolicy:
    ports = {settings.port or DEFAULT_PORT, settings.gateway_port}
    return TargetPolicy(frozenset(ports), settings.http_private)
