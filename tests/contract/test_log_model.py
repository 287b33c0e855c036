"""The embedded log against lists: any sequence of calls gives the same answers."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookline_common.adapters.embedded.file import EmbeddedFile
from hookline_common.adapters.embedded.log import EmbeddedLog
from hookline_common.errors import AssignmentLost
from hookline_common.eventlog import Consumer, Delivered, Record, Sync
from hookline_common.partitioning import partition_of
from hookline_common.topics import DAY_MS, Topic
from tests.common.embedded_disks import HandClock

PARTITIONS = 3
TOPIC = Topic("t", "any", "any", (), (), 10 * DAY_MS, partitions=PARTITIONS)

MEMBERS = st.integers(0, 2)
CALLS = st.one_of(
    st.tuples(
        st.just("append"),
        st.lists(st.sampled_from("abcdefgh"), max_size=6),
        st.sampled_from(list(Sync)),
    ),
    st.tuples(st.just("join"), MEMBERS),
    st.tuples(st.just("leave"), MEMBERS),
    st.tuples(st.just("read"), MEMBERS, st.integers(1, 5)),
    st.tuples(st.just("commit"), MEMBERS),
    st.tuples(st.just("rewind"), MEMBERS),
    st.tuples(st.just("reopen")),
)


class Run:
    """A log with a group of up to three members, and what was written, done and committed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = HandClock()
        self.written: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        self.committed = [0] * PARTITIONS
        self.done: list[set[int]] = [set() for _ in range(PARTITIONS)]
        self.count = 0

    async def open(self) -> None:
        self.members: dict[int, tuple[AsyncExitStack, Consumer]] = {}
        self.batches: dict[int, list[Delivered]] = {}
        self.log = await EmbeddedLog.open(EmbeddedFile(self.path, self.clock, 1))
        await self.log.create_topics([TOPIC])

    async def close(self) -> None:
        for member in list(self.members):
            await self.leave(member)
        await self.log.close()

    async def reopen(self) -> None:
        await self.close()
        await self.open()

    async def append(self, keys: list[str], sync: Sync) -> None:
        records: list[Record] = []
        for key in keys:
            self.count += 1
            records.append(Record("t", key, b"%d" % self.count))
        positions = await self.log.append(records, sync)
        for record, position in zip(records, positions, strict=True):
            lines = self.written[partition_of(record.key, PARTITIONS)]
            assert position.partition == partition_of(record.key, PARTITIONS)
            assert position.offset == len(lines)
            lines.append(record.value or b"")

    async def join(self, member: int) -> None:
        if member not in self.members:
            stack = AsyncExitStack()
            consumer = await stack.enter_async_context(self.log.consumer("g", ["t"]))
            self.members[member] = (stack, consumer)
            self.batches[member] = []

    async def leave(self, member: int) -> None:
        if member in self.members:
            stack, _ = self.members.pop(member)
            await stack.aclose()

    async def read(self, member: int, limit: int) -> None:
        """Read on, and put it to what this member has not committed yet."""
        if member not in self.members:
            return
        reading = asyncio.ensure_future(self.members[member][1].next_batch(limit))
        for _ in range(3):
            await asyncio.sleep(0)
        if not reading.done():
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            return
        batch = reading.result()
        assert 0 < len(batch) <= limit
        for one in batch:
            lines = self.written[one.position.partition]
            assert one.record.value == lines[one.position.offset]
        self.batches[member] += batch

    async def commit(self, member: int) -> None:
        batch = self.batches.get(member, [])
        if member not in self.members or not batch:
            return
        self.batches[member] = []
        try:
            await self.members[member][1].commit(batch)
        except AssignmentLost:
            return
        for one in batch:
            partition, offset = one.position.partition, one.position.offset
            self.done[partition].add(offset)
            self.committed[partition] = max(self.committed[partition], offset + 1)

    async def rewind(self, member: int) -> None:
        if member in self.members:
            await self.members[member][1].rewind_to_committed()
            self.batches[member] = []

    async def check(self) -> None:
        lag = await self.log.lag("g", ["t"])
        assert [one.end for one in lag] == [len(lines) for lines in self.written]
        assert [one.committed for one in lag] == self.committed
        for partition, offset in enumerate(self.committed):
            # Whatever happened: nothing is behind the committed offset that nobody has done.
            assert self.done[partition] >= set(range(offset))

    async def finish(self) -> None:
        """Whoever comes last reads what is left, in order."""
        await self.reopen()
        await self.join(0)
        left = sum(len(lines) for lines in self.written) - sum(self.committed)
        read = 0
        while read < left:
            await self.read(0, 5)
            read = len(self.batches[0])
        await self.commit(0)
        await self.check()
        assert self.committed == [len(lines) for lines in self.written]
        for partition, lines in enumerate(self.written):
            found = await self.log.read("t", partition, 0, 10_000)
            assert [one.record.value for one in found] == lines


async def play(calls: list[tuple]) -> None:  # pyright: ignore
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "h.db")
        await run.open()
        try:
            for name, *arguments in calls:
                await getattr(run, name)(*arguments)
                await run.check()
            await run.finish()
        finally:
            await run.close()


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CALLS, max_size=30))
def test_the_log_answers_as_the_model_does(calls: list[tuple]) -> None:  # pyright: ignore
    asyncio.run(play(calls))
