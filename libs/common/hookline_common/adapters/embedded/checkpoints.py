"""Moves the write-ahead log into the data file on a thread of its own, not on commit (B2)."""

import asyncio
import os
import sqlite3
import struct
import threading
from pathlib import Path
from typing import Protocol

from hookline_common.adapters.embedded.connections import (
    CHECKPOINT_BYTES,
    open_checkpointer,
    pragma,
)

_FRAMES_AT = 16  # mxFrame in the header of the WAL index: sqlite.org/walformat.html section 2.1
_FRAMES = struct.Struct("=I")


class Holds(Protocol):
    """The writer, as far as a checkpoint needs it; called in the event loop."""

    def hold(self) -> None: ...

    def release(self) -> None: ...


class Checkpoints:
    """The bulk is copied while writes go on. Then they are held back for the small rest, since only
    a WAL that is copied whole starts again from its beginning instead of growing.
    """

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop, writer: Holds) -> None:
        self.problem: str | None = None
        self._connection = open_checkpointer(path)
        # Closed after all connections: closing any descriptor of the file drops SQLite's locks.
        self._index = os.open(path.with_name(path.name + "-shm"), os.O_RDONLY | os.O_CLOEXEC)
        self._threshold = CHECKPOINT_BYTES // pragma(self._connection, "page_size")
        self._loop = loop
        self._writer = writer
        self._due = threading.Event()
        self._held = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="hookline-checkpoint", daemon=True)
        self._thread.start()

    def frames(self) -> int:
        """The number of pages in the WAL."""
        count: int = _FRAMES.unpack(os.pread(self._index, _FRAMES.size, _FRAMES_AT))[0]
        return count

    def after_commit(self) -> None:
        """Called in the event loop after each transaction."""
        if not self._due.is_set() and self.frames() > self._threshold:
            self._due.set()

    def stop(self) -> None:
        """End the thread and close its connection; blocks until it has ended."""
        self._stopping = True
        self._due.set()
        self._held.set()
        self._thread.join()
        self._connection.close()

    def release(self) -> None:
        """Let the WAL index go; after all connections are closed."""
        os.close(self._index)

    def _run(self) -> None:
        while True:
            self._due.wait()
            if self._stopping:
                return
            self._copy()
            self._loop.call_soon_threadsafe(self._hold)
            self._held.wait()
            self._copy()
            self._held.clear()
            self._due.clear()
            self._loop.call_soon_threadsafe(self._writer.release)
            if self._stopping:  # `stop` may have set what was just cleared
                return

    def _hold(self) -> None:
        self._writer.hold()
        self._held.set()

    def _copy(self) -> None:
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            self.problem = None
        except sqlite3.Error as error:
            self.problem = f"the write-ahead log cannot be moved into the data file: {error}"
