"""Reading a one-partition topic whole, by every instance, without a group."""

# aiokafka carries no types: this module relaxes the checker for itself only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from hookline_common.adapters.kafka.records import delivered, translated
from hookline_common.adapters.kafka.stopping import stop_consumer
from hookline_common.errors import Misconfigured
from hookline_common.eventlog import Delivered, TailReader

_WAIT_MS = 1000


class KafkaTail:
    """Remembers how far it has read.

    The end is asked over a connection of its own: on the reading one it would wait for the
    fetch that is under way.
    """

    def __init__(self, consumer: Any, ends: Any, topic: str) -> None:
        self._consumer = consumer
        self._ends = ends
        self._where = TopicPartition(topic, 0)

    async def read_to_end(self) -> Sequence[Delivered]:
        """All records up to the end that the cluster names now."""
        found: list[Delivered] = []
        with translated():
            end = (await self._ends.end_offsets([self._where]))[self._where]
            while await self._consumer.position(self._where) < end:
                batch = await self._consumer.getmany(self._where, timeout_ms=_WAIT_MS)
                found.extend(delivered(message) for message in batch.get(self._where, []))
        return found


@contextlib.asynccontextmanager
async def tailing(
    servers: str, topic: str, partitions: Callable[[str], Awaitable[int]]
) -> AsyncGenerator[TailReader]:
    """A reader at the beginning of the topic, which must have one partition."""
    with translated():
        count = await partitions(topic)
    if count != 1:
        raise Misconfigured(f"{topic} has {count} partitions; only one can be read whole, in order")
    async with _reader(servers) as consumer, _reader(servers) as ends:
        with translated():
            consumer.assign([TopicPartition(topic, 0)])
            await consumer.seek_to_beginning()
        yield KafkaTail(consumer, ends, topic)


@contextlib.asynccontextmanager
async def _reader(servers: str) -> AsyncGenerator[Any]:
    reader = AIOKafkaConsumer(
        bootstrap_servers=servers,
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    try:
        with translated():
            await reader.start()
        yield reader
    finally:
        await stop_consumer(reader)
