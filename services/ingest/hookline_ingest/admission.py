"""Whether a request is let in: is there such a webhook, may it have more, is anybody judging."""

import asyncio

import structlog

from hookline_common.errors import NotFound, SealBroken, Unavailable
from hookline_common.opened_webhooks import OpenedWebhook, OpenedWebhooks
from hookline_ingest.backlog import Backlog
from hookline_ingest.freshness import Freshness
from hookline_ingest.rate_limits import RateLimits

SEAL_BROKEN_RETRY_SECONDS = 60
_log = structlog.get_logger()


class Admission:
    """Finds webhooks under the newest configuration and counts requests against their limits."""

    def __init__(
        self,
        webhooks: OpenedWebhooks,
        freshness: Freshness,
        backlog: Backlog,
        limits: RateLimits,
        deadline_seconds: float,
    ) -> None:
        """`deadline_seconds`: how long a refresh may take."""
        self._webhooks = webhooks
        self._freshness = freshness
        self._backlog = backlog
        self._limits = limits
        self._deadline = deadline_seconds

    async def webhook(self, webhook_id: str) -> OpenedWebhook:
        """The webhook. Raises NotFound, but only after the configuration was read again (D2);
        Unavailable if its secrets cannot be opened or the configuration cannot be read.
        """
        try:
            webhook = self._webhooks.get(webhook_id)
            if webhook is not None:
                self._freshness.soon()
                return webhook
            await self.refresh()
            webhook = self._webhooks.get(webhook_id)
        except SealBroken as broken:
            # It exists, so it is not a 404, which would make senders give up (D3).
            _log.error("webhook_cannot_be_opened", webhook_id=webhook_id, error=str(broken))
            raise Unavailable(
                "The webhook cannot be used at the moment.",
                retry_after_seconds=SEAL_BROKEN_RETRY_SECONDS,
            ) from broken
        if webhook is None:
            raise NotFound("There is no such webhook.", code="webhook_not_found")
        return webhook

    def count(self, webhook: OpenedWebhook) -> None:
        """Let one request in; raises TooManyRequests, Unavailable."""
        per_second = webhook.config.options.rate_limit_per_second
        if per_second:
            self._limits.take(webhook.config.id, per_second)
        self._backlog.check()

    async def refresh(self) -> None:
        """Read the configuration again; raises Unavailable, LogUnavailable."""
        try:
            async with asyncio.timeout(self._deadline):
                await self._freshness.fresh()
        except TimeoutError as late:
            raise Unavailable(
                "The webhook cannot be looked up now.", retry_after_seconds=1
            ) from late
