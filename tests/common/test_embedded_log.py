"""What only the embedded log can show: restarts, retention, compaction, and reads from the file."""

import asyncio
from pathlib import Path

import pytest

from hookline_common.adapters.embedded.file import EmbeddedFile
from hookline_common.adapters.embedded.log import EmbeddedLog
from hookline_common.errors import AssignmentLost
from hookline_common.eventlog import Record, Sync
from hookline_common.topics import DAY_MS, Topic
from tests.common.embedded_disks import HandClock

TOPIC = Topic("t", "any", "any", (), (), DAY_MS, partitions=1, max_message_bytes=10_000_000)
CONFIG = Topic("c", "any", "any", (), (), -1, partitions=1, cleanup="compact")


async def open_log(path: Path, clock: HandClock) -> tuple[EmbeddedFile, EmbeddedLog]:
    file = EmbeddedFile(path, clock, 1)
    log = await EmbeddedLog.open(file)
    await log.create_topics([TOPIC, CONFIG])
    return file, log


def numbered(first: int, last: int, size: int = 0) -> list[Record]:
    return [Record("t", "k", b"%d" % number + b"." * size) for number in range(first, last)]


async def test_a_restart_goes_on_where_the_last_process_ended(tmp_path: Path) -> None:
    clock = HandClock()
    _, log = await open_log(tmp_path / "h.db", clock)
    await log.append(numbered(0, 10))
    async with log.consumer("g", ["t"]) as consumer:
        await consumer.commit(await consumer.next_batch(4))
    await log.close()
    _, log = await open_log(tmp_path / "h.db", clock)
    (position,) = await log.append(numbered(10, 11))
    assert position.offset == 10
    async with log.consumer("g", ["t"]) as consumer:
        batch = await consumer.next_batch()
        assert [one.record.value for one in batch] == [b"%d" % n for n in range(4, 11)]
    await log.close()


async def test_offsets_go_on_after_everything_was_removed(tmp_path: Path) -> None:
    """The accident: after a quiet month offsets begin at 0 again, below what groups committed."""
    clock = HandClock()
    file, log = await open_log(tmp_path / "h.db", clock)
    await log.append(numbered(0, 10))
    async with log.consumer("g", ["t"]) as consumer:
        await consumer.commit(await consumer.next_batch())
    clock.now += 2 * DAY_MS
    await file.tidy()
    assert list(await log.read("t", 0, 0, 10)) != []  # the newest are in memory still
    await log.close()
    _, log = await open_log(tmp_path / "h.db", clock)
    assert list(await log.read("t", 0, 0, 10)) == []
    (lag,) = await log.lag("g", ["t"])
    assert (lag.committed, lag.end) == (10, 10)
    assert [one.offset for one in await log.append(numbered(10, 11))] == [10]
    await log.close()


async def test_time_never_falls_within_a_partition(tmp_path: Path) -> None:
    """So that a position by time means the same after the clock was set back."""
    clock = HandClock()
    _, log = await open_log(tmp_path / "h.db", clock)
    await log.append(numbered(0, 1))
    clock.now -= 60_000
    await log.append(numbered(1, 2))
    await log.close()
    _, log = await open_log(tmp_path / "h.db", clock)
    await log.append(numbered(2, 3))
    times = [one.timestamp_ms for one in await log.read("t", 0, 0, 10)]
    assert times == sorted(times)
    assert await log.offset_at("t", 0, clock.now + 60_000) == 0
    await log.close()


async def test_a_consumer_far_behind_reads_from_the_file_in_order(tmp_path: Path) -> None:
    """More than is kept in memory, appended before and while it reads."""
    clock = HandClock()
    _, log = await open_log(tmp_path / "h.db", clock)
    for first in range(0, 6_000, 500):
        await log.append(numbered(first, first + 500, size=1_000), Sync.LATER)
    seen: list[int] = []
    async with log.consumer("g", ["t"]) as consumer:
        while len(seen) < 6_500:
            batch = await consumer.next_batch()
            seen += [int((one.record.value or b"").rstrip(b".")) for one in batch]
            await consumer.commit(batch)
            if len(seen) == 3_000:
                await log.append(numbered(6_000, 6_500, size=1_000), Sync.LATER)
    assert seen == list(range(6_500))
    await log.close()


async def test_a_record_larger_than_what_is_kept_in_memory_is_read(tmp_path: Path) -> None:
    _, log = await open_log(tmp_path / "h.db", HandClock())
    value = b"x" * 9_000_000
    async with log.consumer("g", ["t"]) as consumer:
        await log.append([Record("t", "k", value), Record("t", "k", b"small")])
        batch = await consumer.next_batch()
        batch = [*batch, *(await consumer.next_batch() if len(batch) == 1 else ())]
    assert [one.record.value for one in batch] == [value, b"small"]
    await log.close()


async def test_compaction_keeps_the_newest_of_each_key(tmp_path: Path) -> None:
    clock = HandClock()
    file, log = await open_log(tmp_path / "h.db", clock)
    for revision in range(20):
        await log.append([Record("c", f"key-{n}", b"%d" % revision) for n in range(10)])
    await log.append([Record("c", "key-3", None)])
    await file.tidy()
    await log.close()
    file, log = await open_log(tmp_path / "h.db", clock)
    async with log.tail("c") as tail:
        kept = {one.record.key: one.record.value for one in await tail.read_to_end()}
        assert kept == {f"key-{n}": b"19" for n in range(10)} | {"key-3": None}
        await log.append([Record("c", "key-3", b"back")])
        assert [one.position.offset for one in await tail.read_to_end()] == [201]
    await log.close()


async def test_a_tombstone_goes_after_a_day(tmp_path: Path) -> None:
    clock = HandClock()
    file, log = await open_log(tmp_path / "h.db", clock)
    await log.append([Record("c", "a", b"1"), Record("c", "a", None), Record("c", "b", b"1")])
    await file.tidy()
    assert file.reader.execute("SELECT count(*) FROM log_records").fetchone() == (2,)
    clock.now += 2 * DAY_MS
    await log.append([Record("c", "b", b"2")])
    await file.tidy()
    assert file.reader.execute("SELECT key, value FROM log_records").fetchall() == [("b", b"2")]
    await log.close()


async def test_a_member_that_lost_and_regained_a_partition_cannot_commit_the_old_batch(
    tmp_path: Path,
) -> None:
    """The accident: its commit takes back what another member has done in between."""
    _, log = await open_log(tmp_path / "h.db", HandClock())
    topic = Topic("two", "any", "any", (), (), DAY_MS, partitions=2)
    await log.create_topics([topic])
    await log.append([Record("two", f"{n}", b"") for n in range(20)])
    async with log.consumer("g", ["two"]) as first:
        old = await first.next_batch()
        async with log.consumer("g", ["two"]) as second:
            await second.commit(await second.next_batch())
        with pytest.raises(AssignmentLost):
            await first.commit(old)
        new = await first.next_batch()
        await first.commit(new)
        assert all(one.committed == one.end for one in await log.lag("g", ["two"]))
    await log.close()


async def test_a_cancelled_wait_loses_nothing(tmp_path: Path) -> None:
    _, log = await open_log(tmp_path / "h.db", HandClock())
    async with log.consumer("g", ["t"]) as consumer:
        waiting = asyncio.create_task(consumer.next_batch())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await log.append(numbered(0, 1))
        assert len(await consumer.next_batch()) == 1
    await log.close()
