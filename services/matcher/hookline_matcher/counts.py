"""Counters of verdicts per webhook and minute of arrival: statistics, written once per batch."""

from collections import Counter
from collections.abc import Mapping

import msgspec

from hookline_common.collections import EVENT_COUNTS
from hookline_common.documents import Document, Documents
from hookline_common.eventrecords import EventRecord
from hookline_common.topics import DAY_MS

MINUTE_MS = 60_000
KEPT_MS = 90 * DAY_MS
_REMEMBERED = 10_000


class Bucket(msgspec.Struct, frozen=True):
    """A webhook in a minute of arrival."""

    webhook_id: str
    minute: int

    @property
    def id(self) -> str:
        """The id of its document."""
        return f"{self.webhook_id}:{self.minute}"


class Tally:
    """What the events of one batch add to the counters."""

    def __init__(self) -> None:
        self.deltas: dict[Bucket, Counter[str]] = {}

    def moved(self, before: EventRecord | None, after: EventRecord) -> None:
        """Count an event whose record was saved: out of the old verdict, into the new one."""
        if before is not None and before.verdict == after.verdict:
            return
        if before is not None and before.verdict != "pending":
            self._count(before, -1)
        if after.verdict != "pending":
            self._count(after, 1)

    def _count(self, record: EventRecord, by: int) -> None:
        bucket = Bucket(record.webhook_id, (record.counts_from or record.received_at) // MINUTE_MS)
        self.deltas.setdefault(bucket, Counter())[record.verdict] += by


class EventCounts:
    """The counters in the store."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._there: dict[Bucket, None] = {}

    async def add(self, tally: Tally) -> None:
        """Add a tally. A crash before this call loses the batch's counts and nothing else."""
        deltas = {bucket: _moved(counter) for bucket, counter in tally.deltas.items()}
        deltas = {bucket: counter for bucket, counter in deltas.items() if counter}
        if not deltas:
            return
        await self._create([bucket for bucket in deltas if bucket not in self._there])
        await self._documents.increment(
            EVENT_COUNTS, {bucket.id: counter for bucket, counter in deltas.items()}
        )

    async def _create(self, fresh: list[Bucket]) -> None:
        if not fresh:
            return
        await self._documents.insert(EVENT_COUNTS, [_empty(bucket) for bucket in fresh])
        if len(self._there) > _REMEMBERED:
            self._there.clear()
        self._there.update(dict.fromkeys(fresh))


def _moved(counter: Counter[str]) -> Mapping[str, int]:
    return {verdict: delta for verdict, delta in counter.items() if delta}


def _empty(bucket: Bucket) -> Document:
    return Document(
        id=bucket.id,
        body=b"{}",
        fields={"webhook_id": bucket.webhook_id, "minute": bucket.minute},
        expires_at_ms=bucket.minute * MINUTE_MS + KEPT_MS,
    )
