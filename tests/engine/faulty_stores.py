"""Log and store that fail at a chosen step, as a crash or an outage would leave them."""

from collections.abc import Callable, Sequence
from typing import Any

from hookline_common.documents import Collection, Documents
from hookline_common.errors import LogUnavailable, StoreUnavailable
from hookline_common.eventlog import EventLog, Position, Record, Sync


class FaultyLog:
    """Passes everything on; appends fail while `broken`, or where `fails` says so."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.broken = False
        self.fails: Callable[[Sequence[Record]], bool] = lambda _: False

    async def append(self, records: Sequence[Record], sync: Sync = Sync.NOW) -> Sequence[Position]:
        if self.broken or self.fails(records):
            raise LogUnavailable("broken on purpose")
        return await self._log.append(records, sync)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


class FaultyDocuments:
    """Passes everything on; writes fail where `fails(method, collection)` says so.

    `after` has the same form and lets the write happen before it fails: a lost reply.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self.fails: Callable[[str, str], bool] = lambda _method, _collection: False
        self.after: Callable[[str, str], bool] = lambda _method, _collection: False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._documents, name)
        if name not in ("insert", "replace", "delete", "claim"):
            return method

        async def guarded(collection: Collection, *given: Any, **named: Any) -> Any:
            if self.fails(name, collection.name):
                raise StoreUnavailable("broken on purpose")
            result = await method(collection, *given, **named)
            if self.after(name, collection.name):
                raise StoreUnavailable("the reply was lost on purpose")
            return result

        return guarded
