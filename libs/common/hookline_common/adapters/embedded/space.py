"""How much of the disk Hookline may use, and when to stop taking what is new (B2)."""

import sqlite3

from hookline_common.adapters.embedded.connections import CHECKPOINT_BYTES, pragma


class Space:
    """The limit of the data file in bytes; None: the disk's own."""

    def __init__(self, max_disk_bytes: int | None) -> None:
        self._limit = max_disk_bytes
        self.nearly_full = False

    def limit(self, connection: sqlite3.Connection) -> None:
        """Let SQLite itself refuse to grow beyond the limit, less what the WAL may take."""
        if self._limit is None:
            return
        self._page_size = pragma(connection, "page_size")
        wal = min(2 * CHECKPOINT_BYTES, self._limit // 4)
        self._max_pages = max(1, (self._limit - wal) // self._page_size)
        connection.execute(f"PRAGMA max_page_count={self._max_pages}")
        self.measure(connection)

    def measure(self, connection: sqlite3.Connection) -> None:
        """Note whether nine tenths are used: the rest is for what follows from accepted events."""
        if self._limit is None:
            return
        used = pragma(connection, "page_count") - pragma(connection, "freelist_count")
        self.nearly_full = used * 10 >= self._max_pages * 9

    def sentence(self) -> str:
        """What an operator can do about a full disk."""
        if self._limit is None:
            return "the disk is full"
        return f"the data folder has reached its limit of {self._limit} bytes (HOOKLINE_MAX_DISK)"
