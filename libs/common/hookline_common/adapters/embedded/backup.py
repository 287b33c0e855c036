"""Copies the data file while another process writes to it, and looks at a file without changing it.

A copy is one read transaction: it has everything that was acknowledged before it began, and log and
store as they were at the same moment. While it lasts the write-ahead log cannot start again from
its beginning, so that it grows by what is written meanwhile.
"""

import os
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from hookline_common.adapters.embedded.connections import check_stamp
from hookline_common.errors import HooklineError

_PAGES_A_STEP = 2048
_FIRST_FAULTS = 3

Progress = Callable[[int, int], None]
"""Called with how many pages are done, and of how many."""


class BackupFailed(HooklineError):
    """The copy could not be made, or is not whole."""


@contextmanager
def opened_for_reading(path: Path) -> Generator[sqlite3.Connection, None, None]:
    """The data file, for reading only, whether or not another process has it.

    Raises Misconfigured for a file of another program or of a newer version.
    """
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=10, isolation_level=None)
    try:
        check_stamp(connection, path)
        yield connection
    finally:
        connection.close()


def copy_data_file(source: Path, target: Path, progress: Progress) -> None:
    """Copy the data file to a new file, whole and on disk; raises BackupFailed."""
    target.touch(mode=0o600, exist_ok=False)
    try:
        with opened_for_reading(source) as reading, _written(target) as copy:
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the moment is now

            def tell(_: int, remaining: int, total: int) -> None:
                progress(total - remaining, total)

            reading.backup(copy, pages=_PAGES_A_STEP, progress=tell)
            reading.execute("ROLLBACK")
            copy.execute("PRAGMA journal_mode=DELETE")  # one file; the next start makes it WAL
    except sqlite3.Error as error:
        raise BackupFailed(f"{source} cannot be copied to {target}: {error}") from error
    sync_path(target)
    check_whole(target)


def check_whole(path: Path) -> None:
    """Raise BackupFailed unless the file is a data file whose every page is sound."""
    try:
        with opened_for_reading(path) as connection:
            faults = connection.execute(f"PRAGMA quick_check({_FIRST_FAULTS})").fetchall()
    except sqlite3.Error as error:
        raise BackupFailed(f"{path} is damaged: {error}") from error
    found = [str(row[0]) for row in faults]
    if found != ["ok"]:
        raise BackupFailed(f"{path} is damaged: {'; '.join(found)}")


def sync_path(path: Path) -> None:
    """Return when the file, or the names in the folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _written(path: Path) -> Generator[sqlite3.Connection, None, None]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()
