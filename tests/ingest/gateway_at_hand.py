"""A gateway in this process, called without a socket; its log may be made to fail."""

from collections.abc import Sequence
from typing import Any

import httpx
import msgspec

from hookline_common.cloudevents import raw_event
from hookline_common.collections import INSTANCES
from hookline_common.documents import Document
from hookline_common.eventlog import Record
from hookline_common.rawevents import RawEvent
from hookline_common.running import Parts, Surface, app_for
from hookline_common.settings import load_settings
from hookline_common.webhooks import WebhookConfig
from hookline_ingest.service import Ingest, build
from tests.memory_log import MemoryLog
from tests.saved_webhooks import config_record, new_sealer, saved


class HandClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 1_795_539_572_000

    def now_ms(self) -> int:
        return self.at


class Notices:
    """A store that takes the notes that a gateway is there, which is all that it keeps."""

    async def problems(self) -> list[str]:
        return []

    async def insert(self, collection: str, documents: Sequence[Document]) -> None:
        assert collection == INSTANCES

    async def delete(self, collection: str, ids: Sequence[str]) -> None:
        assert collection == INSTANCES


class AtHand:
    """Parts, service and a client of one gateway."""

    def __init__(self, log: Any = None, **settings: Any) -> None:
        self.log: Any = log or MemoryLog()
        self.clock = HandClock()
        self.sealer = new_sealer()
        self.parts = Parts(
            settings=load_settings({}, **settings),
            log=self.log,
            documents=Notices(),  # type: ignore[arg-type]
            clock=self.clock,
            sealer=self.sealer,
        )
        self.service: Ingest = build(self.parts)
        self.app = app_for(self.parts, [self.service], Surface.GATEWAY)

    @property
    def held_bytes(self) -> int:
        """Bytes of bodies in memory, as the metrics say."""
        value = self.parts.metrics.registry.get_sample_value("hookline_gateway_held_bytes")
        return int(value or 0)

    def client(self, peer: str = "198.51.100.7") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, client=(peer, 4711))
        return httpx.AsyncClient(transport=transport, base_url="http://gateway.example")

    async def save(self, config: WebhookConfig) -> None:
        await self.log.append([config_record(config)])

    async def saved(self, platform: str, **more: Any) -> WebhookConfig:
        config = saved(self.sealer, platform, **more)
        await self.save(config)
        return config

    async def records(self) -> list[Record]:
        found: list[Record] = []
        for partition in range(await self.log.partitions("webhooks.received")):
            stored = await self.log.read("webhooks.received", partition, 0, 1000)
            found += [delivered.record for delivered in stored]
        return found

    async def events(self) -> list[RawEvent]:
        return [raw_event(record) for record in await self.records()]


def error_of(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/json"
    return msgspec.json.decode(response.content)
