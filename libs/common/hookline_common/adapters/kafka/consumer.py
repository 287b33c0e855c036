"""A member of a consumer group, with aiokafka's eager rebalance (protocols.md A1, A2)."""

# aiokafka carries no types: this module relaxes the checker for itself only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportMissingTypeArgument=false, reportIncompatibleMethodOverride=false

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from hookline_common.adapters.kafka.records import delivered, partition, translated
from hookline_common.adapters.kafka.stopping import stop_consumer
from hookline_common.errors import AssignmentLost
from hookline_common.eventlog import (
    MAX_BATCH_BYTES,
    MAX_BATCH_RECORDS,
    Consumer,
    Delivered,
)

_log = structlog.get_logger(__name__)
_POLL_MS = 500
_LARGEST_FETCH_BYTES = 11 * 1024 * 1024
_REVOKE_PATIENCE_SECONDS = 5.0


class KafkaConsumer(ConsumerRebalanceListener):
    """Hands out batches; a batch of a partition that was taken away cannot be committed."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._ahead: deque[Delivered] = deque()
        self._held: dict[TopicPartition, int] = {}
        self._expected: dict[TopicPartition, int] = {}
        self._generation = 0
        self._handed_out = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._open = asyncio.Event()
        self._open.set()

    async def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        """Let the batch under way be committed for a moment; then it is lost (A2)."""
        del revoked
        self._ahead.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), _REVOKE_PATIENCE_SECONDS)
        self._generation += 1
        self._held.clear()
        self._expected.clear()
        self._ahead.clear()
        self._idle.set()

    async def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        """From here on these partitions are ours."""
        self._held = dict.fromkeys(assigned, self._generation)

    async def next_batch(
        self, max_records: int = MAX_BATCH_RECORDS, max_bytes: int = MAX_BATCH_BYTES
    ) -> Sequence[Delivered]:
        """Wait for at least one record."""
        self._idle.set()
        while True:
            await self._open.wait()
            if not self._ahead:
                await self._fetch(max_records)
            batch = self._take(max_records, max_bytes)
            if batch:
                self._handed_out = self._generation
                self._idle.clear()
                return batch

    async def _fetch(self, max_records: int) -> None:
        generation = self._generation
        with translated():
            found = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=max_records)
        if generation != self._generation:
            # A rebalance came in between. What was found may be of the partitions as they were
            # given to us anew, whose position is behind it now: dropped alone it would be skipped.
            await self.rewind_to_committed()
            return
        for where, messages in found.items():
            self._note_gap(where, messages)
            self._ahead.extend(delivered(message) for message in messages)

    def _note_gap(self, where: Any, messages: Sequence[Any]) -> None:
        """Say so when retention has removed records that nobody here has read (A1)."""
        if not messages:
            return
        expected = self._expected.get(where)
        first = messages[0].offset
        if expected is not None and first > expected:
            _log.error(
                "offset out of range: records were removed before they were read",
                topic=where.topic,
                partition=where.partition,
                expected=expected,
                found=first,
            )
        self._expected[where] = messages[-1].offset + 1

    def _take(self, max_records: int, max_bytes: int) -> Sequence[Delivered]:
        batch: list[Delivered] = []
        size = 0
        while self._ahead and len(batch) < max_records:
            size += len(self._ahead[0].record.value or b"")
            if batch and size > max_bytes:
                break
            batch.append(self._ahead.popleft())
        return batch

    async def commit(self, batch: Sequence[Delivered]) -> None:
        """Commit the offsets after the last record of each partition in the batch."""
        offsets: dict[TopicPartition, int] = {}
        for item in batch:
            where = partition(item.position)
            offsets[where] = max(offsets.get(where, 0), item.position.offset + 1)
        if self._handed_out != self._generation or not offsets.keys() <= self._held.keys():
            raise AssignmentLost
        with translated():
            await self._consumer.commit(offsets)
        self._idle.set()

    async def rewind_to_committed(self) -> None:
        """Start again at the committed offsets."""
        self._ahead.clear()
        self._expected.clear()
        for where in self._consumer.assignment():
            # One that is taken away meanwhile is read from its committed offset by whoever gets it.
            with contextlib.suppress(AssignmentLost), translated():
                await self._seek_committed(where)

    async def _seek_committed(self, where: Any) -> None:
        committed = await self._consumer.committed(where)
        if committed is None:
            await self._consumer.seek_to_beginning(where)
        else:
            self._consumer.seek(where, committed)

    def give_up(self) -> None:
        """Leaving: nobody needs to wait for the batch under way."""
        self._idle.set()

    def pause(self) -> None:
        """Hand out nothing; aiokafka's own heartbeat keeps the membership."""
        self._open.clear()

    def resume(self) -> None:
        """Hand out records again."""
        self._open.set()


@contextlib.asynccontextmanager
async def joined(
    servers: str, group: str, topics: Sequence[str], session_timeout_ms: int
) -> AsyncGenerator[Consumer]:
    """A member of the group while the block runs."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        partition_assignment_strategy=(RoundRobinPartitionAssignor,),
        session_timeout_ms=session_timeout_ms,
        heartbeat_interval_ms=max(session_timeout_ms // 4, 250),
        max_poll_interval_ms=300_000,
        max_partition_fetch_bytes=_LARGEST_FETCH_BYTES,
    )
    member = KafkaConsumer(consumer)
    with translated():
        try:
            consumer.subscribe(topics=list(topics), listener=member)
            await consumer.start()
        except BaseException:
            await stop_consumer(consumer)
            raise
    try:
        yield member
    finally:
        member.give_up()
        await stop_consumer(consumer)
