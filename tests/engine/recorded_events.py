"""Events as they lie in the log and in the history, written as ingest and matcher write them."""

from typing import Any

import msgspec

from hookline_common.cloudevents import raw_event, raw_record
from hookline_common.collections import WEBHOOK_EVENTS
from hookline_common.documents import Document, Documents
from hookline_common.eventlog import Delivered, EventLog
from hookline_common.eventrecords import EventRecord
from hookline_common.rawevents import RawEvent
from hookline_common.sealed_events import seal_event
from hookline_common.topics import RECEIVED
from tests.engine.rest_surface import SEALER

T0 = 1_700_000_000_000


def raw(event_id: str, body: Any = None, at: int = T0 - 1000, **more: Any) -> RawEvent:
    """A request that came a second ago."""
    fields: dict[str, Any] = {
        "id": event_id,
        "webhook_id": "w1",
        "received_at": at,
        "method": "POST",
        "url": "https://hooks.example/webhook/w1",
        "query": "",
        "headers": (("content-type", "application/json"),),
        "body": msgspec.json.encode(body or {}),
    }
    return RawEvent(**{**fields, **more})


class History:
    """Writes events, and reads what was appended again."""

    def __init__(self, log: EventLog, documents: Documents) -> None:
        self._log = log
        self._documents = documents

    async def stored(self, event: RawEvent, webhook: Any = None, **record: Any) -> None:
        """A raw request in the log and its record; secrets sealed if the webhook is given."""
        sealed = event if webhook is None else seal_event(event, webhook, SEALER)
        (position,) = await self._log.append([raw_record(sealed, record.pop("key", event.id))])
        where = (position.topic, position.partition, position.offset)
        await self.recorded(event, **{"position": where, **record})

    async def recorded(self, event: RawEvent, **more: Any) -> None:
        """A record, by default of a rejected event whose raw request is gone."""
        fields: dict[str, Any] = {
            "id": event.id,
            "webhook_id": event.webhook_id,
            "webhook_name": "gh",
            "incarnation": 1,
            "received_at": event.received_at,
            "verdict": "rejected",
            "size_bytes": len(event.body),
            **more,
        }
        record = EventRecord(**fields)
        indexed = {
            "webhook_id": record.webhook_id,
            "verdict": record.verdict,
            "type": record.type,
            "received_at": record.counts_from or record.received_at,
            "search": f"{record.id} {record.type or ''}",
        }
        document = Document(record.id, msgspec.json.encode(record), indexed)
        assert not await self._documents.insert(WEBHOOK_EVENTS, [document])

    async def replays(self) -> list[Delivered]:
        """The records with the mark of a replay, in the order of the log."""
        found: list[Delivered] = []
        for partition in range(await self._log.partitions(RECEIVED.name)):
            found += await self._log.read(RECEIVED.name, partition, 0, 1000)
        marked = [one for one in found if "ce_replay" in dict(one.record.headers)]
        return sorted(marked, key=lambda one: one.timestamp_ms)

    async def replayed(self) -> list[str]:
        """The first events of all that was appended again, in order of their names."""
        marks = [raw_event(one.record).replay for one in await self.replays()]
        return sorted(mark.replay_of for mark in marks if mark is not None)
