"""The document store in the embedded data file (port: hookline_common/documents.py)."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from hookline_common.adapters.embedded import changes
from hookline_common.adapters.embedded.file import ROWS_A_CHORE, EmbeddedFile
from hookline_common.adapters.embedded.finding import (
    Plan,
    count_sql,
    is_quick,
    select_documents,
)
from hookline_common.adapters.embedded.paging import cursor_after
from hookline_common.adapters.embedded.steps import nothing
from hookline_common.adapters.embedded.tables import Table
from hookline_common.documents import All, Collection, Document, Page, Query, Where
from hookline_common.errors import Misconfigured, StoreUnavailable
from hookline_common.eventlog import Sync

T = TypeVar("T")


class EmbeddedDocuments:
    """What an index answers is read in the event loop; what may scan, in the reader's thread."""

    def __init__(self, file: EmbeddedFile) -> None:
        self._file = file
        self._tables: dict[str, Table] = {}
        self._closed = False
        file.add_chore(self.tidy)

    async def insert(
        self, collection: Collection, documents: Sequence[Document], sync: Sync = Sync.LATER
    ) -> frozenset[str]:
        """As the port says; the first of several with one id goes in."""
        if not documents:
            return frozenset()
        table, now = self._table(collection), self._now()
        return await self._change(lambda at: changes.insert(at, table, documents, now), sync)

    async def get(self, collection: Collection, ids: Sequence[str]) -> Mapping[str, Document]:
        """As the port says."""
        if not ids:
            return {}
        table, now = self._table(collection), self._now()
        return self._read(lambda at: select_documents(at, table, ids, All(), now))

    async def replace(
        self, collection: Collection, documents: Sequence[Document], sync: Sync = Sync.LATER
    ) -> frozenset[str]:
        """As the port says; the lease of a document stays as it is."""
        if not documents:
            return frozenset()
        table, now = self._table(collection), self._now()
        return await self._change(lambda at: changes.replace(at, table, documents, now), sync)

    async def delete(
        self, collection: Collection, ids: Sequence[str], sync: Sync = Sync.LATER
    ) -> int:
        """As the port says."""
        if not ids:
            return 0
        table, now = self._table(collection), self._now()
        return await self._change(lambda at: changes.delete(at, table, ids, now), sync)

    async def find(self, collection: Collection, query: Query) -> Page:
        """As the port says."""
        table, now = self._table(collection), self._now()
        plan = Plan(table, query, now)
        if is_quick(table, query):
            found = self._read(plan.documents)
        else:
            ids = await self._scan(plan.ids)
            # What has changed since it was found must still meet the condition.
            by_id = self._read(lambda at: select_documents(at, table, ids, query.where, now))
            found = [by_id[one] for one in ids if one in by_id]
        documents = found[: query.limit]
        more = len(found) > query.limit and bool(documents)
        return Page(documents, cursor_after(query.order, documents[-1]) if more else None)

    async def count(self, collection: Collection, where: Where = All()) -> int:  # noqa: B008 - frozen
        """As the port says."""
        table, now = self._table(collection), self._now()
        sql, values = count_sql(table, where, now)

        def read(connection: sqlite3.Connection) -> int:
            counted: int = connection.execute(sql, values).fetchone()[0]
            return counted

        return await self._scan(read)

    async def increment(
        self,
        collection: Collection,
        deltas: Mapping[str, Mapping[str, int]],
        sync: Sync = Sync.LATER,
    ) -> None:
        """As the port says."""
        if deltas:
            table, now = self._table(collection), self._now()
            await self._change(lambda at: changes.increment(at, table, deltas, now), sync)

    async def claim(
        self,
        collection: Collection,
        query: Query,
        lease_ms: int,
        token: str,
        sync: Sync = Sync.LATER,
    ) -> Sequence[Document]:
        """As the port says."""
        table, now = self._table(collection), self._now()
        return await self._change(
            lambda at: changes.claim(at, table, query, lease_ms, token, now), sync
        )

    async def renew(
        self, collection: Collection, ids: Sequence[str], lease_ms: int, token: str
    ) -> frozenset[str]:
        """As the port says."""
        table, now = self._table(collection), self._now()
        return await self._change(
            lambda at: changes.renew(at, table, ids, lease_ms, token, now), Sync.LATER
        )

    async def sync(self) -> None:
        """As the port says."""
        await self._change(nothing, Sync.NOW)

    async def now_ms(self) -> int:
        """As the port says."""
        return self._now()

    async def prepare(self, collections: Sequence[Collection]) -> None:
        """As the port says; adds the columns and indexes that an older catalogue did not have."""
        tables = [Table(collection) for collection in collections]

        def create(connection: sqlite3.Connection) -> None:
            for table in tables:
                table.create(connection)

        await self._change(create, Sync.NOW)
        self._tables.update((table.collection.name, table) for table in tables)

    async def problems(self) -> Sequence[str]:
        """As the port says."""
        return self._file.problems()

    async def close(self) -> None:
        """As the port says."""
        if not self._closed:
            self._closed = True
            await self._file.close()

    async def tidy(self) -> None:
        """Delete expired documents, some hundreds a transaction."""
        for table in list(self._tables.values()):
            await self._drop_expired(table)

    async def _drop_expired(self, table: Table) -> None:
        now, dropped = self._now(), ROWS_A_CHORE
        while dropped == ROWS_A_CHORE:
            dropped = await self._change(
                lambda at: changes.drop_expired(at, table, now), Sync.LATER
            )

    def _now(self) -> int:
        return self._file.clock.now_ms()

    def _table(self, collection: Collection) -> Table:
        table = self._tables.get(collection.name)
        if table is None:
            raise Misconfigured(f"collection {collection.name} was never prepared")
        return table

    def _read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return function(self._file.reader)
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(str(error)) from error

    async def _scan(self, function: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await self._file.scan(function)
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(str(error)) from error

    async def _change(self, function: Callable[[sqlite3.Connection], T], sync: Sync) -> T:
        try:
            return await self._file.change(function, sync)
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(str(error)) from error
