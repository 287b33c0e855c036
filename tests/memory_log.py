"""A hand-written event log in memory: one partition a topic, failures and rebalances on demand."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from hookline_common.eventlog import Delivered, GroupLag, Position, Record, Sync
from hookline_common.topics import Topic


class MemoryLog:
    """`failing` is raised by every append while it is set, each of `commit_failures` by one commit;
    `refuse` may raise for one record.
    """

    def __init__(self) -> None:
        self.topics: dict[str, list[Delivered]] = {}
        self.committed: dict[tuple[str, str], int] = {}
        self.failing: Exception | None = None
        self.refuse: Callable[[Record], None] = lambda record: None
        self.commit_failures: list[Exception] = []
        self.joined = 0
        self.syncs: list[Sync] = []
        self.now_ms = 1_795_539_572_000
        self.arrived = asyncio.Event()
        self.hold: asyncio.Event | None = None
        self.waiting = 0

    async def append(self, records: Sequence[Record], sync: Sync = Sync.NOW) -> Sequence[Position]:
        if self.hold is not None:
            self.waiting += 1
            await self.hold.wait()
        if self.failing is not None:
            raise self.failing
        for record in records:
            self.refuse(record)
        self.syncs.append(sync)
        return [self._add(record) for record in records]

    def _add(self, record: Record) -> Position:
        topic = self.topics.setdefault(record.topic, [])
        position = Position(record.topic, 0, len(topic))
        topic.append(Delivered(record, position, self.now_ms))
        self.arrived.set()
        return position

    def records(self, topic: str) -> list[Record]:
        return [delivered.record for delivered in self.topics.get(topic, [])]

    async def sync(self) -> None:
        return None

    def consumer(
        self, group: str, topics: Sequence[str]
    ) -> AbstractAsyncContextManager["MemoryConsumer"]:
        return self._consumer(group, topics)

    @asynccontextmanager
    async def _consumer(
        self, group: str, topics: Sequence[str]
    ) -> AsyncGenerator["MemoryConsumer", None]:
        self.joined += 1
        yield MemoryConsumer(self, group, topics)

    def tail(self, topic: str) -> AbstractAsyncContextManager["MemoryTail"]:
        return self._tail(topic)

    @asynccontextmanager
    async def _tail(self, topic: str) -> AsyncGenerator["MemoryTail", None]:
        yield MemoryTail(self, topic)

    async def read(
        self, topic: str, partition: int, offset: int, limit: int
    ) -> Sequence[Delivered]:
        return self.topics.get(topic, [])[offset : offset + limit]

    async def create_topics(self, topics: Sequence[Topic]) -> Sequence[str]:
        return ()

    async def partitions(self, topic: str) -> int:
        return 1

    async def offset_at(self, topic: str, partition: int, timestamp_ms: int) -> int:
        raise AssertionError("not used")

    async def set_committed(self, group: str, positions: Sequence[Position]) -> None:
        raise AssertionError("not used")

    async def members(self, group: str) -> int:
        return self.joined

    async def lag(self, group: str, topics: Sequence[str]) -> Sequence[GroupLag]:
        return [
            GroupLag(name, 0, self.committed.get((group, name), 0), len(self.topics.get(name, [])))
            for name in topics
        ]

    async def problems(self) -> Sequence[str]:
        return ()

    async def close(self) -> None:
        return None


class MemoryConsumer:
    def __init__(self, log: MemoryLog, group: str, topics: Sequence[str]) -> None:
        self._log = log
        self._group = group
        self._topics = topics
        self._next = {name: log.committed.get((group, name), 0) for name in topics}
        self.paused = False

    async def next_batch(self, max_records: int = 500, max_bytes: int = 0) -> Sequence[Delivered]:
        while True:
            self._log.arrived.clear()
            for name in self._topics:
                found = self._log.topics.get(name, [])[self._next[name] :][:max_records]
                if found and not self.paused:
                    self._next[name] += len(found)
                    return found
            await self._log.arrived.wait()

    async def commit(self, batch: Sequence[Delivered]) -> None:
        if self._log.commit_failures:
            raise self._log.commit_failures.pop(0)
        for delivered in batch:
            at = delivered.position
            key = (self._group, at.topic)
            self._log.committed[key] = max(self._log.committed.get(key, 0), at.offset + 1)

    async def rewind_to_committed(self) -> None:
        for name in self._topics:
            self._next[name] = self._log.committed.get((self._group, name), 0)

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False
        self._log.arrived.set()


class MemoryTail:
    def __init__(self, log: MemoryLog, topic: str) -> None:
        self._log = log
        self._topic = topic
        self._next = 0
        self.reads = 0

    async def read_to_end(self) -> Sequence[Delivered]:
        self.reads += 1
        await asyncio.sleep(0)
        if self._log.failing is not None:
            raise self._log.failing
        found = self._log.topics.get(self._topic, [])[self._next :]
        self._next += len(found)
        return found
