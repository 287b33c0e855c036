"""Conditions and orders of the search language on rows that are in memory. Pure.

Means what the stores mean by them (contract: tests/contract/test_documents_find_contract.py).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from hookline_common.documents import All, AnyOf, Condition, Op, Order, Where

Row: TypeAlias = Mapping[str, str | int | None]
"""Index field -> value; None is unset."""


def meets(row: Row, where: Where) -> bool:
    """Whether the row meets the condition."""
    match where:
        case All(parts=parts):
            return all(meets(row, part) for part in parts)
        case AnyOf(parts=parts):
            return any(meets(row, part) for part in parts)
        case Condition():
            return _compares(row[where.field], where.op, where.value)


def demanded(where: Where, fields: Iterable[str]) -> tuple[Condition, ...]:
    """The conditions on these fields that every row must meet."""
    match where:
        case All(parts=parts):
            return tuple(found for part in parts for found in demanded(part, fields))
        case Condition(field=field) if field in fields:
            return (where,)
        case _:
            return ()


def in_order(rows: Iterable[Row], order: Sequence[Order]) -> list[Row]:
    """The rows in order; what is unset comes before everything else, as in the stores."""
    ordered = list(rows)
    for one in reversed(order):
        ordered.sort(key=lambda row: _rank(row[one.field]), reverse=one.descending)
    return ordered


def _rank(value: str | int | None) -> tuple[int, int, str]:
    match value:
        case None:
            return 0, 0, ""
        case int():
            return 1, value, ""
        case str():
            return 2, 0, value


def _compares(actual: Any, op: Op, value: Any) -> bool:
    if op is Op.EQ:
        return bool(actual == value)
    if op is Op.NE:
        return bool(actual != value)
    if actual is None:
        return False
    match op:
        case Op.IN:
            return actual in value
        case Op.PREFIX:
            return str(actual).startswith(value)
        case Op.MATCHES:
            pattern = ".*".join(re.escape(part) for part in value.split("*"))
            return re.fullmatch(pattern, str(actual), re.DOTALL) is not None
        case Op.LT:
            return bool(actual < value)
        case Op.LE:
            return bool(actual <= value)
        case Op.GT:
            return bool(actual > value)
        case Op.GE:
            return bool(actual >= value)
        case Op.CONTAINS:
            return str(value).casefold() in str(actual).casefold()
