"""The processes that run: each notes its services in the store now and then (GET /services)."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import Protocol

import msgspec
import structlog

from hookline_common.clock import Clock
from hookline_common.collections import INSTANCES
from hookline_common.documents import Document, Documents, Order, Query
from hookline_common.errors import Retryable
from hookline_common.ids import random_id

BEAT_SECONDS = 10.0
FORGOTTEN_MS = 35_000
"""After three missed beats an instance is gone."""

MOST_SHOWN = 1_000
_log = structlog.get_logger()


class Instance(msgspec.Struct, frozen=True, rename="camel"):
    """A service in a process. Times are epoch milliseconds; ready: it has no problems."""

    id: str
    service: str
    version: str
    host: str
    pid: int
    started_at: int
    seen_at: int
    ready: bool
    problems: tuple[str, ...] = ()


class Watched(Protocol):
    """A service, as far as this module looks at it."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    async def problems(self) -> Sequence[str]:
        """Why it is not ready; empty if it is."""
        ...


@asynccontextmanager
async def announced(
    documents: Documents, clock: Clock, services: Sequence[Watched]
) -> AsyncGenerator[None, None]:
    """Note the services of this process while the block runs, and take them away at its end."""
    heart = Heart(documents, clock, services)
    beating = asyncio.create_task(_beat_on(heart))
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
        with suppress(Retryable):
            await heart.stop()


async def _beat_on(heart: "Heart") -> None:
    while True:
        try:
            await heart.beat()
        except Retryable as error:
            _log.debug("instance_not_noted", error=str(error))
        await asyncio.sleep(BEAT_SECONDS)


class Heart:
    """Writes one document for each service of this process."""

    def __init__(self, documents: Documents, clock: Clock, services: Sequence[Watched]) -> None:
        self._documents = documents
        self._clock = clock
        self._services = {random_id(): service for service in services}
        self._started_at = clock.now_ms()
        self._known = False

    async def beat(self) -> None:
        """Note that the services are there, and what keeps them from being ready."""
        now = self._clock.now_ms()
        found = [await self._document(key, one, now) for key, one in self._services.items()]
        if self._known and not await self._overwritten(found):
            return
        await self._documents.insert(INSTANCES, found)
        self._known = True

    async def _overwritten(self, found: Sequence[Document]) -> bool:
        """Whether something has to be inserted: it had expired, since the process stood still."""
        ids = [document.id for document in found]
        stored = await self._documents.get(INSTANCES, ids)
        present = [
            msgspec.structs.replace(document, rev=stored[document.id].rev)
            for document in found
            if document.id in stored
        ]
        if present:
            await self._documents.replace(INSTANCES, present)
        return len(present) < len(found)

    async def stop(self) -> None:
        """They are there no more."""
        await self._documents.delete(INSTANCES, list(self._services))

    async def _document(self, key: str, service: Watched, now: int) -> Document:
        problems = tuple(await service.problems())
        instance = Instance(
            id=key,
            service=service.name,
            version=version("hookline-common"),
            host=socket.gethostname(),
            pid=os.getpid(),
            started_at=self._started_at,
            seen_at=now,
            ready=not problems,
            problems=problems,
        )
        body = msgspec.json.encode(instance)
        return Document(key, body, {"service": service.name}, expires_at_ms=now + FORGOTTEN_MS)


async def instances(documents: Documents) -> Sequence[Instance]:
    """The instances that are there, by service."""
    page = await documents.find(INSTANCES, Query(order=(Order("service"),), limit=MOST_SHOWN))
    return [msgspec.json.decode(document.body, type=Instance) for document in page.documents]
