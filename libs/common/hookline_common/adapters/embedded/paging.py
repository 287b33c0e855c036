"""The order of found documents, and the cursor that goes on after the last one of a page."""

import base64
from collections.abc import Sequence

import msgspec

from hookline_common.adapters.embedded.conditions import Clause
from hookline_common.adapters.embedded.tables import Table
from hookline_common.documents import CursorValue, Document, Order, Scalar
from hookline_common.errors import BadRequest

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[CursorValue]).decode

Column = tuple[str, bool]
"""A column and whether it is in descending order."""


def columns_of(table: Table, order: Sequence[Order], id_column: str) -> Sequence[Column]:
    """What to order by: the fields, then the id in the direction of the last one."""
    columns = [(table.column(one.field), one.descending) for one in order]
    return [*columns, (id_column, order[-1].descending if order else False)]


def order_sql(columns: Sequence[Column]) -> str:
    """The terms of ORDER BY."""
    return ", ".join(f"{column} DESC" if descending else column for column, descending in columns)


def cursor_after(order: Sequence[Order], last: Document) -> str:
    """The cursor of the page after `last`."""
    values = [*(last.fields.get(one.field) for one in order), last.id]
    return base64.urlsafe_b64encode(_encode(values)).decode()


def after_sql(columns: Sequence[Column], cursor: str) -> Clause:
    """The condition that a row comes after the cursor; raises BadRequest if it is none of ours."""
    try:
        values = _decode(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, msgspec.DecodeError) as error:
        raise BadRequest("the cursor is not one that an earlier page gave") from error
    if len(values) != len(columns):
        raise BadRequest("the cursor belongs to another order")
    return _after(columns, values)


def _after(columns: Sequence[Column], values: Sequence[Scalar]) -> Clause:
    (column, descending), value = columns[0], values[0]
    if len(columns) == 1:
        return f"{column} {'<' if descending else '>'} ?", [value]
    rest, parameters = _after(columns[1:], values[1:])
    # Unset comes first, as null does in SQLite and MongoDB: in descending order it comes last.
    if value is None:
        tied = f"({column} IS NULL AND {rest})"
        return (tied if descending else f"({column} IS NOT NULL OR {tied})"), parameters
    tied = f"{column} = ? AND {rest}"
    if descending:
        return f"({column} < ? OR {column} IS NULL OR {tied})", [value, value, *parameters]
    # The first comparison lets an index begin at the cursor.
    return f"({column} >= ? AND ({column} > ? OR {tied}))", [value, value, value, *parameters]
