"""A process killed with -9 in the middle of its appends has kept whatever it acknowledged."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from hookline_common.adapters import open_both
from hookline_common.documents import Collection
from hookline_common.topics import DAY_MS, Topic

TOPIC = Topic("t", "any", "any", (), (), DAY_MS, partitions=3)
THINGS = Collection("things")
ACKNOWLEDGED = 300

CHILD = """
import asyncio, sys
from hookline_common.adapters import open_both
from hookline_common.documents import Collection, Document
from hookline_common.eventlog import Record
from hookline_common.topics import DAY_MS, Topic

async def work(log, store, name):
    for number in range(1_000_000):
        id_ = f"{name}-{number}"
        await store.insert(Collection("things"), [Document(id_, b"{}")])
        (at,) = await log.append([Record("t", id_, id_.encode() + b"." * 500)])
        print(id_, at.partition, at.offset, flush=True)

async def main(url):
    log, store = await open_both(url, url)
    await log.create_topics([Topic("t", "any", "any", (), (), DAY_MS, partitions=3)])
    await store.prepare([Collection("things")])
    await asyncio.gather(*(work(log, store, name) for name in "abcdefgh"))

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.parametrize("rounds", [2])
async def test_what_was_acknowledged_is_there_after_kill_9(tmp_path: Path, rounds: int) -> None:
    url = f"sqlite:{tmp_path / 'h.db'}"
    acknowledged: dict[tuple[int, int], str] = {}
    for _ in range(rounds):
        acknowledged |= await _run_and_kill(url)
    log, store = await open_both(url, url)
    await store.prepare([THINGS])
    found: dict[tuple[int, int], str] = {}
    for partition in range(TOPIC.partitions):
        records = await log.read("t", partition, 0, 1_000_000)
        assert [one.position.offset for one in records] == list(range(len(records)))
        found |= {(partition, one.position.offset): one.record.key for one in records}
    assert len(acknowledged) >= rounds * ACKNOWLEDGED
    assert acknowledged.items() <= found.items()
    causes = await store.get(THINGS, list(found.values()))
    assert len(causes) == len(set(found.values()))  # each was written before its record
    await log.close()
    await store.close()


async def _run_and_kill(url: str) -> dict[tuple[int, int], str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    acknowledged: dict[tuple[int, int], str] = {}
    async with asyncio.timeout(60):
        async for line in process.stdout:
            if not line.endswith(b"\n"):
                break  # cut by the kill
            id_, partition, offset = line.decode().split()
            acknowledged[int(partition), int(offset)] = id_
            if len(acknowledged) == ACKNOWLEDGED:
                process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
    return acknowledged
