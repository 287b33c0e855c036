"""The embedded data file: who may open it, when a write is on disk, and how it grows."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from hookline_common.adapters import open_both, open_documents, open_log
from hookline_common.adapters.embedded.connections import CHECKPOINT_BYTES
from hookline_common.adapters.embedded.documents import EmbeddedDocuments
from hookline_common.adapters.embedded.file import EmbeddedFile
from hookline_common.adapters.embedded.log import EmbeddedLog
from hookline_common.clock import SystemClock
from hookline_common.documents import (
    Collection,
    Condition,
    Document,
    Documents,
    Field,
    FieldKind,
    Op,
    Query,
)
from hookline_common.errors import DiskFull, DurabilityLost, FolderInUse, Misconfigured
from hookline_common.eventlog import EventLog, Record, Sync
from hookline_common.topics import DAY_MS, Topic
from tests.common.embedded_disks import BrokenDisk, ForgetfulDisk, GatedDisk, HandClock

TOPIC = Topic("t", "any", "any", (), (), DAY_MS, partitions=2, max_message_bytes=10_000_000)
THINGS = Collection("things", (Field("size", FieldKind.INTEGER), Field("name")), (("size",),))


async def open_on(
    path: Path, disk: GatedDisk | BrokenDisk | ForgetfulDisk
) -> tuple[EmbeddedLog, EmbeddedDocuments]:
    """Log and store in one file, already set up, on a disk that behaves as `disk` from now on."""
    log, store = await open_both(f"sqlite:{path}", f"sqlite:{path}")
    await log.create_topics([TOPIC])
    await store.prepare([THINGS])
    await log.close()
    await store.close()
    started = False

    def sync(descriptor: int) -> None:
        if started:
            disk.sync(descriptor)

    file = EmbeddedFile(path, SystemClock(), 2, sync=sync)
    embedded_log = await EmbeddedLog.open(file)
    embedded_store = EmbeddedDocuments(file)
    await embedded_store.prepare([THINGS])
    started = True
    return embedded_log, embedded_store


# --- opening --------------------------------------------------------------------------------------


async def test_a_second_process_is_refused_with_the_folder_and_the_holder(tmp_path: Path) -> None:
    """The accident: two processes write one file, each with offsets of its own (B3)."""
    url = f"sqlite:{tmp_path / 'h.db'}"
    log = await open_log(url)
    script = (
        "import asyncio, sys\n"
        "from hookline_common.adapters import open_log\n"
        "asyncio.run(open_log(sys.argv[1]))\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, url, stderr=subprocess.PIPE
    )
    _, errors = await process.communicate()
    await log.close()
    assert process.returncode != 0
    assert FolderInUse.__name__ in errors.decode()
    assert str(tmp_path) in errors.decode()
    with pytest.raises(FolderInUse, match=r"process \d+") as refused:
        await _open_twice(url)
    assert str(tmp_path) in str(refused.value)


async def _open_twice(url: str) -> None:
    first = await open_log(url)
    try:
        await open_log(url)
    finally:
        await first.close()


async def test_the_lock_goes_with_the_last_user(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'h.db'}"
    log, store = await open_both(url, url)
    await log.close()
    with pytest.raises(FolderInUse):
        await open_documents(url)
    await store.close()
    await (await open_documents(url)).close()


async def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    await (await open_log(f"sqlite:{path}")).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(Misconfigured, match="newer Hookline"):
        await open_log(f"sqlite:{path}")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    await (await open_log(f"sqlite:{path}")).close()


async def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE precious (x)")
    connection.close()
    with pytest.raises(Misconfigured, match="another program"):
        await open_log(f"sqlite:{path}")
    path.write_bytes(b"no database at all, and longer than a header" * 100)
    with pytest.raises(Misconfigured, match="not a Hookline data file"):
        await open_log(f"sqlite:{path}")


@pytest.mark.parametrize("url", ["", "sqlite", "sqlite:", "mysql://x", "/some/path"])
async def test_a_url_of_no_adapter_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured):
        await open_log(url)


async def test_separate_files_work_side_by_side(tmp_path: Path) -> None:
    log, store = await open_both(f"sqlite:{tmp_path / 'a.db'}", f"sqlite:{tmp_path / 'b.db'}")
    await log.create_topics([TOPIC])
    await store.prepare([THINGS])
    await log.append([Record("t", "k", b"")])
    await store.insert(THINGS, [Document("a", b"{}")])
    await log.close()
    await store.close()


async def test_free_pages_can_be_given_back(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    await (await open_log(f"sqlite:{path}")).close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


# --- when a write is on disk ----------------------------------------------------------------------


async def test_now_waits_for_the_disk_and_later_does_not(tmp_path: Path) -> None:
    disk = GatedDisk()
    log, store = await open_on(tmp_path / "h.db", disk)
    await log.append([Record("t", "k", b"later")], Sync.LATER)
    await store.insert(THINGS, [Document("a", b"{}")])
    assert disk.syncs == 0
    append = asyncio.create_task(log.append([Record("t", "k", b"now")]))
    await asyncio.get_running_loop().run_in_executor(None, disk.asked.wait, 20)
    await store.insert(THINGS, [Document("b", b"{}")])  # goes on meanwhile
    assert not append.done()
    disk.gate.set()
    await append
    await log.close()
    await store.close()


async def test_what_waits_for_the_disk_together_shares_a_sync(tmp_path: Path) -> None:
    disk = GatedDisk()
    log, store = await open_on(tmp_path / "h.db", disk)
    async with asyncio.TaskGroup() as tasks:
        for number in range(100):
            tasks.create_task(log.append([Record("t", str(number), b"")]))
        await asyncio.get_running_loop().run_in_executor(None, disk.asked.wait, 20)
        disk.gate.set()
    assert disk.syncs <= 2
    await log.close()
    await store.close()


async def test_sync_covers_what_was_written_before_and_costs_nothing_twice(tmp_path: Path) -> None:
    disk = GatedDisk()
    log, store = await open_on(tmp_path / "h.db", disk)
    disk.gate.set()
    await store.insert(THINGS, [Document("a", b"{}")])
    await log.sync()
    assert disk.syncs == 1
    await store.sync()
    assert disk.syncs == 1
    await log.close()
    await store.close()


async def test_an_index_that_is_declared_no_longer_goes(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    later = Collection("things", (*THINGS.fields, Field("kind")), (("name", "size"), ("kind",)))
    for declared in (THINGS, later):
        file = EmbeddedFile(path, SystemClock(), 1)
        store = EmbeddedDocuments(file)
        await store.prepare([declared])
        await store.close()
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name FROM pragma_index_list('doc_things')").fetchall()
    found = {name for (name,) in rows if "_by_" in name}
    assert found == {"doc_things_by_name__size", "doc_things_by_kind"}


async def test_with_a_file_of_its_own_every_write_waits_for_the_disk(tmp_path: Path) -> None:
    """The accident: the log keeps an offset as done, and the store has lost what was done (B1)."""
    disk = GatedDisk()
    disk.gate.set()
    file = EmbeddedFile(tmp_path / "h.db", SystemClock(), 1, sync=disk.sync)
    store = EmbeddedDocuments(file)
    await store.prepare([THINGS])
    before = disk.syncs
    await store.insert(THINGS, [Document("a", b"{}")], Sync.LATER)
    assert disk.syncs == before + 1
    await store.close()


async def test_a_failed_sync_ends_everything(tmp_path: Path) -> None:
    """The accident: after a failed fsync the next one succeeds, and what lay between is lost."""
    log, store = await open_on(tmp_path / "h.db", BrokenDisk())
    with pytest.raises(DurabilityLost):
        await log.append([Record("t", "k", b"")])
    with pytest.raises(DurabilityLost):
        await store.insert(THINGS, [Document("a", b"{}")])
    assert "syncing the data file failed" in (await log.problems())[0]
    assert await store.problems() == await log.problems()
    await log.close()
    await store.close()


async def test_a_power_loss_takes_a_suffix_of_log_and_store_together(tmp_path: Path) -> None:
    """What was promised is there, and nothing is there without what it follows from (B1)."""
    path, left = tmp_path / "h.db", tmp_path / "left" / "h.db"
    left.parent.mkdir()
    log, store = await open_on(path, ForgetfulDisk(path, left))
    for number in range(40):
        await store.insert(THINGS, [Document(f"cause-{number}", b"{}")])
        await log.append([Record("t", "k", b"%d" % number)], Sync.LATER)
        await store.insert(THINGS, [Document(f"effect-{number}", b"{}")])
        if number == 25:
            await log.append([Record("t", "k", b"promised")], Sync.NOW)
    again_log, again_store = await open_both(f"sqlite:{left}", f"sqlite:{left}")
    await again_store.prepare([THINGS])
    ((partition, end),) = [
        (one.partition, one.end) for one in await again_log.lag("g", ["t"]) if one.end
    ]
    values = [one.record.value for one in await again_log.read("t", partition, 0, 1000)]
    assert values == [*(b"%d" % number for number in range(26)), b"promised"][:end]
    assert end >= 27
    ids = {one.id for one in (await again_store.find(THINGS, Query(limit=1000))).documents}
    for number in range(40):
        assert f"effect-{number}" not in ids or f"cause-{number}" in ids
    assert {f"effect-{number}" for number in range(26)} <= ids
    for port in (again_log, again_store, log, store):
        await port.close()


# --- a group of writes ----------------------------------------------------------------------------


async def test_one_bad_write_fails_alone(tmp_path: Path) -> None:
    """The accident: a number that SQLite cannot hold fails the appends that shared its commit."""
    url = f"sqlite:{tmp_path / 'h.db'}"
    log, store = await open_both(url, url)
    await log.create_topics([TOPIC])
    await store.prepare([THINGS])
    bad = Document("bad", b"{}", {"size": 2**70})
    results = await asyncio.gather(
        *(log.append([Record("t", "k", b"%d" % number)]) for number in range(5)),
        store.insert(THINGS, [Document("good", b"{}")]),
        store.insert(THINGS, [bad]),
        store.insert(THINGS, [Document("better", b"{}")]),
        *(log.append([Record("t", "k", b"%d" % number)]) for number in range(5, 10)),
        return_exceptions=True,
    )
    failures = [type(one) for one in results if isinstance(one, BaseException)]
    assert failures == [OverflowError]
    assert set(await store.get(THINGS, ["good", "bad", "better"])) == {"good", "better"}
    (end,) = [one.end for one in await log.lag("g", ["t"]) if one.end]
    assert end == 10
    await log.close()
    await store.close()


async def test_a_cancelled_append_is_seen_all_the_same(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'h.db'}"
    log, store = await open_both(url, url)
    await log.create_topics([TOPIC])
    append = asyncio.create_task(log.append([Record("t", "k", b"1")]))
    await asyncio.sleep(0)
    append.cancel()
    await asyncio.gather(append, return_exceptions=True)
    (second,) = await log.append([Record("t", "k", b"2")])
    values = [one.record.value for one in await log.read("t", second.partition, 0, 9)]
    assert values == [b"1", b"2"]
    await log.close()
    await store.close()


# --- growth ---------------------------------------------------------------------------------------


async def test_a_full_data_folder_refuses_what_is_new_and_goes_on_with_the_rest(
    tmp_path: Path,
) -> None:
    """The accident: accepted events fill the disk, and what follows finds no room (B2)."""
    url = f"sqlite:{tmp_path / 'h.db'}"
    log, store = await open_both(url, url, max_disk_bytes=4_000_000)
    await log.create_topics([TOPIC])
    await store.prepare([THINGS])
    with pytest.raises(DiskFull, match="HOOKLINE_MAX_DISK"):
        await _append_large_records(log, 1_000)
    assert sum(one.end for one in await log.lag("g", ["t"])) > 50
    await store.insert(THINGS, [Document("a", b"{}")])
    await log.append([Record("t", "k", b"follows")], Sync.LATER)
    assert "HOOKLINE_MAX_DISK" in (await log.problems())[0]
    with pytest.raises(DiskFull):
        await _insert_large_documents(store, 1_000)
    assert await store.delete(THINGS, [f"d{number}" for number in range(1_000)]) > 0
    await store.insert(THINGS, [Document("b", b"x" * 20_000)])
    assert (tmp_path / "h.db").stat().st_size <= 4_000_000
    await log.close()
    await store.close()


async def _append_large_records(log: EventLog, count: int) -> None:
    for _ in range(count):
        await log.append([Record("t", "k", b"x" * 20_000)])


async def _insert_large_documents(store: Documents, count: int) -> None:
    for number in range(count):
        await store.insert(THINGS, [Document(f"d{number}", b"x" * 20_000)])


async def test_the_write_ahead_log_stays_short_under_constant_load(tmp_path: Path) -> None:
    """The accident: a checkpoint that never catches up, and a WAL that fills the disk."""
    path = tmp_path / "h.db"
    log, store = await open_both(f"sqlite:{path}", f"sqlite:{path}")
    await log.create_topics([TOPIC])
    wal, written, longest = path.with_name("h.db-wal"), 0, 0
    while written < 6 * CHECKPOINT_BYTES:
        await log.append([Record("t", "k", b"x" * 100_000) for _ in range(10)], Sync.LATER)
        written += 1_000_000
        longest = max(longest, wal.stat().st_size)
    assert longest < 4 * CHECKPOINT_BYTES
    assert list(await log.problems()) == []
    await log.close()
    await store.close()


async def test_expired_documents_and_old_records_are_removed(tmp_path: Path) -> None:
    clock = HandClock()
    path = tmp_path / "h.db"
    file = EmbeddedFile(path, clock, 2)
    log, store = await EmbeddedLog.open(file), EmbeddedDocuments(file)
    await log.create_topics([TOPIC])
    await store.prepare([THINGS])
    expiry = clock.now + 1_000
    batch = [
        Document(f"{n}", b"x" * 5_000, {"size": n}, expires_at_ms=expiry) for n in range(1_200)
    ]
    await store.insert(THINGS, batch)
    await store.insert(THINGS, [Document("kept", b"{}")])
    await log.append([Record("t", f"{n}", b"x" * 5_000) for n in range(1_200)])
    clock.now += 2 * DAY_MS
    (kept,) = await log.append([Record("t", "0", b"kept")])
    await file.tidy()
    rows = file.reader.execute("SELECT count(*) FROM doc_things").fetchone()
    records = file.reader.execute("SELECT count(*) FROM log_records").fetchone()
    assert (rows, records) == ((1,), (1,))
    (left,) = await log.read("t", kept.partition, 0, 10)
    assert left.record.value == b"kept"
    free = file.reader.execute("PRAGMA freelist_count").fetchone()[0]
    await file.tidy()
    assert file.reader.execute("PRAGMA freelist_count").fetchone()[0] < max(free, 1_025)
    assert (await store.find(THINGS, Query(Condition("size", Op.GE, 0)))).documents == []
    await log.close()
    await store.close()
