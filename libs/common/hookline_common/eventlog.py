"""The port to the event log: topics, partitions and consumer groups (DESIGN.md section 4).

`adapters.open_log(url)` gives an adapter; the same contract suite (tests/contract) runs on each.
"""

import enum
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from hookline_common.topics import Topic

MAX_BATCH_RECORDS = 500
MAX_BATCH_BYTES = 16 * 1024 * 1024


class Sync(enum.Enum):
    """When a write must be on disk (protocols.md B1)."""

    NOW = "now"
    """Before the call returns: what is promised to the outside follows from it."""
    LATER = "later"
    """Visible and ordered now; on disk with, or before, the next NOW. Kafka and MongoDB treat
    it as NOW.
    """


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record to append. The key chooses the partition; a value of None is a tombstone."""

    topic: str
    key: str
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Position(msgspec.Struct, frozen=True, gc=False, order=True):
    """Where a record lies."""

    topic: str
    partition: int
    offset: int


class Delivered(msgspec.Struct, frozen=True, gc=False):
    """A record as a consumer gets it; `timestamp_ms` is when the log took it (epoch
    milliseconds).
    """

    record: Record
    position: Position
    timestamp_ms: int


class GroupLag(msgspec.Struct, frozen=True):
    """How far a group is behind on one partition."""

    topic: str
    partition: int
    committed: int
    end: int


class Consumer(Protocol):
    """A member of a consumer group. Batches keep the order within each partition."""

    async def next_batch(
        self, max_records: int = MAX_BATCH_RECORDS, max_bytes: int = MAX_BATCH_BYTES
    ) -> Sequence[Delivered]:
        """Wait until at least one record is there; then return what is there, at most the limits.

        Each call goes on after the previous batch, whether or not that was committed.
        """
        ...

    async def commit(self, batch: Sequence[Delivered]) -> None:
        """Record the batch as done. Raises AssignmentLost if any of its partitions was taken away.

        After AssignmentLost nothing of the batch is committed; whoever holds the partition
        reads it.
        """
        ...

    async def rewind_to_committed(self) -> None:
        """Forget what was read and not committed: the next batch starts at the committed
        offsets.
        """
        ...

    def pause(self) -> None:
        """Hand out nothing until `resume`, and stay a member of the group."""
        ...

    def resume(self) -> None:
        """Hand out records again."""
        ...


class TailReader(Protocol):
    """Reads a one-partition topic whole, without a group: every instance sees every record."""

    async def read_to_end(self) -> Sequence[Delivered]:
        """All records between the last call and the end of the topic at the moment of this call.

        The end is asked from the log, so that whatever was acknowledged before the call is
        included.
        """
        ...


class EventLog(Protocol):
    """An append-only log of topics. All methods raise LogUnavailable when the log cannot answer."""

    async def append(self, records: Sequence[Record], sync: Sync = Sync.NOW) -> Sequence[Position]:
        """Append in order; return when all are acknowledged. A failure says nothing of any of them.

        Records larger than their topic allows raise Poison: they can never
        be appended.
        """
        ...

    async def sync(self) -> None:
        """Return when everything appended before is on disk."""
        ...

    def consumer(self, group: str, topics: Sequence[str]) -> AbstractAsyncContextManager[Consumer]:
        """Join a group; start at the committed offset, or at the earliest record. Leaving closes
        it.
        """
        ...

    def tail(self, topic: str) -> AbstractAsyncContextManager[TailReader]:
        """Read a one-partition topic from its beginning."""
        ...

    async def read(
        self, topic: str, partition: int, offset: int, limit: int
    ) -> Sequence[Delivered]:
        """Up to `limit` records from `offset` on, without a group; fewer or none if expired or not
        there.
        """
        ...

    async def create_topics(self, topics: Sequence[Topic]) -> Sequence[str]:
        """Create those that are missing; return their names. Existing ones are left as they are."""
        ...

    async def partitions(self, topic: str) -> int:
        """The number of partitions of a topic."""
        ...

    async def offset_at(self, topic: str, partition: int, timestamp_ms: int) -> int:
        """The first offset whose record was taken at or after that time; the end if there is
        none.
        """
        ...

    async def set_committed(self, group: str, positions: Sequence[Position]) -> None:
        """Move a group that has no members; raises Conflict while it has some."""
        ...

    async def members(self, group: str) -> int:
        """How many consumers are in the group now."""
        ...

    async def lag(self, group: str, topics: Sequence[str]) -> Sequence[GroupLag]:
        """Committed and end offsets of a group, per partition."""
        ...

    async def problems(self) -> Sequence[str]:
        """What keeps the log from being ready or durable, in sentences for an operator; empty if
        nothing.
        """
        ...

    async def close(self) -> None:
        """Flush and release everything."""
        ...
