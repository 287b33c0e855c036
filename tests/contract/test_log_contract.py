"""Every sentence of the port to the event log, on every adapter."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable

import pytest

from hookline_common.errors import Misconfigured, Poison
from hookline_common.eventlog import EventLog, Record, Sync
from hookline_common.partitioning import partition_of
from hookline_common.topics import Topic
from tests.contract.taking import group, records, values

MakeTopic = Callable[..., Awaitable[Topic]]


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
