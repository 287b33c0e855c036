"""KafkaLog: appending, reading by position, topics and groups on an Apache Kafka cluster."""

# aiokafka carries no types: this module relaxes the checker for itself only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from hookline_common.adapters.kafka.administration import Administration
from hookline_common.adapters.kafka.consumer import joined
from hookline_common.adapters.kafka.producer import Producer
from hookline_common.adapters.kafka.records import delivered, translated
from hookline_common.adapters.kafka.stopping import stop_consumer
from hookline_common.adapters.kafka.tail import tailing
from hookline_common.errors import LogUnavailable
from hookline_common.eventlog import (
    Consumer,
    Delivered,
    GroupLag,
    Position,
    Record,
    Sync,
    TailReader,
)
from hookline_common.topics import Topic

_READ_WAIT_MS = 1000
_LARGEST_FETCH_BYTES = 11 * 1024 * 1024


class KafkaLog:
    """The event log on Kafka. Every append is acknowledged by all in-sync replicas (acks=all)."""

    def __init__(self, servers: str, session_timeout_ms: int = 10_000) -> None:
        """`servers` is `host:port[,host:port]`; nothing is connected before the first call."""
        self._servers = servers
        self._session_timeout_ms = session_timeout_ms
        self._producer = Producer(servers)
        self._administration = Administration(servers)
        self._reader: Any = None
        self._topics: set[str] = set()
        self._reading = asyncio.Lock()

    async def append(self, records: Sequence[Record], sync: Sync = Sync.NOW) -> Sequence[Position]:
        """Append in order; `sync` makes no difference here."""
        del sync
        return await self._producer.append(records)

    async def sync(self) -> None:
        """Every append is acknowledged already."""

    def consumer(self, group: str, topics: Sequence[str]) -> AbstractAsyncContextManager[Consumer]:
        """Join a group."""
        return joined(self._servers, group, topics, self._session_timeout_ms)

    def tail(self, topic: str) -> AbstractAsyncContextManager[TailReader]:
        """Read a one-partition topic from its beginning."""
        return tailing(self._servers, topic, self._producer.partitions)

    async def read(
        self, topic: str, partition: int, offset: int, limit: int
    ) -> Sequence[Delivered]:
        """Read by position, without a group."""
        where = TopicPartition(topic, partition)
        async with self._reading:
            with translated():
                reader = await self._open_reader()
                reader.assign([where])
                first = (await reader.beginning_offsets([where]))[where]
                end = (await reader.end_offsets([where]))[where]
                if not first <= offset < end:
                    return []
                reader.seek(where, offset)
                try:
                    return await _collect(reader, where, min(limit, end - offset), end)
                finally:
                    reader.unsubscribe()  # or it would go on fetching for nobody

    async def _open_reader(self) -> Any:
        if self._reader is None:
            reader = AIOKafkaConsumer(
                bootstrap_servers=self._servers,
                enable_auto_commit=False,
                isolation_level="read_committed",
                auto_offset_reset="earliest",
                max_partition_fetch_bytes=_LARGEST_FETCH_BYTES,
            )
            await reader.start()
            self._reader = reader
        return self._reader

    async def create_topics(self, topics: Sequence[Topic]) -> Sequence[str]:
        """Create those that are missing."""
        self._producer.learn(topics)
        self._topics |= {topic.name for topic in topics}
        return await self._administration.create_topics(topics)

    async def partitions(self, topic: str) -> int:
        """The number of partitions of a topic."""
        with translated():
            return await self._producer.partitions(topic)

    async def offset_at(self, topic: str, partition: int, timestamp_ms: int) -> int:
        """The first offset at or after a time; the end if there is none."""
        where = TopicPartition(topic, partition)
        async with self._reading:
            with translated():
                reader = await self._open_reader()
                found = (await reader.offsets_for_times({where: timestamp_ms}))[where]
                if found is not None:
                    return found.offset
                return (await reader.end_offsets([where]))[where]

    async def set_committed(self, group: str, positions: Sequence[Position]) -> None:
        """Move a group that has no members."""
        await self._administration.set_committed(group, positions)

    async def members(self, group: str) -> int:
        """How many consumers are in the group now."""
        return await self._administration.members(group)

    async def lag(self, group: str, topics: Sequence[str]) -> Sequence[GroupLag]:
        """Committed and end offsets of a group, per partition."""
        async with self._reading:
            with translated():
                reader = await self._open_reader()
                where = [
                    TopicPartition(topic, number)
                    for topic in topics
                    for number in range(await self._producer.partitions(topic))
                ]
                ends = await reader.end_offsets(where)
                firsts = await reader.beginning_offsets(where)
        committed = await self._administration.committed(group)
        return [
            # A group that has committed nothing begins at the oldest record (A1).
            GroupLag(
                at.topic,
                at.partition,
                committed.get((at.topic, at.partition), firsts[at]),
                ends[at],
            )
            for at in where
        ]

    async def problems(self) -> Sequence[str]:
        """What keeps the cluster from answering or from being durable (protocols.md A3)."""
        try:
            return await asyncio.wait_for(self._administration.problems(sorted(self._topics)), 5)
        except (LogUnavailable, TimeoutError, UnknownTopicOrPartitionError) as error:
            return [f"Kafka at {self._servers} does not answer: {error or 'timed out'}"]

    async def close(self) -> None:
        """Flush and release everything."""
        await self._producer.close()
        await self._administration.close()
        if self._reader is not None:
            await stop_consumer(self._reader)
            self._reader = None


async def _collect(reader: Any, where: Any, wanted: int, end: int) -> Sequence[Delivered]:
    found: list[Delivered] = []
    while len(found) < wanted:
        batch = await reader.getmany(where, timeout_ms=_READ_WAIT_MS, max_records=wanted)
        messages = batch.get(where, [])
        found.extend(delivered(message) for message in messages)
        if not messages or messages[-1].offset + 1 >= end:
            break
    return found[:wanted]
