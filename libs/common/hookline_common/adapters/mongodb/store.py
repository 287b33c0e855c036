"""MongoDocuments: the port's operations, each one or two requests per batch."""

# motor's type of bulk_write is partly unknown: this module relaxes the checker for that only.
# pyright: reportUnknownMemberType=false

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel, UpdateOne
from pymongo.errors import BulkWriteError, DocumentTooLarge

from hookline_common.adapters.mongodb.connection import Connection, Row, Rows, translated
from hookline_common.adapters.mongodb.filters import after_cursor, cursor_of, filter_of, sort_of
from hookline_common.adapters.mongodb.format import check_format
from hookline_common.adapters.mongodb.rows import alive, date_of, document_of, parts_of, row_of
from hookline_common.documents import (
    EVERYTHING,
    Collection,
    Document,
    FieldKind,
    Page,
    Query,
    Where,
)
from hookline_common.errors import Poison, StoreUnavailable
from hookline_common.eventlog import Sync
from hookline_common.ids import random_id

_DUPLICATE_KEY = 11000
_CLOCK_TOLERANCE_MS = 2000


class MongoDocuments:
    """The document store on MongoDB; every write is on a majority and in the journal."""

    def __init__(self, url: str) -> None:
        """Nothing is connected before the first call."""
        self._connection = Connection(url)

    def _rows(self, collection: Collection) -> Rows:
        return self._connection.database[collection.name]

    def _parts(self, collection: Collection) -> Rows:
        return self._connection.database[f"{collection.name}.parts"]

    async def _now(self) -> datetime:
        now = date_of(await self._connection.now_ms())
        assert now is not None  # noqa: S101 - a date of a number is a date
        return now

    async def insert(
        self, collection: Collection, documents: Sequence[Document], sync: Sync = Sync.LATER
    ) -> frozenset[str]:
        """Insert those whose id is free; return the ids that existed already."""
        del sync
        if not documents:
            return frozenset()
        token = random_id()
        first = {document.id: document for document in reversed(documents)}
        repeated = _repeated_ids(documents)
        with translated():
            await self._store_parts(collection, tuple(first.values()), token)
            duplicates = await self._insert_rows(
                collection, [row_of(collection, document, 1, token) for document in first.values()]
            )
            taken = [first[document_id] for document_id in duplicates]
            if not taken:
                return repeated
            return repeated | await self._taken_by_others(collection, taken, token)

    async def _insert_rows(self, collection: Collection, rows: Sequence[Row]) -> set[str]:
        try:
            await self._rows(collection).insert_many(list(rows), ordered=False)
        except BulkWriteError as error:
            return _duplicate_ids(error, rows)
        except DocumentTooLarge as error:
            if len(rows) == 1:
                raise Poison(f"{collection.name} {rows[0]['_id']}: {error}") from error
            # Refused as a whole, for the sake of one: find it by halving (C1).
            half = len(rows) // 2
            first = await self._insert_rows(collection, rows[:half])
            return first | await self._insert_rows(collection, rows[half:])
        return set()

    async def _taken_by_others(
        self, collection: Collection, documents: Sequence[Document], token: str
    ) -> frozenset[str]:
        """Of ids that exist: our own retried write is success, an expired document gives way."""
        now = await self._now()
        expired = {"expires_at": {"$lte": now}}
        writes = [
            UpdateOne({"_id": item.id, **expired}, {"$set": _content(collection, item, 1, token)})
            for item in documents
        ]
        await self._rows(collection).bulk_write(writes, ordered=False)
        return await self._not_written(collection, [item.id for item in documents], token)

    async def _not_written(
        self, collection: Collection, ids: Sequence[str], token: str
    ) -> frozenset[str]:
        cursor = self._rows(collection).find({"_id": {"$in": list(ids)}, "w": token}, {"_id": 1})
        return frozenset(ids) - {row["_id"] async for row in cursor}

    async def get(self, collection: Collection, ids: Sequence[str]) -> Mapping[str, Document]:
        """The documents among `ids` that exist."""
        if not ids:
            return {}
        with translated():
            condition = {"_id": {"$in": list(ids)}, **alive(await self._now())}
            rows = [row async for row in self._rows(collection).find(condition)]
            return {document.id: document for document in await self._read(collection, rows)}

    async def _read(self, collection: Collection, rows: Sequence[Row]) -> Sequence[Document]:
        large = [row for row in rows if row.get("parts")]
        parts: dict[str, list[bytes]] = {row["_id"]: [] for row in large}
        if large:
            wanted = {"$or": [{"of": row["_id"], "w": row["w"]} for row in large]}
            cursor = self._parts(collection).find(wanted).sort([("of", 1), ("n", 1)])
            async for part in cursor:
                parts[part["of"]].append(part["bytes"])
        return [document_of(collection, row, parts) for row in rows]

    async def replace(
        self, collection: Collection, documents: Sequence[Document], sync: Sync = Sync.LATER
    ) -> frozenset[str]:
        """Replace each whose stored revision equals `rev`; return those that conflicted."""
        del sync
        if not documents:
            return frozenset()
        token = random_id()
        with translated():
            await self._store_parts(collection, documents, token)
            fresh = alive(await self._now())
            writes = [
                UpdateOne(
                    {"_id": item.id, "rev": item.rev, **fresh},
                    {"$set": _content(collection, item, item.rev + 1, token)},
                )
                for item in documents
            ]
            done = await self._rows(collection).bulk_write(writes, ordered=False)
            if done.matched_count == len(documents):
                return frozenset()
            return await self._not_written(collection, [item.id for item in documents], token)

    async def _store_parts(
        self, collection: Collection, documents: Sequence[Document], token: str
    ) -> None:
        for document in documents:
            for part in parts_of(document, token):
                await self._parts(collection).insert_one(part)

    async def delete(
        self, collection: Collection, ids: Sequence[str], sync: Sync = Sync.LATER
    ) -> int:
        """Delete those that exist."""
        del sync
        if not ids:
            return 0
        with translated():
            chosen = {"_id": {"$in": list(ids)}, **alive(await self._now())}
            done = await self._rows(collection).delete_many(chosen)
            if await self._parts(collection).find_one({"of": {"$in": list(ids)}}, {"_id": 1}):
                await self._parts(collection).delete_many({"of": {"$in": list(ids)}})
            return done.deleted_count

    async def find(self, collection: Collection, query: Query) -> Page:
        """The documents that meet the query."""
        with translated():
            conditions = [filter_of(collection, query.where), alive(await self._now())]
            if query.after is not None:
                conditions.append(after_cursor(query.order, query.after))
            cursor = (
                self._rows(collection)
                .find({"$and": conditions})
                .sort(sort_of(query.order))
                .skip(query.offset)
                .limit(query.limit + 1)
            )
            rows = [row async for row in cursor]
            documents = await self._read(collection, rows[: query.limit])
        if len(rows) <= query.limit or not documents:
            return Page(documents)
        last = rows[query.limit - 1]
        values = [last["f"].get(part.field) for part in query.order]
        return Page(documents, cursor_of(values, last["_id"]))

    async def count(self, collection: Collection, where: Where = EVERYTHING) -> int:
        """How many documents meet the condition."""
        with translated():
            conditions = [filter_of(collection, where), alive(await self._now())]
            return await self._rows(collection).count_documents({"$and": conditions})

    async def increment(
        self,
        collection: Collection,
        deltas: Mapping[str, Mapping[str, int]],
        sync: Sync = Sync.LATER,
    ) -> None:
        """Add to integer index fields; create what is missing."""
        del sync
        writes = [
            UpdateOne(
                {"_id": key},
                {
                    "$inc": {"rev": 1, **{f"f.{name}": by for name, by in changes.items()}},
                    "$setOnInsert": {"doc": "{}", "parts": 0, "expires_at": None, "w": ""},
                },
                upsert=True,
            )
            for key, changes in deltas.items()
        ]
        if writes:
            with translated():
                gone = {"_id": {"$in": list(deltas)}, "expires_at": {"$lte": await self._now()}}
                await self._rows(collection).delete_many(gone)
                await self._rows(collection).bulk_write(writes, ordered=False)

    async def claim(
        self,
        collection: Collection,
        query: Query,
        lease_ms: int,
        token: str,
        sync: Sync = Sync.LATER,
    ) -> Sequence[Document]:
        """Hold up to `query.limit` documents that nobody holds."""
        del sync
        write = random_id()
        with translated():
            now = await self._now()
            until = date_of(await self._connection.now_ms() + lease_ms)
            free = {"lease_until": {"$not": {"$gt": now}}}
            wanted = {"$and": [filter_of(collection, query.where), alive(now), free]}
            found = self._rows(collection).find(wanted, {"rev": 1})
            rows = [row async for row in found.sort(sort_of(query.order)).limit(query.limit)]
            if not rows:
                return []
            held = {"lease_until": until, "lease_token": token, "w": write}
            writes = [
                UpdateOne({"_id": row["_id"], "rev": row["rev"], **free},
                          {"$set": held, "$inc": {"rev": 1}})
                for row in rows
            ]  # fmt: skip
            await self._rows(collection).bulk_write(writes, ordered=False)
            ours = {"_id": {"$in": [row["_id"] for row in rows]}, "w": write}
            cursor = self._rows(collection).find(ours).sort(sort_of(query.order))
            return await self._read(collection, [row async for row in cursor])

    async def renew(
        self, collection: Collection, ids: Sequence[str], lease_ms: int, token: str
    ) -> frozenset[str]:
        """Extend leases that `token` still holds; return the ids that it holds no longer."""
        with translated():
            now = await self._now()
            until = date_of(await self._connection.now_ms() + lease_ms)
            held = {
                "_id": {"$in": list(ids)},
                "lease_token": token,
                "lease_until": {"$gt": now},
            }
            still = [row["_id"] async for row in self._rows(collection).find(held, {"_id": 1})]
            await self._rows(collection).update_many(held, {"$set": {"lease_until": until}})
        return frozenset(ids) - frozenset(still)

    async def sync(self) -> None:
        """Every write is on a majority and in the journal already."""

    async def now_ms(self) -> int:
        """The server's clock."""
        return await self._connection.now_ms()

    async def prepare(self, collections: Sequence[Collection]) -> None:
        """Create the indexes; MongoDB leaves those alone that exist.

        Raises Misconfigured for a database that a newer Hookline has written.
        """
        with translated():
            await check_format(self._connection.database)
            for collection in collections:
                await self._rows(collection).create_indexes(_indexes(collection))
                await self._parts(collection).create_indexes(
                    [IndexModel([("of", ASCENDING)]), _expiry()]
                )

    async def problems(self) -> Sequence[str]:
        """Whether the server answers, and whether its clock and ours agree (C3)."""
        try:
            offset = await self._connection.clock_offset_ms()
        except StoreUnavailable as error:
            return [str(error)]
        if abs(offset) > _CLOCK_TOLERANCE_MS:
            return [f"the clock is {offset} ms off the store's: set both by NTP"]
        return []

    async def close(self) -> None:
        """Disconnect."""
        self._connection.close()


def _repeated_ids(documents: Sequence[Document]) -> frozenset[str]:
    """Ids that come more than once in a batch: only the first document of each goes in."""
    counts = Counter(document.id for document in documents)
    return frozenset(document_id for document_id, count in counts.items() if count > 1)


def _content(collection: Collection, document: Document, rev: int, token: str) -> Row:
    row = row_of(collection, document, rev, token)
    del row["_id"]
    return row


def _duplicate_ids(error: BulkWriteError, rows: Sequence[Row]) -> set[str]:
    details: Mapping[str, Any] = error.details or {}
    failures: Sequence[Mapping[str, Any]] = details.get("writeErrors", ())
    if any(failure["code"] != _DUPLICATE_KEY for failure in failures) or not failures:
        raise error
    return {rows[failure["index"]]["_id"] for failure in failures}


def _indexes(collection: Collection) -> list[IndexModel]:
    compound = [
        IndexModel([(f"f.{name}", ASCENDING) for name in names]) for names in collection.indexes
    ]
    lists = [
        IndexModel([(f"f.{field.name}", ASCENDING)])
        for field in collection.fields
        if field.kind is FieldKind.LIST
    ]
    return [*compound, *lists, _expiry()]


def _expiry() -> IndexModel:
    return IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0)
