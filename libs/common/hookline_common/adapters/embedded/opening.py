"""Opens the embedded log and store, together in one file or each in its own."""

from pathlib import Path

from hookline_common.adapters.embedded.documents import EmbeddedDocuments
from hookline_common.adapters.embedded.file import EmbeddedFile
from hookline_common.adapters.embedded.log import EmbeddedLog
from hookline_common.clock import Clock
from hookline_common.documents import Documents
from hookline_common.errors import Misconfigured
from hookline_common.eventlog import EventLog


def _path(url: str) -> Path:
    path = url.partition(":")[2]
    if not path:
        raise Misconfigured(f"{url!r} names no file; it should be sqlite:path/to/file")
    return Path(path)


async def open_log(
    url: str, clock: Clock, max_disk_bytes: int | None, session_timeout_ms: int
) -> EventLog:
    """The log in a file of its own: every group of writes is synced.

    Its consumers are in its own process, so that no session can time out.
    """
    del session_timeout_ms
    return await EmbeddedLog.open(EmbeddedFile(_path(url), clock, 1, max_disk_bytes))


async def open_documents(url: str, clock: Clock, max_disk_bytes: int | None) -> Documents:
    """The store in a file of its own: every group of writes is synced."""
    return EmbeddedDocuments(EmbeddedFile(_path(url), clock, 1, max_disk_bytes))


async def open_both(
    url: str, clock: Clock, max_disk_bytes: int | None
) -> tuple[EventLog, Documents]:
    """Log and store in one file and one WAL: what is written later rides with the next sync."""
    file = EmbeddedFile(_path(url), clock, 2, max_disk_bytes)
    return await EmbeddedLog.open(file), EmbeddedDocuments(file)
