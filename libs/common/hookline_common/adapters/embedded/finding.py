"""Plans a query: which table leads, and whether an index answers it at once."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hookline_common.adapters.embedded.conditions import where_sql
from hookline_common.adapters.embedded.paging import after_sql, columns_of, order_sql
from hookline_common.adapters.embedded.tables import Table
from hookline_common.documents import All, Condition, Document, FieldKind, Op, Query, Where

LIVE = "(t.expires_at IS NULL OR t.expires_at > ?)"

_RANGES = (Op.LT, Op.LE, Op.GT, Op.GE)
_decode_ids = msgspec.json.Decoder(list[str]).decode
_encode = msgspec.json.Encoder().encode


def json_of(values: Any) -> str:
    """A list or object as the JSON text that json_each reads."""
    return _encode(values).decode()


class Plan:
    """A query as SQL, one row beyond its limit, so that the last page knows that it is the last."""

    def __init__(self, table: Table, query: Query, now_ms: int, extra: str = "1") -> None:
        """`extra` is a further condition without parameters."""
        parts = _conjuncts(query.where)
        lead = next((part for part in parts if _is_element(table, part)), None)
        source, id_column, tests, values = f"{table.name} t", "t._id", [LIVE, extra], [now_ms]
        if isinstance(lead, Condition):
            # Led by the elements, documents come by id without a sort, and pages go on by key.
            source = f"{table.side(lead.field)} s CROSS JOIN {table.name} t ON t._id = s.id"
            id_column = "s.id"
            tests.append("s.element = ?")
            values.append(lead.value)
            parts = [part for part in parts if part is not lead]
        for sql, parameters in (where_sql(table, part) for part in parts):
            tests.append(sql)
            values += parameters
        columns = columns_of(table, query.order, id_column)
        if query.after is not None:
            sql, parameters = after_sql(columns, query.after)
            tests.append(sql)
            values += parameters
        self._table = table
        self._body = f"FROM {source} WHERE {' AND '.join(tests)} ORDER BY {order_sql(columns)}"
        self._values = values
        self._query = query

    def documents(self, connection: sqlite3.Connection) -> list[Document]:
        """The documents, at most limit + 1."""
        rows = connection.execute(*self.statement()).fetchall()
        return [self._table.document(row) for row in rows]

    def statement(self) -> tuple[str, list[Any]]:
        """What `documents` runs, with its parameters."""
        sql = f"SELECT {self._table.selected} {self._body} LIMIT ? OFFSET ?"
        return sql, [*self._values, self._query.limit + 1, self._query.offset]

    def ids(self, connection: sqlite3.Connection) -> Sequence[str]:
        """The ids in order, at most limit + 1: as one row, see `execute_rows`."""
        sql = f"SELECT json_group_array(id) FROM (SELECT t._id AS id {self._body} LIMIT ? OFFSET ?)"
        values = [*self._values, self._query.limit + 1, self._query.offset]
        return _decode_ids(connection.execute(sql, values).fetchone()[0])


def select_documents(
    connection: sqlite3.Connection, table: Table, ids: Sequence[str], where: Where, now_ms: int
) -> Mapping[str, Document]:
    """The live documents among `ids` that meet the condition."""
    condition, values = where_sql(table, where)
    rows = connection.execute(
        f"SELECT {table.selected} FROM {table.name} t"
        f" WHERE t._id IN (SELECT value FROM json_each(?)) AND {LIVE} AND {condition}",
        [json_of(ids), now_ms, *values],
    )
    return {row[0]: table.document(row) for row in rows.fetchall()}


def count_sql(table: Table, where: Where, now_ms: int) -> tuple[str, list[Any]]:
    """The live documents that meet the condition, with its parameters.

    All of them without the expired: an index alone answers the first, which would have to look at
    each row for its expiry, and there are few of the second.
    """
    condition, values = where_sql(table, where)
    sql = (
        f"SELECT (SELECT count(*) FROM {table.name} t WHERE {condition})"
        f" - (SELECT count(*) FROM (SELECT * FROM {table.name} WHERE expires_at <= ? LIMIT -1) t"
        f" WHERE {condition})"
    )
    return sql, [*values, now_ms, *values]


def is_quick(table: Table, query: Query) -> bool:
    """Whether an index leads to the documents, and in their order: no scan and no sort."""
    parts = _conjuncts(query.where)
    if query.offset or not all(isinstance(part, Condition) for part in parts):
        return False
    conditions = [part for part in parts if isinstance(part, Condition)]
    if any(_is_element(table, one) or _is_one_of_elements(table, one) for one in conditions):
        return not query.order
    equal = {one.field for one in conditions if one.op is Op.EQ}
    ordered = tuple(one.field for one in query.order)
    ranges = {one.field for one in conditions if one.op in _RANGES}
    if len({one.descending for one in query.order}) > 1:
        return False
    if not ordered and not conditions:
        return True
    if len(equal) + len([one for one in conditions if one.op in _RANGES]) != len(conditions):
        return False
    return ranges <= set(ordered[:1]) and any(
        set(index[: len(index) - len(ordered)]) == equal
        and index[len(index) - len(ordered) :] == ordered
        for index in table.collection.indexes
        if len(index) >= len(ordered)
    )


def _conjuncts(where: Where) -> list[Where]:
    if isinstance(where, All):
        return [one for part in where.parts for one in _conjuncts(part)]
    return [where]


def _is_element(table: Table, part: Where) -> bool:
    return (
        isinstance(part, Condition)
        and part.op is Op.EQ
        and part.value is not None
        and table.kinds.get(part.field) is FieldKind.LIST
    )


def _is_one_of_elements(table: Table, part: Condition) -> bool:
    return part.op is Op.IN and table.kinds.get(part.field) is FieldKind.LIST
