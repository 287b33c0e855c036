"""The raw requests of events, read from `webhooks.received` where their records say they lie."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from hookline_common.cloudevents import raw_event
from hookline_common.errors import Undecodable
from hookline_common.eventlog import Delivered, EventLog
from hookline_common.eventrecords import EventRecord
from hookline_common.rawevents import RawEvent

WIDEST_GAP = 4
"""Records between two wanted ones that are read along rather than asked for apart."""
LONGEST_RUN = 50


class StoredRequest(NamedTuple):
    """A raw request and the key under which it was stored."""

    raw: RawEvent
    key: str


async def raw_request(log: EventLog, event: EventRecord) -> StoredRequest | None:
    """The request of one event; None once the log has let go of it. Raises Undecodable."""
    found = (await raw_requests(log, [event])).get(event.id)
    if isinstance(found, Undecodable):
        raise found
    return found


async def raw_requests(
    log: EventLog, events: Sequence[EventRecord]
) -> Mapping[str, StoredRequest | Undecodable]:
    """The requests by event id, without those that the log has let go of; requests that lie
    together are read together.
    """
    found: dict[str, StoredRequest | Undecodable] = {}
    for run in _runs(events):
        first, last = min(run.wanted), max(run.wanted)
        for delivered in await log.read(run.topic, run.partition, first, last - first + 1):
            event = run.wanted.get(delivered.position.offset)
            if event is not None and (request := _request(event, delivered)) is not None:
                found[event.id] = request
    return found


def _request(event: EventRecord, delivered: Delivered) -> StoredRequest | Undecodable | None:
    try:
        raw = raw_event(delivered.record)
    except Undecodable as error:
        return error
    return StoredRequest(raw, delivered.record.key) if raw.id == event.id else None


class _Run(NamedTuple):
    topic: str
    partition: int
    wanted: dict[int, EventRecord]


def _runs(events: Sequence[EventRecord]) -> Iterator[_Run]:
    run: _Run | None = None
    placed = [(event.position, event) for event in events if event.position is not None]
    for (topic, partition, offset), event in sorted(placed, key=lambda each: each[0]):
        if run is not None and (run.topic, run.partition) == (topic, partition):
            first, last = min(run.wanted), max(run.wanted)
            if offset - last <= WIDEST_GAP and offset - first < LONGEST_RUN:
                run.wanted[offset] = event
                continue
        if run is not None:
            yield run
        run = _Run(topic, partition, {offset: event})
    if run is not None:
        yield run
