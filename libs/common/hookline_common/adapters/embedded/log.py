"""The event log in the embedded data file (port: hookline_common/eventlog.py)."""

import sqlite3
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

from hookline_common.adapters.embedded import logrows
from hookline_common.adapters.embedded.appending import Append, Commit
from hookline_common.adapters.embedded.file import EmbeddedFile
from hookline_common.adapters.embedded.groups import EmbeddedConsumer, Group
from hookline_common.adapters.embedded.partitions import Partition
from hookline_common.adapters.embedded.retention import compact, drop_expired
from hookline_common.adapters.embedded.steps import nothing
from hookline_common.errors import Conflict, LogUnavailable, Misconfigured, Poison
from hookline_common.eventlog import (
    MAX_BATCH_RECORDS,
    Consumer,
    Delivered,
    GroupLag,
    Position,
    Record,
    Sync,
    TailReader,
)
from hookline_common.partitioning import partition_of
from hookline_common.topics import Topic

T = TypeVar("T")


class EmbeddedTail:
    """Reads a partition from its beginning."""

    def __init__(self, log: "EmbeddedLog", partition: Partition) -> None:
        self._log = log
        self._partition = partition
        self._position = 0

    async def read_to_end(self) -> Sequence[Delivered]:
        """As the port says."""
        end = self._partition.end
        records: list[Delivered] = []
        while self._position < end:
            found = self._log.records_from(
                self._partition, self._position, min(MAX_BATCH_RECORDS, end - self._position)
            )
            records += found
            self._position = found[-1].position.offset + 1 if found else end
        return records


class EmbeddedLog:
    """All groups have their members in this process."""

    def __init__(self, file: EmbeddedFile) -> None:
        self._file = file
        self._append = Append()
        self._commit = Commit()
        self._topics: dict[str, logrows.StoredTopic] = {}
        self._partitions: dict[str, list[Partition]] = {}
        self._groups: dict[str, Group] = {}
        self._committed: dict[tuple[str, int], int] = {}
        self._compacted: dict[int, int] = {}
        self._last_ms = 0
        self._closed = False

    @classmethod
    async def open(cls, file: EmbeddedFile) -> "EmbeddedLog":
        """The log in `file`, with what a former process left there."""
        log = cls(file)
        await log._change(logrows.create_tables, Sync.NOW)
        log._load_topics()
        log._committed = dict(logrows.select_committed(file.reader))
        everything = [one for parts in log._partitions.values() for one in parts]
        taken = [logrows.last_taken(file.reader, one) for one in everything]
        log._last_ms = max(taken, default=0)
        file.add_chore(log.tidy)
        return log

    async def append(self, records: Sequence[Record], sync: Sync = Sync.NOW) -> Sequence[Position]:
        """As the port says; a nearly full disk refuses what would be promised to the outside."""
        if not records:
            return ()
        if sync is Sync.NOW:
            self._file.refuse_when_nearly_full()
        placed = [(self._place(record), record) for record in records]
        self._last_ms = taken_ms = max(self._last_ms, self._file.clock.now_ms())
        positions: list[Position] = []

        def deliver(offsets: Sequence[int]) -> None:
            for (partition, record), offset in zip(placed, offsets, strict=True):
                position = Position(partition.topic, partition.number, offset)
                positions.append(position)
                partition.add(Delivered(record, position, taken_ms))
            for partition in {partition for partition, _ in placed}:
                partition.wake_owners()

        await self._write(self._append, (placed, taken_ms), sync, deliver)
        return positions

    async def sync(self) -> None:
        """As the port says."""
        await self._change(nothing, Sync.NOW)

    def consumer(self, group: str, topics: Sequence[str]) -> AbstractAsyncContextManager[Consumer]:
        """As the port says."""
        return self._member(group, topics)

    @asynccontextmanager
    async def _member(self, group: str, topics: Sequence[str]) -> AsyncGenerator[Consumer]:
        partitions = [one for topic in topics for one in self._partitions_of(topic)]
        member = EmbeddedConsumer(group, partitions, self)
        joined = self._groups.setdefault(group, Group())
        joined.join(member)
        try:
            yield member
        finally:
            joined.leave(member)

    def tail(self, topic: str) -> AbstractAsyncContextManager[TailReader]:
        """As the port says."""
        return self._tail(topic)

    @asynccontextmanager
    async def _tail(self, topic: str) -> AsyncGenerator[TailReader]:
        partitions = self._partitions_of(topic)
        if len(partitions) != 1:
            raise Misconfigured(f"topic {topic} has {len(partitions)} partitions; a tail reads one")
        yield EmbeddedTail(self, partitions[0])

    async def read(
        self, topic: str, partition: int, offset: int, limit: int
    ) -> Sequence[Delivered]:
        """As the port says."""
        partitions = self._partitions_of(topic)
        if not 0 <= partition < len(partitions) or limit <= 0:
            return ()
        return self.records_from(partitions[partition], max(offset, 0), limit)

    async def create_topics(self, topics: Sequence[Topic]) -> Sequence[str]:
        """As the port says."""
        created = await self._change(
            lambda connection: logrows.insert_topics(connection, topics), Sync.NOW
        )
        self._load_topics()
        return created

    async def partitions(self, topic: str) -> int:
        """As the port says."""
        return len(self._partitions_of(topic))

    async def offset_at(self, topic: str, partition: int, timestamp_ms: int) -> int:
        """As the port says."""
        chosen = self._partitions_of(topic)[partition]
        return logrows.offset_at(self._file.reader, chosen, timestamp_ms)

    async def set_committed(self, group: str, positions: Sequence[Position]) -> None:
        """As the port says."""
        if group in self._groups and self._groups[group].members:
            raise Conflict(f"group {group} has members; stop them before moving it")
        await self._move(
            group,
            {self._partitions_of(at.topic)[at.partition]: at.offset for at in positions},
            Sync.NOW,
        )

    async def members(self, group: str) -> int:
        """As the port says."""
        found = self._groups.get(group)
        return 0 if found is None else len(found.members)

    async def lag(self, group: str, topics: Sequence[str]) -> Sequence[GroupLag]:
        """As the port says."""
        return [
            GroupLag(topic, one.number, self.committed(group, one), one.end)
            for topic in topics
            for one in self._partitions_of(topic)
        ]

    async def problems(self) -> Sequence[str]:
        """As the port says."""
        return self._file.problems()

    async def close(self) -> None:
        """As the port says."""
        if not self._closed:
            self._closed = True
            await self._file.close()

    def records_from(self, partition: Partition, offset: int, limit: int) -> Sequence[Delivered]:
        """Up to `limit` records from `offset` on: from memory, or else from the file."""
        if offset >= partition.kept_from:
            return partition.newest_from(offset, limit)
        try:
            return logrows.select_records(self._file.reader, partition, offset, limit)
        except sqlite3.OperationalError as error:
            raise LogUnavailable(str(error)) from error

    def committed(self, group: str, partition: Partition) -> int:
        """Where a group goes on: the committed offset, or else the oldest record."""
        offset = self._committed.get((group, partition.id))
        return logrows.first_offset(self._file.reader, partition) if offset is None else offset

    async def commit(self, group: str, offsets: Mapping[Partition, int]) -> None:
        """Record what a group has done."""
        await self._move(group, offsets, Sync.LATER)

    async def tidy(self) -> None:
        """Drop what is past its retention, and compact what has changed."""
        for topic in self._topics.values():
            for partition in self._partitions[topic.name]:
                await drop_expired(self._file, topic, partition)
                if self._compacted.get(partition.id) != partition.end:
                    self._compacted[partition.id] = partition.end
                    await compact(self._file, topic, partition)

    async def _move(self, group: str, offsets: Mapping[Partition, int], sync: Sync) -> None:
        rows = {(group, partition.id): offset for partition, offset in offsets.items()}

        def deliver(_: None) -> None:
            self._committed.update(rows)

        await self._write(self._commit, rows, sync, deliver)

    def _place(self, record: Record) -> Partition:
        topic = self._topics.get(record.topic)
        if topic is None:
            raise _unknown(record.topic)
        size = len(record.key.encode()) + (len(record.value) if record.value is not None else 0)
        size += sum(len(name) + len(value) for name, value in record.headers)
        if size > topic.max_message_bytes:
            raise Poison(
                f"a record of {size} bytes is too large for {record.topic}, which takes"
                f" {topic.max_message_bytes}"
            )
        return self._partitions[record.topic][partition_of(record.key, topic.partitions)]

    def _partitions_of(self, topic: str) -> Sequence[Partition]:
        found = self._partitions.get(topic)
        if found is None:
            raise _unknown(topic)
        return found

    def _load_topics(self) -> None:
        reader = self._file.reader
        for topic in logrows.select_topics(reader):
            if topic.name not in self._topics:
                numbers = range(topic.partitions)
                loaded = [logrows.load_partition(reader, topic, number) for number in numbers]
                self._partitions[topic.name] = loaded
                self._topics[topic.name] = topic

    async def _change(self, function: Callable[[sqlite3.Connection], T], sync: Sync) -> T:
        try:
            return await self._file.change(function, sync)
        except sqlite3.OperationalError as error:
            raise LogUnavailable(str(error)) from error

    async def _write(self, step: Append | Commit, payload: Any, sync: Sync, deliver: Any) -> None:
        try:
            await self._file.submit(step, payload, sync, deliver)
        except sqlite3.OperationalError as error:
            raise LogUnavailable(str(error)) from error


def _unknown(topic: str) -> Misconfigured:
    return Misconfigured(f"there is no topic {topic!r}; create it with `hookline topics create`")
