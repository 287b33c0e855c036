"""The composition root of the gateway."""

import asyncio
from collections.abc import Sequence

import structlog
from starlette.routing import BaseRoute, Route

from hookline_common.config_view import ConfigView
from hookline_common.errors import Retryable
from hookline_common.opened_webhooks import OpenedWebhooks
from hookline_common.running import Parts
from hookline_ingest.admission import Admission
from hookline_ingest.answers import ALLOWED_METHODS
from hookline_ingest.arrivals import Arrivals
from hookline_ingest.backlog import Backlog
from hookline_ingest.bodies import BodyMemory
from hookline_ingest.counters import Counters
from hookline_ingest.endpoints import Gateway
from hookline_ingest.freshness import Freshness
from hookline_ingest.in_hand import InHand
from hookline_ingest.proxies import TrustedProxies
from hookline_ingest.rate_limits import RateLimits
from hookline_ingest.storing import Storing

PATHS = ("/webhook/{webhook_id}", "/api/webhook/{webhook_id}")
_log = structlog.get_logger()


class Ingest:
    """The gateway as a service."""

    name = "ingest"

    def __init__(
        self, gateway: Gateway, view: ConfigView, freshness: Freshness, backlog: Backlog
    ) -> None:
        self._view = view
        self._freshness = freshness
        self._backlog = backlog
        self.routes: Sequence[BaseRoute] = [
            Route(path, gateway, methods=list(ALLOWED_METHODS)) for path in PATHS
        ]

    async def start(self) -> None:
        """Read the configuration; without it nothing is served but 503."""
        try:
            await self._freshness.fresh()
        except Retryable as error:
            _log.warning("configuration_not_read", error=str(error))

    async def stop(self) -> None:
        """Nothing is in hand any more: the server has drained the requests."""
        await self._freshness.close()
        await self._backlog.close()
        await self._view.close()

    async def problems(self) -> Sequence[str]:
        """Configuration that is not known or cannot be read."""
        if not self._view.known:
            self._freshness.soon()
            return ["the configuration has not been read yet"]
        return self._view.problems()


def build(parts: Parts) -> Ingest:
    """The gateway on these parts."""
    settings = parts.settings
    view = ConfigView(parts.log)
    freshness = Freshness(view)
    backlog = Backlog(parts.log, parts.clock)
    memory = BodyMemory(settings.body_memory_bytes)
    parts.metrics.held_bytes.set_function(lambda: memory.held)
    deadline = settings.accept_timeout_seconds
    limits = RateLimits(lambda: asyncio.get_running_loop().time())
    webhooks = OpenedWebhooks(view, parts.sealer)
    gateway = Gateway(
        Admission(webhooks, freshness, backlog, limits, deadline),
        Arrivals(TrustedProxies(settings.trusted_proxies)),
        Storing(parts.log, parts.sealer, deadline, parts.shutdown.request),
        memory,
        InHand(),
        parts.clock,
        Counters(parts.metrics),
    )
    return Ingest(gateway, view, freshness, backlog)
