"""Appending: one idempotent producer with acks=all, replaced when it has failed for good (A2)."""

# aiokafka carries no types: this module relaxes the checker for itself only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from hookline_common.adapters.kafka.records import translated
from hookline_common.errors import LogUnavailable, Misconfigured, Poison
from hookline_common.eventlog import Position, Record
from hookline_common.partitioning import partition_of
from hookline_common.topics import BY_NAME, Topic

_LARGEST_REQUEST_BYTES = 11 * 1024 * 1024
_REQUEST_TIMEOUT_MS = 10_000
_UNKNOWN_TOPIC_PATIENCE_SECONDS = 2


class Producer:
    """Appends records; connects at the first use."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._producer: Any = None
        self._starting = asyncio.Lock()
        self._partitions: dict[str, int] = {}
        self._topics: dict[str, Topic] = dict(BY_NAME)

    def learn(self, topics: Sequence[Topic]) -> None:
        """Know the limits of topics beyond the catalogue."""
        self._topics |= {topic.name: topic for topic in topics}

    async def append(self, records: Sequence[Record]) -> Sequence[Position]:
        """Append in order; return when the cluster has acknowledged all of them."""
        for record in records:
            self._refuse_oversized(record)
        with translated():
            producer = await self._open()
            try:
                futures = [await self._send(producer, record) for record in records]
                done = await asyncio.gather(*futures, return_exceptions=True)
            except KafkaError as error:
                await self._replace_if_broken(producer, error)
                raise
            positions: list[Position] = []
            for outcome in done:
                if isinstance(outcome, BaseException):
                    await self._replace_if_broken(producer, outcome)
                    raise outcome
                positions.append(Position(outcome.topic, outcome.partition, outcome.offset))
        return positions

    async def _send(self, producer: Any, record: Record) -> Any:
        count = await self.partitions(record.topic)
        return await producer.send(
            record.topic,
            value=record.value,
            key=record.key.encode(),
            partition=partition_of(record.key, count),
            headers=list(record.headers),
        )

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has; asked once, growth is seen after a restart (A4)."""
        known = self._partitions.get(topic)
        if known is None:
            producer = await self._open()
            found = await self._partitions_for(producer, topic)
            known = self._partitions[topic] = len(found)
        return known

    async def _partitions_for(self, producer: Any, topic: str) -> Any:
        if topic in self._topics:  # perhaps created a moment ago: the news may need a while
            return await producer.partitions_for(topic)
        try:
            async with asyncio.timeout(_UNKNOWN_TOPIC_PATIENCE_SECONDS):
                return await producer.partitions_for(topic)
        except (UnknownTopicOrPartitionError, TimeoutError) as error:
            raise Misconfigured(f"there is no topic {topic!r}") from error

    def _refuse_oversized(self, record: Record) -> None:
        topic = self._topics.get(record.topic)
        size = len(record.value or b"")
        if topic is not None and size > topic.max_message_bytes:
            raise Poison(f"{size} bytes; {record.topic} takes {topic.max_message_bytes}")

    async def _open(self) -> Any:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._servers,
                    acks="all",
                    enable_idempotence=True,
                    max_request_size=_LARGEST_REQUEST_BYTES,
                    max_batch_size=256 * 1024,
                    request_timeout_ms=_REQUEST_TIMEOUT_MS,
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def _replace_if_broken(self, producer: Any, error: BaseException) -> None:
        """A producer whose sequence is broken refuses everything from then on: let it go."""
        retriable = isinstance(error, KafkaError) and error.retriable
        if retriable or isinstance(error, Poison) or self._producer is not producer:
            return
        self._producer = None
        try:
            await asyncio.wait_for(producer.stop(), 5)
        except (KafkaError, TimeoutError) as failure:
            raise LogUnavailable(f"the producer was replaced: {failure}") from error

    async def close(self) -> None:
        """Flush what is under way, then disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                await asyncio.wait_for(producer.stop(), 10)
            except (KafkaError, TimeoutError):
                return  # nothing that was acknowledged is lost, and nobody waits for the rest
