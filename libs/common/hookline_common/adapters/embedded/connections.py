"""How the one SQLite file is opened: pragmas, version stamp, and the shapes of batch statements."""

import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hookline_common.errors import Misconfigured

FORMAT_VERSION = 1
_APPLICATION_ID = 0x484F4F4B  # "HOOK"
_OLDEST_SQLITE = (3, 38, 0)
_MAX_ROWS_A_STATEMENT = 128

CHECKPOINT_BYTES = 16 * 1024 * 1024


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        path, timeout=10, isolation_level=None, check_same_thread=False, cached_statements=512
    )


def open_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes; makes the file if it is not there."""
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise Misconfigured(f"SQLite {sqlite3.sqlite_version} is too old; 3.38 or newer is needed")
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _connect(path)
    try:
        _stamp(connection, path)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise Misconfigured(f"{path} is not a Hookline data file: {error}") from error
    except Misconfigured:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that reads; one per thread."""
    connection = _connect(path)
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("PRAGMA mmap_size=268435456")
    return connection


def open_checkpointer(path: Path) -> sqlite3.Connection:
    """The connection of the checkpoint thread."""
    return _connect(path)


def check_stamp(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file is a data file already; raises Misconfigured where it is another
    program's, or a newer version's.
    """
    version = pragma(connection, "user_version")
    stamped = pragma(connection, "application_id") == _APPLICATION_ID
    tables: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and not stamped:
        raise Misconfigured(f"{path} is a database of another program; choose another file")
    if version > FORMAT_VERSION:
        raise Misconfigured(
            f"{path} was written by a newer Hookline (format {version}, this one knows"
            f" {FORMAT_VERSION}); start that version, or choose another data folder"
        )
    return stamped


def _stamp(connection: sqlite3.Connection, path: Path) -> None:
    stamped = check_stamp(connection, path)
    # auto_vacuum takes effect only before the first page is written, hence before WAL (B2).
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    # A WAL that keeps its size syncs faster: nothing but data has to reach the disk.
    connection.execute(f"PRAGMA journal_size_limit={2 * CHECKPOINT_BYTES}")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("PRAGMA cache_size=-65536")
    if sys.platform == "darwin":
        connection.execute("PRAGMA fullfsync=ON")
        connection.execute("PRAGMA checkpoint_fullfsync=ON")
    if not stamped:
        connection.execute(f"PRAGMA application_id={_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={FORMAT_VERSION}")


def pragma(connection: sqlite3.Connection, name: str) -> int:
    """The number that a pragma answers with."""
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def execute_rows(
    connection: sqlite3.Connection, before: str, after: str, rows: Sequence[Sequence[Any]]
) -> int:
    """Run `before VALUES (…),(…) after` for all rows in few statements; return the rows changed.

    Not executemany: sqlite3 gives up the interpreter's lock at every step, and beside a busy event
    loop a thread gets it back only a switch interval later; so a batch must be few steps.
    Statements come in sizes of powers of two, so that all of them stay prepared.
    """
    changed = 0
    start = 0
    while start < len(rows):
        size = min(_MAX_ROWS_A_STATEMENT, 1 << (len(rows) - start).bit_length() - 1)
        chunk = rows[start : start + size]
        places = f"({','.join('?' * len(chunk[0]))})"
        sql = f"{before} VALUES {','.join([places] * size)} {after}"
        parameters = [value for row in chunk for value in row]
        changed += connection.execute(sql, parameters).rowcount
        start += size
    return changed
