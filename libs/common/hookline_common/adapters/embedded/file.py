"""The one data file that the embedded log and store live in: its lock, threads and connections."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import structlog

from hookline_common.adapters.embedded.checkpoints import Checkpoints
from hookline_common.adapters.embedded.connections import open_reader, open_writer, pragma
from hookline_common.adapters.embedded.lock import FolderLock
from hookline_common.adapters.embedded.space import Space
from hookline_common.adapters.embedded.steps import Change, Step, Write
from hookline_common.adapters.embedded.syncing import sync_to_disk
from hookline_common.adapters.embedded.writer import Writer
from hookline_common.clock import Clock
from hookline_common.errors import DiskFull, Retryable
from hookline_common.eventlog import Sync

T = TypeVar("T")

TIDY_INTERVAL_SECONDS = 60
ROWS_A_CHORE = 500
_PAGES_A_CHORE = 1024


class EmbeddedFile:
    """Opened in a running event loop, and used only from there.

    `users` is the number of adapters that share the file; the last one to close it closes it.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        users: int,
        max_disk_bytes: int | None = None,
        sync: Callable[[int], None] = sync_to_disk,
    ) -> None:
        self.path = path
        self.clock = clock
        self._users = users
        self._change = Change()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FolderLock.take(path)
        try:
            self._connection = open_writer(path)
        except BaseException:
            self._lock.release()
            raise
        self._space = Space(max_disk_bytes)
        self._space.limit(self._connection)
        self._scanner = open_reader(path)
        self._scans = ThreadPoolExecutor(1, thread_name_prefix="hookline-scan")
        self._loop = asyncio.get_running_loop()
        lazily = Sync.LATER if users > 1 else Sync.NOW
        self._writer = Writer(
            path, self._connection, self._loop, lazily, self._space, self._after_commit, sync
        )
        self._checkpoints = Checkpoints(path, self._loop, self._writer)
        self._chores: list[Callable[[], Awaitable[None]]] = []
        self._tidying = self._loop.create_task(self._tidy_now_and_then())

    @property
    def reader(self) -> sqlite3.Connection:
        """For reads in the event loop, between transactions: it has the pages just written at hand.

        No read may stay open across an await (B2).
        """
        return self._connection

    def submit(
        self, step: Step, payload: Any, sync: Sync, deliver: Callable[[Any], Any] | None = None
    ) -> "asyncio.Future[Any]":
        """Queue a write; the future has what `step` made of it, or of that what `deliver` did.

        `deliver` runs in the event loop, in the order of the writes.
        """
        future: asyncio.Future[Any] = self._loop.create_future()
        if self._users == 0:
            future.set_exception(RuntimeError("the data file is closed"))
            return future
        self._writer.submit(Write(step, payload, sync, future, deliver))
        return future

    async def change(self, function: Callable[[sqlite3.Connection], T], sync: Sync) -> T:
        """Run a function in the next transaction; if that fails it is run again."""
        result: T = await self.submit(self._change, function, sync)
        return result

    async def scan(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a read that may take long in the reader's thread."""
        return await self._loop.run_in_executor(self._scans, function, self._scanner)

    def refuse_when_nearly_full(self) -> None:
        """Raise DiskFull for what is new from outside while the rest of the space is needed."""
        if self._space.nearly_full:
            raise DiskFull(self._space.sentence())

    def problems(self) -> Sequence[str]:
        """What is wrong with the file, in sentences."""
        found = [str(self._writer.failure)] if self._writer.failure else []
        if self._space.nearly_full:
            found.append(self._space.sentence())
        return found + ([self._checkpoints.problem] if self._checkpoints.problem else [])

    def add_chore(self, chore: Callable[[], Awaitable[None]]) -> None:
        """Run `chore` every minute: retention, expiry, compaction."""
        self._chores.append(chore)

    async def tidy(self) -> None:
        """Do all chores now, and give free pages back to the disk."""
        for chore in self._chores:
            await chore()
        await self.change(_give_back_pages, Sync.LATER)

    async def close(self) -> None:
        """Flush; with the last user release threads, connections and lock."""
        self._users -= 1
        if self._users > 0:
            return
        self._users = 0
        self._tidying.cancel()
        await asyncio.gather(self._tidying, return_exceptions=True)
        self._writer.release()
        await self._loop.run_in_executor(self._scans, self._writer.stop)
        await self._loop.run_in_executor(self._scans, self._checkpoints.stop)
        self._scans.shutdown()
        self._scanner.close()
        if self._writer.failure is None:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()
        self._checkpoints.release()
        self._lock.release()

    def _after_commit(self) -> None:
        self._space.measure(self._connection)
        self._checkpoints.after_commit()

    async def _tidy_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(TIDY_INTERVAL_SECONDS)
            try:
                await self.tidy()
            except (sqlite3.Error, Retryable) as error:
                structlog.get_logger().warning("tidying_postponed", reason=str(error))


def _give_back_pages(connection: sqlite3.Connection) -> None:
    if pragma(connection, "freelist_count") > _PAGES_A_CHORE:
        connection.execute(f"PRAGMA incremental_vacuum({_PAGES_A_CHORE})").fetchall()
