"""Sends a sample event to a webhook as its platform would, through the real gateway."""

from collections.abc import Mapping
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.clock import Clock
from hookline_common.errors import BadRequest, SealBroken, Unavailable
from hookline_common.ids import random_id
from hookline_common.opened_webhooks import OpenedWebhook, open_webhook
from hookline_common.platforms.catalogue import PLATFORMS
from hookline_common.platforms.declaration import Platform, Sample
from hookline_common.platforms.samples import sample_named, sample_request
from hookline_common.platforms.signing import SignedRequest, sign
from hookline_common.sealing import Sealer
from hookline_common.settings import is_loopback
from hookline_common.web import json_answer, without_nulls
from hookline_common.webhooks import WebhookConfig
from hookline_engine.rest.fields import Fields
from hookline_engine.rest.requests import read_object
from hookline_engine.webhook_store import WebhookStore

TIMEOUT_SECONDS = 15
"""Longer than the gateway may wait for the log."""
_SHOWN_BYTES = 4096


class TestEvents:
    """Signs with the stored secrets, which never leave the server."""

    __test__ = False  # pytest would take the name for a test class

    def __init__(
        self, store: WebhookStore, sealer: Sealer, clock: Clock, gateway: httpx.AsyncClient
    ) -> None:
        """`gateway` has the gateway's internal address as its base URL."""
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._gateway = gateway

    def routes(self) -> list[BaseRoute]:
        """`POST /api/metadata/webhook/{id}/test`."""
        return [Route("/api/metadata/webhook/{id}/test", self.send, methods=["POST"])]

    async def send(self, request: Request) -> Response:
        """POST: `{event, set}`; the answer has the gateway's status and the id of the event."""
        webhook = await self._store.get(request.path_params["id"])
        fields = Fields(await read_object(request))
        platform = PLATFORMS[webhook.platform]
        sample = _sample(platform, fields.word("event"))
        assignments = fields.mapping("set")
        unsigned = sample_request(
            sample,
            delivery=random_id(),
            now_ms=self._clock.now_ms(),
            assignments=assignments.as_mapping() if assignments else None,
            url=f"{self._gateway.base_url}/webhook/{webhook.id}",
        )
        opened = self._opened(webhook)
        now_ms = self._clock.now_ms()
        signed = sign(opened.declaration, opened.credentials, unsigned, now_ms)
        answer = await self._sent(webhook, signed)
        return json_answer(without_nulls({"event": sample.name, **answer}))

    def _opened(self, webhook: WebhookConfig) -> OpenedWebhook:
        try:
            return open_webhook(webhook, self._sealer)
        except SealBroken as error:
            raise Unavailable(str(error), code="seal_broken") from error

    async def _sent(self, webhook: WebhookConfig, signed: SignedRequest) -> Mapping[str, Any]:
        target = f"/webhook/{webhook.id}" + (f"?{signed.query}" if signed.query else "")
        headers = [(name.encode(), _wire(value)) for name, value in signed.headers]
        try:
            answer = await self._gateway.request(
                signed.method, target, content=signed.body, headers=headers
            )
        except httpx.HTTPError as error:
            message = f"The gateway at {self._gateway.base_url} did not answer: {error}"
            raise Unavailable(message, code="gateway_unreachable") from error
        return {
            "status": answer.status_code,
            "eventId": answer.headers.get("hookline-event-id"),
            "contentType": answer.headers.get("content-type"),
            "body": answer.content[:_SHOWN_BYTES].decode("utf-8", "replace"),
        }


def _sample(platform: Platform, name: str | None) -> Sample:
    if name is not None:
        return sample_named(platform, name)
    known = ", ".join(sample.name for sample in platform.samples)
    message = f"Say which event to send; {platform.label} has: {known}."
    raise BadRequest(message, code="missing_field", field="/event")


def _wire(value: str) -> bytes:
    """A header value as bytes; what Latin-1 cannot hold goes as UTF-8."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


def gateway_client(url: str) -> httpx.AsyncClient:
    """A client for the gateway at its internal address.

    On this machine the certificate is not checked, because it is for the public name.
    """
    checked = not is_loopback(httpx.URL(url).host)
    return httpx.AsyncClient(base_url=url, timeout=TIMEOUT_SECONDS, verify=checked, trust_env=False)
