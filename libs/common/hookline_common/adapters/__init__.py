"""Opens the adapters that the two URLs of the settings name (DESIGN.md section 4)."""

from collections.abc import Mapping
from importlib import import_module
from typing import Protocol, cast

from hookline_common.clock import Clock, SystemClock
from hookline_common.documents import Documents
from hookline_common.errors import Misconfigured
from hookline_common.eventlog import EventLog

SESSION_TIMEOUT_MS = 10_000

# An adapter's client library is imported only where the adapter is used.
_LOGS: Mapping[str, str] = {
    "sqlite": "hookline_common.adapters.embedded.opening",
    "kafka": "hookline_common.adapters.kafka.opening",
}
_STORES: Mapping[str, str] = {
    "sqlite": "hookline_common.adapters.embedded.opening",
    "mongodb": "hookline_common.adapters.mongodb.opening",
}


class _OpensLog(Protocol):
    async def open_log(
        self, url: str, clock: Clock, max_disk_bytes: int | None, session_timeout_ms: int
    ) -> EventLog: ...


class _OpensDocuments(Protocol):
    async def open_documents(
        self, url: str, clock: Clock, max_disk_bytes: int | None
    ) -> Documents: ...


class _OpensBoth(Protocol):
    async def open_both(
        self, url: str, clock: Clock, max_disk_bytes: int | None
    ) -> tuple[EventLog, Documents]: ...


def _adapter(variable: str, url: str, adapters: Mapping[str, str]) -> object:
    scheme = url.partition(":")[0]
    if scheme not in adapters:
        allowed = ", ".join(f"{known}:…" for known in adapters)
        raise Misconfigured(f"{variable} is {url!r}; allowed are {allowed}")
    return import_module(adapters[scheme])


async def open_log(
    url: str,
    *,
    clock: Clock | None = None,
    max_disk_bytes: int | None = None,
    session_timeout_ms: int = SESSION_TIMEOUT_MS,
) -> EventLog:
    """The event log at `url` (`sqlite:path`, `kafka://host:port[,host:port]`).

    The session timeout is that of consumers in a cluster; the disk limit is the embedded file's.
    Raises Misconfigured for another URL, FolderInUse where another process holds the folder.
    """
    adapter = cast(_OpensLog, _adapter("HOOKLINE_LOG", url, _LOGS))
    return await adapter.open_log(url, clock or SystemClock(), max_disk_bytes, session_timeout_ms)


async def open_documents(
    url: str, *, clock: Clock | None = None, max_disk_bytes: int | None = None
) -> Documents:
    """The document store at `url` (`sqlite:path`, `mongodb://…`); raises as `open_log`."""
    adapter = cast(_OpensDocuments, _adapter("HOOKLINE_STORE", url, _STORES))
    return await adapter.open_documents(url, clock or SystemClock(), max_disk_bytes)


async def open_both(
    log_url: str,
    store_url: str,
    *,
    clock: Clock | None = None,
    max_disk_bytes: int | None = None,
    session_timeout_ms: int = SESSION_TIMEOUT_MS,
) -> tuple[EventLog, Documents]:
    """Log and store; equal `sqlite:` URLs share one file, so that one sync covers both (B1).

    Each is closed on its own; what they share is released with the second.
    """
    if log_url == store_url and log_url.startswith("sqlite:"):
        adapter = cast(_OpensBoth, _adapter("HOOKLINE_LOG", log_url, _LOGS))
        return await adapter.open_both(log_url, clock or SystemClock(), max_disk_bytes)
    log = await open_log(
        log_url, clock=clock, max_disk_bytes=max_disk_bytes, session_timeout_ms=session_timeout_ms
    )
    try:
        store = await open_documents(store_url, clock=clock, max_disk_bytes=max_disk_bytes)
    except BaseException:
        await log.close()
        raise
    return log, store
