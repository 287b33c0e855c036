"""The configuration as a service holds it: `webhooks.config` read whole and folded (D1, D2)."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

import structlog

from hookline_common.errors import Undecodable
from hookline_common.eventlog import Delivered, EventLog, TailReader
from hookline_common.messages import CONFIG_CODEC
from hookline_common.topics import CONFIG
from hookline_common.webhooks import ConfigRecord, WebhookConfig, WebhookDeleted, WorkflowPlans

_log = structlog.get_logger()


class ConfigView:
    """What `webhooks.config` says. Nothing is known before the first `refresh()`."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._stack = AsyncExitStack()
        self._reader: TailReader | None = None
        self._reading = asyncio.Lock()
        self._begun = 0
        self._finished = 0
        self._webhooks: dict[str, WebhookConfig | WebhookDeleted] = {}
        self._plans: dict[str, WorkflowPlans] = {}
        self._plan_list: tuple[WorkflowPlans, ...] = ()
        self._unreadable: dict[str, str] = {}
        self.version = 0

    async def refresh(self) -> None:
        """Take in every record that was acknowledged before this call (D2).

        Calls that come together share one read. Raises LogUnavailable. `version` grows when
        something changed.
        """
        wanted = self._begun + 1  # a read that is under way may have asked for the end before us
        async with self._reading:
            if self._finished >= wanted:
                return
            self._begun += 1
            begun = self._begun
            reader = self._reader or await self._open()
            for delivered in await reader.read_to_end():
                self._fold(delivered)
            self._finished = begun

    @property
    def known(self) -> bool:
        """Whether the topic has been read at all."""
        return self._finished > 0

    def webhook(self, webhook_id: str) -> WebhookConfig | WebhookDeleted | None:
        """The newest record of a webhook; None if it was never there or is long forgotten."""
        return self._webhooks.get(webhook_id)

    def webhooks(self) -> Mapping[str, WebhookConfig | WebhookDeleted]:
        """All webhooks by id, deleted ones included; not a copy."""
        return self._webhooks

    def plans(self) -> Sequence[WorkflowPlans]:
        """The plans of all saved definitions."""
        return self._plan_list

    def problems(self) -> Sequence[str]:
        """Records that could not be read; whatever they said is not in force."""
        return [f"webhooks.config: {key}: {error}" for key, error in self._unreadable.items()]

    async def close(self) -> None:
        """Leave the topic."""
        await self._stack.aclose()
        self._reader = None

    async def _open(self) -> TailReader:
        self._reader = await self._stack.enter_async_context(self._log.tail(CONFIG.name))
        return self._reader

    def _fold(self, delivered: Delivered) -> None:
        key, value = delivered.record.key, delivered.record.value
        self._unreadable.pop(key, None)
        self.version += 1
        if value is None:
            self._forget(key)
            return
        try:
            self._apply(key, CONFIG_CODEC.decode(value))
        except Undecodable as error:  # one bad record must not stop every webhook
            self._unreadable[key] = str(error)
            _log.error("config_record_unreadable", key=key, error=str(error))

    def _apply(self, key: str, record: ConfigRecord) -> None:
        if isinstance(record, WorkflowPlans):
            known = self._plans.get(key)
            if known is None or record.revision >= known.revision:
                self._plans[key] = record
                self._plan_list = tuple(self._plans.values())
            return
        before = self._webhooks.get(record.id)
        if before is None or _order(record) >= _order(before):
            self._webhooks[record.id] = record

    def _forget(self, key: str) -> None:
        if self._plans.pop(key, None) is not None:
            self._plan_list = tuple(self._plans.values())
        self._webhooks.pop(key, None)


def _order(record: WebhookConfig | WebhookDeleted) -> tuple[int, int]:
    return (record.incarnation, record.revision)
