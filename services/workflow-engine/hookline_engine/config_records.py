"""Publishes what the API saved to `webhooks.config`, and again what a crash or a fault kept back.

The document is saved first, the record is appended second, the answer comes last. A crash in
between leaves a document that is newer than its record: `heal` at the start of an engine appends
it again; readers ignore what they know already (protocols.md D1).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import structlog

from hookline_common.config_view import ConfigView
from hookline_common.crash_points import CrashPoint, reached
from hookline_common.errors import Retryable, TooLarge
from hookline_common.eventlog import EventLog, Record, Sync
from hookline_common.messages import CONFIG_CODEC
from hookline_common.topics import CONFIG, DAY_MS
from hookline_common.webhooks import ConfigRecord, WebhookDeleted, WorkflowPlans

DELETED_KEPT_MS = 30 * DAY_MS
"""How long the record of a deleted webhook stays (protocols.md D1)."""

MOST_RECORD_BYTES = CONFIG.max_message_bytes // 2
"""Of a record; every service holds all of them in memory."""

RETRY_SECONDS = (1, 2, 5, 10, 30)
"""Pauses between tries to append a record whose document is saved; the last one repeats."""

Load = Callable[[], Awaitable[Sequence[ConfigRecord]]]

_log = structlog.get_logger()


def check_size(record: ConfigRecord) -> None:
    """Raise TooLarge for what the topic would never take: before its document is saved."""
    size = len(CONFIG_CODEC.encode(record))
    if size > MOST_RECORD_BYTES:
        what = "match plans" if isinstance(record, WorkflowPlans) else "webhook"
        raise TooLarge(f"The {what} of {size} bytes may have at most {MOST_RECORD_BYTES}.")


def record_key(record: ConfigRecord) -> str:
    """The key in `webhooks.config`: the webhook id, or `plans:<workflow>:<version>`."""
    if isinstance(record, WorkflowPlans):
        return f"plans:{record.workflow}:{record.version}"
    return record.id


def _order(record: ConfigRecord) -> tuple[int, int]:
    if isinstance(record, WorkflowPlans):
        return 0, record.revision
    return record.incarnation, record.revision


class ConfigRecords:
    """The writing side of `webhooks.config`."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._owed: dict[str, ConfigRecord | None] = {}
        self._retrying: asyncio.Task[None] | None = None

    async def publish(self, records: Sequence[ConfigRecord]) -> None:
        """Append durably. When the log cannot take them the error goes to the caller, and the
        records go out as soon as it can, because their documents are saved already.
        """
        for record in records:
            owed = self._owed.get(record_key(record))
            if owed is None or _order(owed) <= _order(record):
                self._owed[record_key(record)] = record
        await self._pay_or_retry()

    async def forget(self, key: str) -> None:
        """Take a record out of the topic for good; faults as in `publish`."""
        self._owed[key] = None
        await self._pay_or_retry()

    async def _pay_or_retry(self) -> None:
        try:
            await self._pay()
        except Retryable:
            if self._retrying is None or self._retrying.done():
                self._retrying = asyncio.create_task(self._retry())
            raise

    async def heal(self, load: Load, now_ms: int) -> int:
        """Append those of the saved records that are newer than what the topic has (how many is
        returned); take out the plans of definitions that are gone, and long deleted webhooks.

        The topic is read before the documents: what another engine saves meanwhile is then at
        most published twice, and never taken for gone.
        """
        view = ConfigView(self._log)
        try:
            await view.refresh()
        finally:
            await view.close()
        plans = {record_key(plan): plan for plan in view.plans()}
        saved = await load()
        missing = [record for record in saved if _is_newer(record, view, plans)]
        if missing:
            await self.publish(missing)
        present = {record_key(record) for record in saved}
        for key in (*plans, *_long_deleted(view, now_ms)):
            if key not in present:
                await self.forget(key)
        return len(missing)

    async def close(self) -> None:
        """Stop retrying; what is still owed is found by `heal` at the next start."""
        if self._retrying is not None:
            self._retrying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._retrying

    async def _pay(self) -> None:
        """Append everything owed; a newer record that came meanwhile stays owed."""
        paying = dict(self._owed)
        if not paying:
            return
        reached(CrashPoint.CONFIG_PUBLISHING)
        await self._log.append([_as_record(*owed) for owed in paying.items()], Sync.NOW)
        reached(CrashPoint.CONFIG_PUBLISHED)
        for key, record in paying.items():
            if key in self._owed and self._owed[key] is record:
                del self._owed[key]

    async def _retry(self) -> None:
        tries = 0
        while self._owed:
            await asyncio.sleep(RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)])
            tries += 1
            try:
                await self._pay()
            except Retryable as error:
                _log.warning("config_not_published", owed=len(self._owed), error=str(error))


def _is_newer(record: ConfigRecord, view: ConfigView, plans: dict[str, WorkflowPlans]) -> bool:
    if isinstance(record, WorkflowPlans):
        known = plans.get(record_key(record))
    else:
        known = view.webhook(record.id)
    return known is None or _order(known) < _order(record)


def _long_deleted(view: ConfigView, now_ms: int) -> Sequence[str]:
    return [
        key
        for key, record in view.webhooks().items()
        if isinstance(record, WebhookDeleted) and record.deleted_at + DELETED_KEPT_MS <= now_ms
    ]


def _as_record(key: str, record: ConfigRecord | None) -> Record:
    """A record that is None is a tombstone."""
    return Record(CONFIG.name, key, None if record is None else CONFIG_CODEC.encode(record))
