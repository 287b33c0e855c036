"""Writes to the data file: what one turn of the event loop brings is one transaction.

Transactions run in the event loop's thread, and only syncs wait in another: sqlite3 gives up the
interpreter's lock at every step, and beside a busy loop another thread gets it back only a switch
interval later, so that a writer's thread made a hop take milliseconds instead of microseconds.
A commit is under synchronous=NORMAL; a sync of the WAL after it is all that FULL would add.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from hookline_common.adapters.embedded.space import Space
from hookline_common.adapters.embedded.steps import Step, Write, by_step
from hookline_common.adapters.embedded.syncing import Syncs
from hookline_common.errors import DiskFull, DurabilityLost
from hookline_common.eventlog import Sync

_PRIMARY_CODE = 0xFF
_BROKEN = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class Writer:
    """Applies writes in the order they come.

    With `lazily` LATER (log and store share the file) a write is seen when it is committed, since
    a power loss takes a suffix of both; with NOW it is seen when it is on disk, whatever it asked.
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        loop: asyncio.AbstractEventLoop,
        lazily: Sync,
        space: Space,
        after_commit: Callable[[], None],
        sync: Callable[[int], None],
    ) -> None:
        self.failure: DurabilityLost | None = None
        self._connection = connection
        self._loop = loop
        self._lazily = lazily
        self._space = space
        self._after_commit = after_commit
        self._syncs = Syncs(path, loop, self._synced, sync)
        self._pending: list[Write] = []
        self._held = False
        self._unsynced = True
        self._syncing = 0

    def submit(self, write: Write) -> None:
        """Take a write into this turn's transaction."""
        self._pending.append(write)
        if len(self._pending) == 1 and not self._held:
            self._loop.call_soon(self._write)

    def hold(self) -> None:
        """Keep writes back for a moment."""
        self._held = True

    def release(self) -> None:
        """Write what was kept back."""
        self._held = False
        self._write()

    def stop(self) -> None:
        """Sync what was written and end the thread that syncs; blocks until it has ended."""
        self._syncs.stop()

    def _write(self) -> None:
        group = self._pending
        if self._held or not group:
            return
        self._pending = []
        self._commit(group)
        self._after_commit()
        if self._lazily is Sync.NOW:
            self._sync_then_answer(group)
            return
        waiting: list[Write] = []
        for write in group:
            write.show()
            if write.sync is Sync.NOW and write.error is None:
                waiting.append(write)
            else:
                write.answer()
        self._sync_then_answer(waiting)

    def _sync_then_answer(self, writes: Sequence[Write]) -> None:
        if writes and (self._unsynced or self._syncing):
            self._unsynced = False
            self._syncing += len(writes)
            self._syncs.await_sync(writes)
        else:
            self._finish(writes)

    def _synced(self, writes: Sequence[Write], failure: DurabilityLost | None) -> None:
        self._syncing -= len(writes)
        self.failure = self.failure or failure
        self._finish(writes)

    def _finish(self, writes: Sequence[Write]) -> None:
        for write in writes:
            if self.failure is not None:
                write.error = self.failure
            elif self._lazily is Sync.NOW:
                write.show()
            write.answer()

    def _commit(self, group: Sequence[Write]) -> None:
        if self.failure is not None:
            for write in group:
                write.error = self.failure
            return
        steps = by_step(group)
        try:
            self._transact(steps)
        except Exception as error:  # noqa: BLE001 - whoever waits for the write gets it
            self._roll_back(steps)
            self._refuse(group, error)
        else:
            for step, _ in steps:
                step.committed()

    def _transact(self, steps: Sequence[tuple[Step, Sequence[Write]]]) -> None:
        connection = self._connection
        before = connection.total_changes
        connection.execute("BEGIN IMMEDIATE")
        for step, writes in steps:
            results = step.apply(connection, [write.payload for write in writes])
            for write, result in zip(writes, results, strict=True):
                write.result = result
        connection.execute("COMMIT")
        if connection.total_changes != before:
            self._unsynced = True

    def _roll_back(self, steps: Sequence[tuple[Step, Sequence[Write]]]) -> None:
        for step, _ in steps:
            step.rolled_back()
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            self.failure = DurabilityLost(f"the data file cannot be written any more: {error}")

    def _refuse(self, group: Sequence[Write], error: Exception) -> None:
        """One bad write fails alone: the halves of its group are tried by themselves."""
        code = cast(int, getattr(error, "sqlite_errorcode", 0)) & _PRIMARY_CODE
        if code in _BROKEN:
            self.failure = DurabilityLost(f"writing the data file failed: {error}")
        if len(group) > 1:
            middle = len(group) // 2
            self._commit(group[:middle])
            self._commit(group[middle:])
            return
        full = code == sqlite3.SQLITE_FULL
        group[0].error = self.failure or (DiskFull(self._space.sentence()) if full else error)
