"""Between documents and MongoDB's rows; bodies that are too large for a row go to parts (C4)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hookline_common.adapters.mongodb.connection import Row
from hookline_common.documents import (
    Collection,
    Document,
    FieldKind,
    FieldValue,
    search_text,
)

PART_BYTES = 8 * 1024 * 1024


def row_of(collection: Collection, document: Document, rev: int, token: str) -> Row:
    """The row of a document. `w` names the write, so that a repeated one knows its own (C1)."""
    body = document.body.decode()
    large = len(document.body) > PART_BYTES
    return {
        "_id": document.id,
        "rev": rev,
        "w": token,
        "f": fields_of(collection, document.fields),
        "expires_at": date_of(document.expires_at_ms),
        "doc": "" if large else body,
        "parts": -(-len(document.body) // PART_BYTES) if large else 0,
    }


def fields_of(collection: Collection, fields: Mapping[str, FieldValue]) -> dict[str, Any]:
    """The declared fields that are set; unset ones have no place in the row at all, so that
    they can be incremented.
    """
    return {
        field.name: _stored(field.kind, value)
        for field in collection.fields
        if (value := fields.get(field.name)) is not None and value != ()
    }


def _stored(kind: FieldKind, value: FieldValue) -> Any:
    if kind is FieldKind.LIST and isinstance(value, tuple):
        return list(value)
    if kind is FieldKind.SEARCH:
        return search_text(str(value))
    return value


def document_of(collection: Collection, row: Row, parts: Mapping[str, Sequence[bytes]]) -> Document:
    """The document of a row; `parts` are the pieces of the large ones, by id."""
    body = b"".join(parts[row["_id"]]) if row.get("parts") else row["doc"].encode()
    lists = {field.name for field in collection.fields if field.kind is FieldKind.LIST}
    fields = {
        name: tuple(value) if name in lists else value for name, value in row.get("f", {}).items()
    }
    return Document(row["_id"], body, fields, row["rev"], ms_of(row.get("expires_at")))


def parts_of(document: Document, token: str) -> Sequence[Row]:
    """The rows of a body that is too large for one; none for the others."""
    body = document.body
    if len(body) <= PART_BYTES:
        return ()
    return [
        {
            "_id": f"{document.id}:{token}:{start // PART_BYTES}",
            "of": document.id,
            "w": token,
            "n": start // PART_BYTES,
            "bytes": body[start : start + PART_BYTES],
            "expires_at": date_of(document.expires_at_ms),
        }
        for start in range(0, len(body), PART_BYTES)
    ]


def date_of(ms: int | None) -> datetime | None:
    """Epoch milliseconds as the date type that MongoDB's TTL indexes want."""
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)


def ms_of(date: datetime | None) -> int | None:
    """A stored date as epoch milliseconds."""
    return None if date is None else round(date.replace(tzinfo=UTC).timestamp() * 1000)


def alive(now: datetime) -> Row:
    """A filter that leaves out what has expired (C2)."""
    return {"expires_at": {"$not": {"$lte": now}}}
