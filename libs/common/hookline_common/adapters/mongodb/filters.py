"""Conditions, orders and cursors in MongoDB's query language."""

import base64
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from hookline_common.documents import (
    All,
    AnyOf,
    Collection,
    Condition,
    CursorValue,
    FieldKind,
    Op,
    Order,
    Scalar,
    Where,
)
from hookline_common.errors import BadRequest

_HIGHEST_CHARACTER = "\U0010ffff"
_PLAIN = {
    Op.EQ: "$eq",
    Op.NE: "$ne",
    Op.LT: "$lt",
    Op.LE: "$lte",
    Op.GT: "$gt",
    Op.GE: "$gte",
}
_cursor_decoder = msgspec.json.Decoder(list[CursorValue])
_NOTHING: dict[str, Any] = {"_id": {"$in": []}}


def filter_of(collection: Collection, where: Where) -> dict[str, Any]:
    """A condition as a filter document; index fields lie under `f`."""
    match where:
        case Condition():
            return _condition(collection, where)
        case All(parts):
            return {"$and": [filter_of(collection, part) for part in parts]} if parts else {}
        case AnyOf(parts):
            return {"$or": [filter_of(collection, part) for part in parts]} if parts else _NOTHING


def _condition(collection: Collection, condition: Condition) -> dict[str, Any]:
    kind = next(field.kind for field in collection.fields if field.name == condition.field)
    name = f"f.{condition.field}"
    if condition.op is Op.CONTAINS:
        return _contains(condition.field, condition.value)
    if kind is FieldKind.LIST:
        return _list_condition(name, condition)
    return {name: _test(condition)}


def _contains(name: str, value: str) -> dict[str, Any]:
    """Substring search by position: a pattern would be limited in length."""
    return {"$expr": {"$gte": [{"$indexOfCP": [f"$f.{name}", value.casefold()]}, 0]}}


def _list_condition(name: str, condition: Condition) -> dict[str, Any]:
    """Any element meets it; an unset list has no place in the row and meets only NE something."""
    test = _test(condition)
    if condition.value is None or condition.op in (Op.EQ, Op.IN):
        return {name: test}
    if condition.op is Op.NE:
        return {"$or": [{name: None}, {name: {"$elemMatch": test}}]}
    return {name: {"$elemMatch": test}}


def _test(condition: Condition) -> dict[str, Any]:
    value = condition.value
    match condition.op:
        case Op.IN:
            return {"$in": [item for item in value if item is not None]}
        case Op.PREFIX:
            return {"$gte": value, "$lt": value + _HIGHEST_CHARACTER}
        case Op.MATCHES:
            # Not `$`, which lets a line's end follow; with the option `s` a dot is any character.
            return {"$regex": f"^{_with_any_between(value)}(?!.)", "$options": "s"}
        case Op.LT | Op.LE | Op.GT | Op.GE if value is None:
            return {"$in": []}
        case other:
            return {_PLAIN[other]: value}


def _with_any_between(pattern: str) -> str:
    return ".*".join(re.escape(part) for part in pattern.split("*"))


def sort_of(order: Sequence[Order]) -> list[tuple[str, int]]:
    """The sort keys; ties are broken by id in the direction of the last one."""
    keys = [(f"f.{part.field}", -1 if part.descending else 1) for part in order]
    last = keys[-1][1] if keys else 1
    return [*keys, ("_id", last)]


def cursor_of(values: Sequence[Scalar], last_id: str) -> str:
    """Where the next page begins, as opaque text."""
    # The driver reads large numbers as a class of its own (bson.Int64), which is an int.
    text = msgspec.json.encode([*values, last_id], enc_hook=int)
    return base64.urlsafe_b64encode(text).decode()


def after_cursor(order: Sequence[Order], cursor: str) -> dict[str, Any]:
    """A filter for what lies behind the cursor; raises BadRequest for a cursor that is none."""
    keys = sort_of(order)
    try:
        values = _cursor_decoder.decode(base64.urlsafe_b64decode(cursor))
    except (ValueError, msgspec.DecodeError) as error:
        raise BadRequest("not a cursor of this list", field="/cursor") from error
    if len(values) != len(keys):
        raise BadRequest("a cursor of another list", field="/cursor")
    branches: list[dict[str, Any]] = []
    for depth, (key, direction) in enumerate(keys):
        same = {keys[n][0]: values[n] for n in range(depth)}
        behind = _behind(key, values[depth], direction)
        if behind is not None:
            branches.append({"$and": [same, behind]})
    return {"$or": branches} if branches else _NOTHING


def _behind(key: str, value: Any, direction: int) -> dict[str, Any] | None:
    """What comes after `value`; unset values sort before all others."""
    if direction > 0:
        return {key: {"$ne": None}} if value is None else {key: {"$gt": value}}
    if value is None:
        return None
    return {"$or": [{key: {"$lt": value}}, {key: None}]}
