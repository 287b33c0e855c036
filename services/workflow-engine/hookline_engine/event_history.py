"""The record of an event as the engine reads it; the matcher writes it."""

from collections.abc import Sequence

import msgspec

from hookline_common.collections import WEBHOOK_EVENTS
from hookline_common.documents import Document, Documents
from hookline_common.errors import NotFound
from hookline_common.eventrecords import EventRecord

event_in = msgspec.json.Decoder(EventRecord).decode
"""The record in the body of a document."""


async def event_record(documents: Documents, event_id: str) -> EventRecord:
    """The record; NotFound if there is none."""
    found = await documents.get(WEBHOOK_EVENTS, [event_id])
    if event_id not in found:
        raise NotFound(f"There is no event {event_id}.", code="event_not_found")
    return event_in(found[event_id].body)


def events_in(documents: Sequence[Document]) -> list[EventRecord]:
    """The records in documents."""
    return [event_in(document.body) for document in documents]
