"""One page of a replay: read the raw requests of its events and append them again."""

from collections.abc import Sequence

from msgspec.structs import replace

from hookline_common.cloudevents import raw_record
from hookline_common.errors import SealBroken, Undecodable
from hookline_common.eventlog import EventLog, Record, Sync
from hookline_common.eventrecords import EventRecord
from hookline_common.rawevents import Replay
from hookline_common.sealed_events import under_new_id
from hookline_common.sealing import Sealer
from hookline_common.webhooks import DEFAULT_MAX_BODY_BYTES
from hookline_engine.raw_requests import StoredRequest, raw_requests
from hookline_engine.replay_jobs import ReplayCounts, ReplayJob
from hookline_engine.replay_selection import SelectedPage, first_id, replay_event_id

MOST_BYTES = 16 * 1024 * 1024
"""Bodies that are in memory at once."""


class ReplayPages:
    """Re-appends events; a page that is done twice appends the same ids again, which is harmless
    (E4).
    """

    def __init__(self, log: EventLog, sealer: Sealer) -> None:
        self._log = log
        self._sealer = sealer

    async def append(self, job: ReplayJob, page: SelectedPage) -> ReplayCounts:
        """Append the events of the page; what came of it."""
        counts = ReplayCounts(
            examined=len(page.events) + page.passed_over, skipped=page.passed_over
        )
        for events in _portions(page.events):
            counts = counts.plus(await self._append(job, events))
        return counts

    async def _append(self, job: ReplayJob, events: Sequence[EventRecord]) -> ReplayCounts:
        stored = await raw_requests(self._log, events)
        records: list[Record] = []
        unreadable = 0
        for event in events:
            request = stored.get(event.id)
            record = None if request is None else self._record(job, event, request)
            if record is not None:
                records.append(record)
            elif request is not None:
                unreadable += 1
        # What follows from it rides in the same file, so that a loss can only be a suffix (B1).
        await self._log.append(records, Sync.LATER)
        expired = len(events) - len(stored)
        return ReplayCounts(appended=len(records), expired=expired, unreadable=unreadable)

    def _record(
        self, job: ReplayJob, event: EventRecord, request: StoredRequest | Undecodable
    ) -> Record | None:
        """The request as it came, with its time of arrival and its key, and the mark."""
        if isinstance(request, Undecodable):
            return None
        try:
            raw = under_new_id(request.raw, replay_event_id(job.id, event), self._sealer)
        except SealBroken:
            return None
        mark = Replay(replay_id=job.id, replay_of=first_id(event), restart=job.restart)
        return raw_record(replace(raw, replay=mark), request.key)


def _portions(events: Sequence[EventRecord]) -> list[list[EventRecord]]:
    """The events in portions of bodies that memory can hold."""
    portions: list[list[EventRecord]] = []
    left = 0
    for event in events:
        # An event that was put aside before it had a record does not know its size.
        size = event.size_bytes or DEFAULT_MAX_BODY_BYTES
        if left < size:
            portions.append([])
            left = MOST_BYTES
        portions[-1].append(event)
        left -= size
    return portions
