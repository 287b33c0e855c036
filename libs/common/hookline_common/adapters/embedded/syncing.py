"""Syncs the write-ahead log on a thread of its own; what waits meanwhile shares the next sync."""

import asyncio
import fcntl
import os
import queue
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from hookline_common.adapters.embedded.steps import Write
from hookline_common.errors import DurabilityLost

# What SQLite itself does for a commit under synchronous=FULL (with fullfsync on macOS).
if sys.platform == "darwin":

    def sync_to_disk(descriptor: int) -> None:
        """Return when the file is on disk; raises OSError if it may not be."""
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
else:

    def sync_to_disk(descriptor: int) -> None:
        """Return when the file is on disk; raises OSError if it may not be."""
        os.fdatasync(descriptor)


class Syncs:
    """`synced(writes, failure)` is called in the event loop, in the order of `await_sync`."""

    def __init__(
        self,
        path: Path,
        loop: asyncio.AbstractEventLoop,
        synced: Callable[[Sequence[Write], DurabilityLost | None], None],
        sync: Callable[[int], None],
    ) -> None:
        # SQLite keeps no locks on the WAL itself, so a descriptor of our own disturbs nothing.
        self._wal = os.open(path.with_name(path.name + "-wal"), os.O_RDWR | os.O_CLOEXEC)
        self._loop = loop
        self._synced = synced
        self._sync = sync
        self._queue: queue.SimpleQueue[Sequence[Write] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="hookline-sync", daemon=True)
        self._thread.start()

    def await_sync(self, writes: Sequence[Write]) -> None:
        """Sync what was committed until now."""
        self._queue.put(writes)

    def stop(self) -> None:
        """Sync what is queued, then end the thread; blocks until it has ended."""
        self._queue.put(None)
        self._thread.join()
        os.close(self._wal)

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            writes = list(first)
            while not self._queue.empty():
                more = self._queue.get()
                if more is None:
                    self._queue.put(None)
                    break
                writes += more
            failure: DurabilityLost | None = None
            try:
                self._sync(self._wal)
            except OSError as error:
                failure = DurabilityLost(f"syncing the data file failed: {error}")
            self._loop.call_soon_threadsafe(self._synced, writes, failure)
