"""The REST surface of definitions, webhooks and history on embedded adapters, for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from hookline_common import adapters, collections, topics
from hookline_common.config_view import ConfigView
from hookline_common.documents import Documents
from hookline_common.eventlog import EventLog
from hookline_common.sealing import Sealer, SealKey
from hookline_common.web import ApiKeys, create_app
from hookline_engine.rest.app import Registry, health_routes

BASE = "http://127.0.0.1:8080"
PUBLIC = "https://hooks.example"
SEALER = Sealer([SealKey("test", b"k" * 32)])


class HandMovedClock:
    """A clock that tests move."""

    def __init__(self, ms: int = 1_700_000_000_000) -> None:
        self.ms = ms

    def now_ms(self) -> int:
        return self.ms


class Surface:
    """A client of the API and what lies behind it."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        registry: Registry,
        stores: tuple[EventLog, Documents],
        clock: HandMovedClock,
    ) -> None:
        self.http = http
        self.registry = registry
        self.log, self.documents = stores
        self.clock = clock

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The JSON of a 200 answer (None if it is empty)."""
        answer = await self.http.request(method, path, json=body, **options)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else None

    async def refused(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """`(status, code, field)` of an error, whose shape is checked."""
        answer = await self.http.request(method, path, json=body, **options)
        error = answer.json()
        assert error["status"] == answer.status_code >= 400, answer.text
        assert error["message"]
        return answer.status_code, error["code"], error.get("field")

    async def config(self) -> ConfigView:
        """What the other services see in `webhooks.config` now."""
        view = ConfigView(self.log)
        await view.refresh()
        await view.close()
        return view


@asynccontextmanager
async def open_stores(
    folder: Path, clock: HandMovedClock | None = None
) -> AsyncIterator[tuple[EventLog, Documents]]:
    """Log and store in one embedded file, with topics and collections."""
    url = f"sqlite:{folder}/hookline.db"
    log, documents = await adapters.open_both(url, url, clock=clock or HandMovedClock())
    try:
        await log.create_topics(topics.CATALOGUE)
        await documents.prepare(collections.ALL)
        yield log, documents
    finally:
        await log.close()
        await documents.close()


@asynccontextmanager
async def open_surface(
    log: EventLog,
    documents: Documents,
    gateway: httpx.AsyncBaseTransport | None = None,
    keys: ApiKeys | None = None,
    clock: HandMovedClock | None = None,
    sealer: Sealer = SEALER,
) -> AsyncIterator[Surface]:
    """A started engine surface over the stores."""
    clock = clock or HandMovedClock()
    client = httpx.AsyncClient(transport=gateway, base_url="http://gateway.test")
    registry = Registry(documents, log, sealer, clock, public_url=PUBLIC, gateway=client)
    routes = [*registry.routes(), *health_routes(log.problems)]
    transport = httpx.ASGITransport(create_app(routes, problems=log.problems, keys=keys))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
        surface = Surface(http, registry, (log, documents), clock)
        await registry.start()
        try:
            yield surface
        finally:
            await registry.stop()
