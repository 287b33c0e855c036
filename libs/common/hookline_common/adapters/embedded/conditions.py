"""Conditions on index fields as SQL; in SQL's three-valued logic an unset field meets none of them,
except where `Condition` says so."""

from collections.abc import Sequence
from typing import Any

import msgspec

from hookline_common.adapters.embedded.tables import Table
from hookline_common.documents import (
    All,
    AnyOf,
    Condition,
    FieldKind,
    Op,
    Where,
    prefix_end,
)

_encode = msgspec.json.Encoder().encode

Clause = tuple[str, list[Any]]

_COMPARISONS = {Op.LT: "<", Op.LE: "<=", Op.GT: ">", Op.GE: ">="}


def where_sql(table: Table, where: Where) -> Clause:
    """The SQL of a condition on the rows `t` of a table, and its parameters."""
    match where:
        case Condition():
            return _condition(table, where)
        case All(parts=parts):
            return _joined(table, parts, " AND ", "1")
        case AnyOf(parts=parts):
            return _joined(table, parts, " OR ", "0")


def _joined(table: Table, parts: Sequence[Where], word: str, empty: str) -> Clause:
    if not parts:
        return empty, []
    clauses = [where_sql(table, part) for part in parts]
    sql = word.join(sql for sql, _ in clauses)
    return f"({sql})", [value for _, values in clauses for value in values]


def _glob(pattern: str) -> str:
    """A pattern for GLOB, to which `?` and `[` are special too."""
    return pattern.replace("[", "[[]").replace("?", "[?]")


def _condition(table: Table, condition: Condition) -> Clause:
    column = table.column(condition.field)
    if table.kinds[condition.field] is FieldKind.LIST and condition.value is not None:
        return _list_condition(table, column, condition)
    return comparison(column, condition.op, condition.value)


def _list_condition(table: Table, column: str, condition: Condition) -> Clause:
    sql, values = comparison("s.element", condition.op, condition.value)
    any_element = f"t._id IN (SELECT s.id FROM {table.side(condition.field)} s WHERE {sql})"
    if condition.op is Op.NE:
        return f"({any_element} OR {column} IS NULL)", values
    return any_element, values


def comparison(column: str, op: Op, value: Any) -> Clause:
    """One column compared with a value."""
    match op:
        case Op.EQ:
            return (f"{column} IS NULL", []) if value is None else (f"{column} = ?", [value])
        case Op.NE:
            return f"{column} IS NOT ?", [value]
        case Op.IN:
            known = [one for one in value if one is not None]
            return f"{column} IN (SELECT value FROM json_each(?))", [_encode(known).decode()]
        case Op.PREFIX:
            end = prefix_end(value)
            if end is None:
                return f"{column} >= ?", [value]
            return f"({column} >= ? AND {column} < ?)", [value, end]
        case Op.MATCHES:
            return f"{column} GLOB ?", [_glob(value)]
        case Op.CONTAINS:
            return f"instr({column}, ?) > 0", [str(value).casefold()]
        case Op.LT | Op.LE | Op.GT | Op.GE:
            return f"{column} {_COMPARISONS[op]} ?", [value]
