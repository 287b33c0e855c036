"""What a replay would do to an event, as far as it can be told beforehand."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from hookline_common.eventrecords import EventRecord, Verdict
from hookline_common.matching import EventView
from hookline_common.webhooks import WebhookConfig

Foreseen: TypeAlias = Verdict | Literal["expired", "unreadable"]
"""A verdict; or that there is nothing to replay: the raw request is gone, or cannot be opened."""


class ForeseenEffect(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A task that would be resumed or a workflow that would be started; or why not (`code`)."""

    kind: Literal["resume", "start"]
    workflow_name: str
    workflow_id: str = ""
    version: int = 0
    task_id: str | None = None
    task_ref: str | None = None
    code: str | None = None
    error: str | None = None


class ForeseenEvent(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An event of the selection: the verdict it has, and the one that its replay would get."""

    id: str
    webhook_id: str
    webhook_name: str
    received_at: int
    verdict: Verdict
    would_be: Foreseen
    type: str | None = None
    reason: str | None = None
    detail: str | None = None
    effects: Sequence[ForeseenEffect] = ()
    effects_left_out: int = 0


class Replayed(NamedTuple):
    """An event as the matcher would have it in hand; `restart` is the id of a replay that may start
    again (E4).
    """

    record: EventRecord
    view: EventView
    config: WebhookConfig
    restart: str | None

    @property
    def identity(self) -> str:
        """The id that keeps it from being taken twice."""
        return self.record.stands_for or self.record.id
