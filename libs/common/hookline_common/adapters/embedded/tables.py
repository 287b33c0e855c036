"""The table of a collection: its columns, its indexes, and the side tables of its list fields."""

import re
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hookline_common.documents import (
    Collection,
    Document,
    Field,
    FieldKind,
    FieldValue,
    search_text,
)
from hookline_common.errors import Misconfigured

_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")
_FIXED = ("_id", "rev", "expires_at", "doc")

_encode_list = msgspec.json.Encoder().encode
_decode_list = msgspec.json.Decoder(tuple[str, ...]).decode


class Table:
    """Names and statements of one collection; field `x` is the column `f_x`."""

    def __init__(self, collection: Collection) -> None:
        for name in (collection.name, *(field.name for field in collection.fields)):
            if not _NAME.fullmatch(name):
                raise Misconfigured(f"{name!r} cannot be the name of a collection or field")
        self.collection = collection
        self.name = f"doc_{collection.name}"
        self.kinds: Mapping[str, FieldKind] = {one.name: one.kind for one in collection.fields}
        self._fields = [(one.name, one.kind) for one in collection.fields]
        columns = (*_FIXED, *(f"f_{name}" for name, _ in self._fields))
        self.selected = ", ".join(f"t.{column}" for column in columns)
        self.insert = f"INSERT INTO {self.name} ({', '.join(columns)})"
        changed = ("expires_at", "doc", *columns[len(_FIXED) :])
        self.on_conflict_replace = "ON CONFLICT (_id) DO UPDATE SET rev = rev + 1, " + ", ".join(
            f"{column} = excluded.{column}" for column in changed
        )
        # A row of only the fixed columns and some scalars needs no look at each value.
        self._plain = all(kind in _SCALARS for _, kind in self._fields)

    def side(self, field: str) -> str:
        """The side table of a list field: (element, id)."""
        return f"{self.name}__{field}"

    def column(self, field: str) -> str:
        """The column of a field; raises Misconfigured for one that is not declared."""
        if field not in self.kinds:
            raise Misconfigured(f"collection {self.collection.name} has no index field {field!r}")
        return f"t.f_{field}"

    def row(self, document: Document, rev: int) -> Sequence[Any]:
        """A document as the values of `insert`."""
        fields = document.fields
        row: list[Any] = [document.id, rev, document.expires_at_ms, document.body]
        if self._plain:
            row += [fields.get(name) for name, _ in self._fields]
        else:
            row += [_stored(kind, fields.get(name)) for name, kind in self._fields]
        return row

    def document(self, row: Sequence[Any]) -> Document:
        """The document in a row of `selected`."""
        fields: dict[str, FieldValue] = {}
        for (name, kind), value in zip(self._fields, row[len(_FIXED) :], strict=False):
            if value is not None:
                fields[name] = _decode_list(value) if kind is FieldKind.LIST else value
        return Document(row[0], row[3], fields, row[1], row[2])

    def create(self, connection: sqlite3.Connection) -> None:
        """Create what is missing, also in a table that an older catalogue made."""
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {self.name} (_id TEXT PRIMARY KEY NOT NULL,"
            " rev INTEGER NOT NULL, expires_at INTEGER, lease_until INTEGER, lease_token TEXT,"
            " doc BLOB NOT NULL)"
        )
        present = {row[1] for row in connection.execute(f"PRAGMA table_info({self.name})")}
        for field in self.collection.fields:
            if f"f_{field.name}" not in present:
                affinity = "INTEGER" if field.kind is FieldKind.INTEGER else "TEXT"
                connection.execute(f"ALTER TABLE {self.name} ADD COLUMN f_{field.name} {affinity}")
            if field.kind is FieldKind.LIST:
                self._create_side(connection, field)
        self._create_indexes(connection)

    def _create_indexes(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            f"CREATE INDEX IF NOT EXISTS {self.name}_expiry ON {self.name} (expires_at)"
            " WHERE expires_at IS NOT NULL"
        )
        by = f"{self.name}_by_"
        declared = {by + "__".join(index): index for index in self.collection.indexes}
        present = [row[1] for row in connection.execute(f"PRAGMA index_list({self.name})")]
        for name in present:
            if name.startswith(by) and name not in declared:  # of an older catalogue
                connection.execute(f"DROP INDEX {name}")
        for name, index in declared.items():
            columns = ", ".join(self.column(field).removeprefix("t.") for field in index)
            # Not the id at the end: behind it lies SQLite's row id, so that equal and unset values
            # are added side by side and do not touch as many pages as there are new documents.
            connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {self.name} ({columns})")

    def _create_side(self, connection: sqlite3.Connection, field: Field) -> None:
        """Triggers keep the side table, so that no write of a document can forget it."""
        side, column = self.side(field.name), f"f_{field.name}"
        add = (
            f"INSERT OR IGNORE INTO {side} (element, id)"
            f" SELECT value, new._id FROM json_each(new.{column});"
        )
        remove = (
            f"DELETE FROM {side} WHERE id = old._id"
            f" AND element IN (SELECT value FROM json_each(old.{column}));"
        )
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {side} (element TEXT NOT NULL, id TEXT NOT NULL,"
            " PRIMARY KEY (element, id)) WITHOUT ROWID"
        )
        for name, event, condition, action in (
            ("added", "AFTER INSERT", f"new.{column} IS NOT NULL", add),
            ("gone", "AFTER DELETE", f"old.{column} IS NOT NULL", remove),
            (
                "changed",
                f"AFTER UPDATE OF {column}",
                f"old.{column} IS NOT new.{column}",
                remove + add,
            ),
        ):
            connection.execute(
                f"CREATE TRIGGER IF NOT EXISTS {side}_{name} {event} ON {self.name}"
                f" WHEN {condition} BEGIN {action} END"
            )


_SCALARS = (FieldKind.TEXT, FieldKind.INTEGER)


def _stored(kind: FieldKind, value: FieldValue | None) -> FieldValue:
    if value is None or kind in _SCALARS:
        return value
    if kind is FieldKind.SEARCH:
        return search_text(str(value))
    return _encode_list(value).decode() if value else None
