"""Makes received events of every platform and has them judged."""

import json
from typing import Any

from msgspec.structs import replace

from hookline_common.cloudevents import judged_event, raw_record
from hookline_common.config_view import ConfigView
from hookline_common.documents import Documents
from hookline_common.eventlog import Delivered, EventLog, Position, Record
from hookline_common.ids import uuid7
from hookline_common.metrics import Metrics
from hookline_common.opened_webhooks import open_webhook
from hookline_common.platforms.signing import SignedRequest, sign
from hookline_common.rawevents import JudgedEvent, RawEvent
from hookline_common.sealed_events import seal_event
from hookline_common.webhooks import WebhookConfig, WebhookDeleted
from hookline_verifier.handler import Verifier
from tests.saved_webhooks import config_record, new_sealer, saved

AT = 1_795_539_572_000


class HandClock:
    def __init__(self) -> None:
        self.at = AT

    def now_ms(self) -> int:
        return self.at


class Judging:
    """One verifier; `configs` holds what was saved last."""

    def __init__(self, log: EventLog, documents: Documents) -> None:
        self.log = log
        self.documents = documents
        self.clock = HandClock()
        self.sealer = new_sealer()
        self.configs: dict[str, WebhookConfig] = {}
        self.verifier = self.another_verifier()

    def another_verifier(self) -> Verifier:
        self.view = ConfigView(self.log)
        return Verifier(self.view, self.documents, self.sealer, self.clock, Metrics())

    async def close(self) -> None:
        await self.view.close()

    async def saved(self, platform: str, **more: Any) -> WebhookConfig:
        config = saved(self.sealer, platform, **more)
        self.configs[config.id] = config
        await self.log.append([config_record(config)])
        return config

    async def deleted(self, config: WebhookConfig) -> None:
        gone = WebhookDeleted(config.id, config.incarnation, config.revision + 1, AT)
        await self.log.append([config_record(gone)])

    def event(
        self,
        body: bytes = b"{}",
        *,
        webhook_id: str = "w1",
        signed_at: int | None = None,
        headers: dict[str, str] | None = None,
        method: str = "POST",
        query: str = "",
        **more: Any,
    ) -> RawEvent:
        """An event with a good signature; `signed_at` AT unless given, `headers` come on top."""
        webhook = open_webhook(self.configs[webhook_id], self.sealer)
        given = tuple((headers or {}).items())
        request = SignedRequest(method, given, body, query, "http://g/webhook/w1")
        if signed_at != -1:
            request = sign(webhook.declaration, webhook.credentials, request, signed_at or AT)
        return RawEvent(
            id=uuid7(AT),
            webhook_id=webhook_id,
            received_at=AT,
            method=method,
            url=request.url,
            query=request.query,
            headers=request.headers,
            body=body,
            **more,
        )

    def unsigned(self, body: bytes = b"{}", **more: Any) -> RawEvent:
        """An event without a signature."""
        return self.event(body, signed_at=-1, **more)

    async def records(self, *events: RawEvent) -> list[Record]:
        """What the verifier makes of one batch."""
        batch = [self._delivered(offset, event) for offset, event in enumerate(events)]
        return list(await self.verifier.handle(batch))

    async def judged(self, *events: RawEvent) -> list[JudgedEvent]:
        return [judged_event(record) for record in await self.records(*events)]

    async def one(self, event: RawEvent) -> JudgedEvent:
        (found,) = await self.judged(event)
        return found

    def _delivered(self, offset: int, event: RawEvent) -> Delivered:
        config = self.configs.get(event.webhook_id)
        if config is not None:
            event = seal_event(event, open_webhook(config, self.sealer), self.sealer)
        return Delivered(raw_record(event, event.id), Position("webhooks.received", 0, offset), AT)


def url_verification(challenge: str = "c-1") -> bytes:
    return json.dumps({"type": "url_verification", "token": "t", "challenge": challenge}).encode()


def answered(event: RawEvent) -> RawEvent:
    """The event as the gateway stamps a handshake that it has answered."""
    return replace(event, answer="handshake")
