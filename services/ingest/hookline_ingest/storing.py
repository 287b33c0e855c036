"""Stores an event so that it can be answered: durably, within a deadline, secrets sealed."""

import asyncio
from collections.abc import Callable

import structlog

from hookline_common.cloudevents import raw_record
from hookline_common.crash_points import CrashPoint, reached
from hookline_common.errors import DurabilityLost, Poison, Retryable, TooLarge, Unavailable
from hookline_common.eventlog import EventLog, Record, Sync
from hookline_common.opened_webhooks import OpenedWebhook
from hookline_common.ordering import received_key
from hookline_common.rawevents import RawEvent
from hookline_common.sealed_events import seal_event
from hookline_common.sealing import Sealer

RETRY_AFTER_SECONDS = 2
_log = structlog.get_logger()


class Storing:
    """Appends events to `webhooks.received`."""

    def __init__(
        self,
        log: EventLog,
        sealer: Sealer,
        deadline_seconds: float,
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        """`deadline_seconds`: how long the log may take; `on_fatal` is told of lost durability."""
        self._log = log
        self._sealer = sealer
        self._deadline = deadline_seconds
        self._on_fatal = on_fatal

    async def store(self, webhook: OpenedWebhook, event: RawEvent) -> None:
        """Return when the log has acknowledged the event; raises Unavailable, TooLarge."""
        stored = seal_event(event, webhook, self._sealer)
        record = raw_record(stored, received_key(webhook, event))
        try:
            async with asyncio.timeout(self._deadline):
                await self._append(record)
                reached(CrashPoint.INGEST_APPENDED)
        except (TimeoutError, Retryable) as failure:
            _log.warning("event_not_stored", webhook_id=event.webhook_id, error=str(failure))
            raise not_stored() from failure

    async def _append(self, record: Record) -> None:
        try:
            reached(CrashPoint.INGEST_APPENDING)
            await self._log.append((record,), Sync.NOW)
        except Poison as too_large:
            raise TooLarge("The request is too large to be stored.") from too_large
        except DurabilityLost as lost:
            self._on_fatal(lost)
            raise not_stored() from lost


def not_stored() -> Unavailable:
    """What the sender hears of a log that cannot take the event: nothing of what lies behind."""
    return Unavailable(
        "The event could not be stored; send it again.", retry_after_seconds=RETRY_AFTER_SECONDS
    )
