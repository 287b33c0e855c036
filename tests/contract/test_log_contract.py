"""Every sentence of the port to the event log, on every adapter."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence

import pytest

from hookline_common.errors import AssignmentLost, Conflict, Misconfigured, Poison
from hookline_common.eventlog import Consumer, Delivered, EventLog, Position, Record, Sync
from hookline_common.partitioning import partition_of
from hookline_common.topics import Topic

MakeTopic = Callable[..., Awaitable[Topic]]
SECONDS = 20


def group() -> str:
    return f"group-{uuid.uuid4().hex[:8]}"


def records(topic: Topic, count: int, *, key: str | None = None) -> list[Record]:
    return [
        Record(topic.name, f"key-{number}" if key is None else key, b"%d" % number)
        for number in range(count)
    ]


async def take(consumer: Consumer, count: int, **limits: int) -> list[Delivered]:
    taken: list[Delivered] = []
    async with asyncio.timeout(SECONDS):
        while len(taken) < count:
            taken += await consumer.next_batch(**limits)
    return taken


def values(delivered: Sequence[Delivered]) -> list[bytes | None]:
    return [one.record.value for one in delivered]


# --- append, read ---------------------------------------------------------------------------------


async def test_append_gives_offsets_in_order_without_gaps(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    first = await event_log.append(records(topic, 30))
    second = await event_log.append(records(topic, 30), Sync.LATER)
    for partition in range(topic.partitions):
        offsets = [one.offset for one in (*first, *second) if one.partition == partition]
        assert offsets == list(range(len(offsets)))


async def test_a_record_comes_back_as_it_was_appended(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    """Bytes, repeated and binary headers, empty values, tombstones and keys of any script."""
    topic = await make_topic()
    written = [
        Record(
            topic.name, "ключ-€", bytes(range(256)), (("h", b"\x00\xff"), ("h", b""), ("i", b"1"))
        ),
        Record(topic.name, "empty", b""),
        Record(topic.name, "tombstone", None, (("why", b"gone"),)),
    ]
    positions = await event_log.append(written)
    for record, position in zip(written, positions, strict=True):
        (found,) = await event_log.read(topic.name, position.partition, position.offset, 1)
        assert found.record == record
        assert found.position == position


async def test_the_key_chooses_the_partition_as_kafka_does(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=5)
    keys = [f"key-{number}" for number in range(40)]
    positions = await event_log.append([Record(topic.name, key, b"") for key in keys])
    assert [one.partition for one in positions] == [partition_of(key, 5) for key in keys]


async def test_appending_nothing_is_nothing(event_log: EventLog) -> None:
    assert list(await event_log.append([])) == []


async def test_a_record_above_the_topics_limit_is_poison_and_nothing_is_appended(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic = await make_topic(max_message_bytes=10_000, partitions=1)
    good, bad = Record(topic.name, "a", b"x" * 5_000), Record(topic.name, "b", b"x" * 10_001)
    with pytest.raises(Poison):
        await event_log.append([good, bad])
    assert list(await event_log.read(topic.name, 0, 0, 10)) == []
    await event_log.append([good])


async def test_an_unknown_topic_is_a_clear_error(event_log: EventLog) -> None:
    name = f"test.{uuid.uuid4().hex}"
    with pytest.raises(Misconfigured, match=name):
        await event_log.append([Record(name, "k", b"")])
    with pytest.raises(Misconfigured, match=name):
        await event_log.partitions(name)


async def test_appends_of_many_tasks_at_once_all_get_places_of_their_own(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    async with asyncio.TaskGroup() as tasks:
        appends = [tasks.create_task(event_log.append(records(topic, 3))) for _ in range(50)]
    places = [position for append in appends for position in append.result()]
    assert len(set(places)) == 150


async def test_read_gives_at_most_the_limit_and_nothing_beyond_the_end(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=1)
    await event_log.append(records(topic, 10))
    assert values(await event_log.read(topic.name, 0, 4, 3)) == [b"4", b"5", b"6"]
    assert values(await event_log.read(topic.name, 0, 8, 100)) == [b"8", b"9"]
    assert list(await event_log.read(topic.name, 0, 10, 5)) == []
    assert list(await event_log.read(topic.name, 0, 10_000, 5)) == []


async def test_sync_returns_after_appends_that_did_not_wait(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=1)
    await event_log.append(records(topic, 1), Sync.LATER)
    await event_log.sync()
    assert len(await event_log.read(topic.name, 0, 0, 10)) == 1


# --- topics ---------------------------------------------------------------------------------------


async def test_creating_topics_again_leaves_them_as_they_are(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=2)
    await event_log.append(records(topic, 3))
    assert list(await event_log.create_topics([topic])) == []
    assert await event_log.partitions(topic.name) == 2
    ends = [one.end for one in await event_log.lag(group(), [topic.name])]
    assert sum(ends) == 3


async def test_offset_at_is_the_first_record_taken_at_or_after_a_time(
    event_log: EventLog, make_topic: MakeTopic, until: Callable[..., Awaitable[None]]
) -> None:
    topic = await make_topic(partitions=1)
    await event_log.append(records(topic, 3))
    (last,) = await event_log.read(topic.name, 0, 2, 1)

    async def later() -> bool:
        (position,) = await event_log.append([Record(topic.name, "later", b"")])
        (taken,) = await event_log.read(topic.name, 0, position.offset, 1)
        return taken.timestamp_ms > last.timestamp_ms

    await until(later)
    everything = await event_log.read(topic.name, 0, 0, 10_000)
    for timestamp in (
        0,
        *(one.timestamp_ms for one in everything),
        everything[-1].timestamp_ms + 1,
    ):
        wanted = [one.position.offset for one in everything if one.timestamp_ms >= timestamp]
        found = await event_log.offset_at(topic.name, 0, timestamp)
        assert found == (wanted[0] if wanted else len(everything))


# --- consumer groups ------------------------------------------------------------------------------


async def test_a_group_starts_at_the_earliest_record(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    """The accident: with `latest` an event accepted before the first start is never seen (A1)."""
    topic = await make_topic()
    await event_log.append(records(topic, 20))
    async with event_log.consumer(group(), [topic.name]) as consumer:
        taken = await take(consumer, 20)
    assert sorted(int(one.record.value or b"") for one in taken) == list(range(20))


async def test_batches_keep_the_order_within_each_partition(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    async with event_log.consumer(group(), [topic.name]) as consumer:
        for _ in range(5):
            await event_log.append(records(topic, 40))
        taken = await take(consumer, 200, max_records=33)
    for partition in range(topic.partitions):
        offsets = [one.position.offset for one in taken if one.position.partition == partition]
        assert offsets == list(range(len(offsets)))


async def test_a_batch_keeps_to_its_limits_but_has_at_least_one_record(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=1)
    await event_log.append([Record(topic.name, "k", b"x" * 1_000) for _ in range(10)])
    async with event_log.consumer(group(), [topic.name]) as consumer:
        async with asyncio.timeout(SECONDS):
            assert len(await consumer.next_batch(max_records=4)) <= 4
            assert len(await consumer.next_batch(max_bytes=2_500)) <= 2
            assert len(await consumer.next_batch(max_bytes=1)) == 1


async def test_a_waiting_consumer_is_woken_by_the_append(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    async with event_log.consumer(group(), [topic.name]) as consumer:
        waiting = asyncio.create_task(take(consumer, 1))
        await event_log.append(records(topic, 1))
        assert values(await waiting) == [b"0"]


async def test_each_group_reads_everything(event_log: EventLog, make_topic: MakeTopic) -> None:
    topic = await make_topic()
    await event_log.append(records(topic, 10))
    for name in (group(), group()):
        async with event_log.consumer(name, [topic.name]) as consumer:
            assert len(await take(consumer, 10)) == 10


async def test_a_group_reads_several_topics(event_log: EventLog, make_topic: MakeTopic) -> None:
    one, two = await make_topic(), await make_topic(partitions=1)
    async with event_log.consumer(group(), [one.name, two.name]) as consumer:
        await event_log.append([*records(one, 5), *records(two, 5)])
        topics = [delivered.record.topic for delivered in await take(consumer, 10)]
    assert sorted(topics) == sorted([one.name] * 5 + [two.name] * 5)


async def test_a_group_goes_on_after_what_was_committed(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic, name = await make_topic(partitions=1), group()
    await event_log.append(records(topic, 10))
    async with event_log.consumer(name, [topic.name]) as consumer:
        await consumer.commit(await take(consumer, 4, max_records=4))
        await take(consumer, 3, max_records=3)  # read, and never committed
    async with event_log.consumer(name, [topic.name]) as consumer:
        assert values(await take(consumer, 6))[0] == b"4"


async def test_each_call_goes_on_whether_or_not_the_last_batch_was_committed(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=1)
    await event_log.append(records(topic, 6))
    async with event_log.consumer(group(), [topic.name]) as consumer:
        taken = await take(consumer, 6, max_records=2)
    assert values(taken) == [b"0", b"1", b"2", b"3", b"4", b"5"]


async def test_rewinding_reads_what_was_not_committed_again(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=1)
    await event_log.append(records(topic, 6))
    async with event_log.consumer(group(), [topic.name]) as consumer:
        await consumer.commit(await take(consumer, 2, max_records=2))
        await take(consumer, 3, max_records=3)
        await consumer.rewind_to_committed()
        again = await take(consumer, 4)
        await consumer.commit(again)
    assert values(again) == [b"2", b"3", b"4", b"5"]


async def test_a_paused_consumer_hands_out_nothing_and_stays_a_member(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic, name = await make_topic(partitions=1), group()
    await event_log.append(records(topic, 5))
    async with event_log.consumer(name, [topic.name]) as consumer:
        batch = await take(consumer, 2, max_records=2)
        consumer.pause()
        waiting = asyncio.create_task(take(consumer, 3))
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done
        await consumer.commit(batch)
        consumer.resume()
        assert values(await waiting) == [b"2", b"3", b"4"]


async def test_a_member_may_rewind_while_another_joins_and_leaves(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    """The accident: a partition is taken away in the rewind, and the consumer stops for good."""
    topic, name = await make_topic(partitions=6), group()
    await event_log.append(records(topic, 60))

    async def rewinding(consumer: Consumer) -> None:
        while True:
            await consumer.rewind_to_committed()
            await asyncio.sleep(0)

    async with event_log.consumer(name, [topic.name]) as steady:
        await steady.next_batch()
        rewinder = asyncio.create_task(rewinding(steady))
        for _ in range(3):
            async with event_log.consumer(name, [topic.name]):
                assert not rewinder.done()
        rewinder.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rewinder
        await steady.rewind_to_committed()
        seen: set[int] = set()
        async with asyncio.timeout(SECONDS):
            while len(seen) < 60:
                seen.update(int(one.record.value or b"") for one in await steady.next_batch())


async def test_members_of_a_group_share_the_partitions(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic, name = await make_topic(partitions=4), group()
    members: list[set[int]] = [set(), set()]

    async def read(consumer: Consumer, seen: set[int]) -> None:
        while True:
            batch = await consumer.next_batch()
            seen.update(one.position.partition for one in batch)
            try:
                await consumer.commit(batch)
            except AssignmentLost:
                continue

    async with (
        event_log.consumer(name, [topic.name]) as one,
        event_log.consumer(name, [topic.name]) as two,
    ):
        readers = [
            asyncio.create_task(read(consumer, seen))
            for consumer, seen in zip((one, two), members, strict=True)
        ]
        async with asyncio.timeout(SECONDS):
            while not (members[0] and members[1] and len(members[0] | members[1]) == 4):
                await event_log.append(records(topic, 20))
                await asyncio.sleep(0.01)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)


async def test_a_batch_of_a_lost_partition_is_not_committed(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    """The accident: two members hold a partition, and the slower commits what it lost (A2)."""
    topic, name = await make_topic(partitions=2), group()
    await event_log.append(records(topic, 20))
    async with event_log.consumer(name, [topic.name]) as first:
        batch = await take(first, 20)
        lost = asyncio.create_task(_commit_until_lost(first, batch))
        async with event_log.consumer(name, [topic.name]) as second:
            other = asyncio.create_task(second.next_batch())
            await event_log.append(records(topic, 20))
            await asyncio.wait([lost], timeout=SECONDS)
            other.cancel()
            await asyncio.gather(other, return_exceptions=True)
    assert lost.done()
    assert lost.result()


async def _commit_until_lost(consumer: Consumer, batch: Sequence[Delivered]) -> bool:
    """Commit again and again, and go on reading, as a member that takes part in rebalances does."""
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                await consumer.commit(batch)
            except AssignmentLost:
                return True
            reading = asyncio.create_task(consumer.next_batch())
            await asyncio.wait([reading], timeout=0.05)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def test_what_a_leaving_member_had_not_committed_is_read_by_another(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic, name = await make_topic(), group()
    await event_log.append(records(topic, 12))
    async with event_log.consumer(name, [topic.name]) as leaving:
        await take(leaving, 12)
    async with event_log.consumer(name, [topic.name]) as staying:
        assert len(await take(staying, 12)) == 12


async def test_lag_counts_what_is_not_committed(event_log: EventLog, make_topic: MakeTopic) -> None:
    topic, name = await make_topic(partitions=1), group()
    await event_log.append(records(topic, 7))
    async with event_log.consumer(name, [topic.name]) as consumer:
        await consumer.commit(await take(consumer, 3, max_records=3))
    (lag,) = await event_log.lag(name, [topic.name])
    assert (lag.topic, lag.partition, lag.committed, lag.end) == (topic.name, 0, 3, 7)


async def test_a_group_without_members_can_be_moved_back_and_forth(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic, name = await make_topic(partitions=1), group()
    await event_log.append(records(topic, 10))
    await event_log.set_committed(name, [Position(topic.name, 0, 8)])
    async with event_log.consumer(name, [topic.name]) as consumer:
        assert values(await take(consumer, 2)) == [b"8", b"9"]
    await event_log.set_committed(name, [Position(topic.name, 0, 3)])
    async with event_log.consumer(name, [topic.name]) as consumer:
        assert values(await take(consumer, 7))[0] == b"3"


async def test_a_group_with_members_cannot_be_moved(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic, name = await make_topic(partitions=1), group()
    await event_log.append(records(topic, 1))
    async with event_log.consumer(name, [topic.name]) as consumer:
        await take(consumer, 1)
        with pytest.raises(Conflict):
            await event_log.set_committed(name, [Position(topic.name, 0, 0)])


# --- tail -----------------------------------------------------------------------------------------


async def test_a_tail_reads_the_topic_whole_and_then_what_is_new(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=1, cleanup="compact", retention_ms=-1)
    await event_log.append(records(topic, 600))
    async with event_log.tail(topic.name) as tail:
        assert len(await tail.read_to_end()) == 600
        assert list(await tail.read_to_end()) == []
        await event_log.append([Record(topic.name, "key-1", None)])
        (new,) = await tail.read_to_end()
        assert new.record == Record(topic.name, "key-1", None)


async def test_a_tail_sees_whatever_was_acknowledged_before_the_call(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    """The accident: a secret that was just saved is not known to the next event (D2)."""
    topic = await make_topic(partitions=1, cleanup="compact", retention_ms=-1)
    async with event_log.tail(topic.name) as one, event_log.tail(topic.name) as two:
        for number in range(50):
            await event_log.append([Record(topic.name, "k", b"%d" % number)])
            for tail in (one, two):
                assert values(await tail.read_to_end()) == [b"%d" % number]


async def test_a_tail_of_a_topic_with_several_partitions_is_refused(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=2)
    with pytest.raises(Misconfigured):
        async with event_log.tail(topic.name):
            pass


async def test_a_healthy_log_has_no_problems(event_log: EventLog) -> None:
    assert list(await event_log.problems()) == []


async def test_closing_twice_is_closing_once(event_log: EventLog) -> None:
    await event_log.close()
    await event_log.close()


async def test_a_dropped_batch_comes_again_whole(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    """The accident: of a batch over two partitions one is lost, and the other's part never done."""
    topic, name = await make_topic(partitions=2), group()
    await event_log.append(records(topic, 20))
    done: set[Position] = set()

    async def work(consumer: Consumer) -> None:
        while True:
            batch = await consumer.next_batch(max_records=7)
            await asyncio.sleep(0)
            try:
                await consumer.commit(batch)
            except AssignmentLost:
                continue
            done.update(one.position for one in batch)

    async with event_log.consumer(name, [topic.name]) as first:
        unfinished = await take(first, 20)
        async with event_log.consumer(name, [topic.name]) as second:
            workers = [asyncio.create_task(work(second))]
            lost = await _commit_until_lost(first, unfinished)
            assert lost
            workers.append(asyncio.create_task(work(first)))
            async with asyncio.timeout(SECONDS):
                while len(done) < 20:  # noqa: ASYNC110 - the workers set no event
                    await asyncio.sleep(0.01)
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
