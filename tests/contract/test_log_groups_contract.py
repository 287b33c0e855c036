"""Consumer groups of the port to the event log, on every adapter."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from hookline_common.errors import AssignmentLost, Conflict
from hookline_common.eventlog import Consumer, Delivered, EventLog, Position, Record
from hookline_common.topics import Topic
from tests.contract.taking import SECONDS, group, records, take, values

MakeTopic = Callable[..., Awaitable[Topic]]


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


async def test_a_group_knows_how_many_members_it_has(
    event_log: EventLog, make_topic: MakeTopic
) -> None:
    topic, name = await make_topic(partitions=2), group()
    await event_log.append(records(topic, 1))
    assert await event_log.members(name) == 0
    async with event_log.consumer(name, [topic.name]) as consumer:
        await take(consumer, 1)
        assert await event_log.members(name) == 1
    assert await event_log.members(name) == 0


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
