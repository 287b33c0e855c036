"""What the store writes: each a function that the writer's thread runs inside its transaction.

Answers come as one row of JSON, and rows go in by few statements: see `execute_rows`.
"""

import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

from hookline_common.adapters.embedded.connections import execute_rows
from hookline_common.adapters.embedded.file import ROWS_A_CHORE
from hookline_common.adapters.embedded.finding import LIVE, Plan, json_of, select_documents
from hookline_common.adapters.embedded.tables import Table
from hookline_common.documents import All, Document, Query

_AMONG = "t._id IN (SELECT value FROM json_each(?))"

_decode_ids = msgspec.json.Decoder(list[str]).decode
_decode_present = msgspec.json.Decoder(list[tuple[str, bool]]).decode


def insert(
    connection: sqlite3.Connection, table: Table, documents: Sequence[Document], now_ms: int
) -> frozenset[str]:
    """Insert what is not there, or is there expired; return the ids that were there."""
    wanted: dict[str, Document] = {}
    existing: set[str] = set()
    for document in documents:
        if wanted.setdefault(document.id, document) is not document:
            existing.add(document.id)
    expired: list[str] = []
    for found, live in _present(connection, table, list(wanted), now_ms):
        if live:
            existing.add(found)
            del wanted[found]
        else:
            expired.append(found)
    if expired:
        _delete(connection, table, expired)
    execute_rows(connection, table.insert, "", [table.row(one, 1) for one in wanted.values()])
    return frozenset(existing)


def replace(
    connection: sqlite3.Connection, table: Table, documents: Sequence[Document], now_ms: int
) -> frozenset[str]:
    """Replace those whose revision is the stored one; return the ids of the others."""
    wanted: dict[str, Document] = {}
    conflicts: set[str] = set()
    for document in documents:
        if wanted.setdefault(document.id, document) is not document:
            conflicts.add(document.id)
    found = connection.execute(
        f"SELECT json_group_array(t._id) FROM json_each(?) j CROSS JOIN {table.name} t"
        f" ON t._id = j.key WHERE t.rev = j.value AND {LIVE}",
        (json_of({one.id: one.rev for one in wanted.values()}), now_ms),
    ).fetchone()[0]
    fitting = _decode_ids(found)
    conflicts.update(wanted.keys() - fitting)
    rows = [table.row(wanted[one], wanted[one].rev) for one in fitting]
    # All of them are there: so every insert ends in its conflict clause, a lookup and an update.
    execute_rows(connection, table.insert, table.on_conflict_replace, rows)
    return frozenset(conflicts)


def delete(connection: sqlite3.Connection, table: Table, ids: Sequence[str], now_ms: int) -> int:
    """Delete those that are there; return how many were."""
    return connection.execute(
        f"DELETE FROM {table.name} AS t WHERE {_AMONG} AND {LIVE}",
        (json_of(ids), now_ms),
    ).rowcount


def increment(
    connection: sqlite3.Connection,
    table: Table,
    deltas: Mapping[str, Mapping[str, int]],
    now_ms: int,
) -> None:
    """Add to fields, and create documents that are missing or expired."""
    present = _present(connection, table, list(deltas), now_ms)
    expired = [found for found, live in present if not live]
    if expired:
        _delete(connection, table, expired)
    names = sorted({name for delta in deltas.values() for name in delta})
    columns = [table.column(name).removeprefix("t.") for name in names]
    # excluded.x is unset where a document's own deltas do not name x.
    changes = "".join(
        f", {one} = CASE WHEN excluded.{one} IS NULL THEN {one}"
        f" ELSE coalesce({one}, 0) + excluded.{one} END"
        for one in columns
    )
    execute_rows(
        connection,
        f"INSERT INTO {table.name} ({', '.join(['_id', 'rev', 'doc', *columns])})",
        f"ON CONFLICT (_id) DO UPDATE SET rev = rev + 1{changes}",
        [[id_, 1, b"{}", *map(delta.get, names)] for id_, delta in deltas.items()],
    )


def claim(
    connection: sqlite3.Connection,
    table: Table,
    query: Query,
    lease_ms: int,
    token: str,
    now_ms: int,
) -> Sequence[Document]:
    """Take what nobody holds, in the order of the query."""
    free = f"(t.lease_until IS NULL OR t.lease_until <= {now_ms})"
    ids = Plan(table, query, now_ms, free).ids(connection)[: query.limit]
    if not ids:
        return ()
    connection.execute(
        f"UPDATE {table.name} AS t SET rev = rev + 1, lease_until = ?, lease_token = ?"
        f" WHERE {_AMONG}",
        (now_ms + lease_ms, token, json_of(ids)),
    )
    taken = select_documents(connection, table, ids, All(), now_ms)
    return [taken[one] for one in ids]


def renew(
    connection: sqlite3.Connection,
    table: Table,
    ids: Sequence[str],
    lease_ms: int,
    token: str,
    now_ms: int,
) -> frozenset[str]:
    """Extend what the token holds; return the ids of what it does not."""
    found = connection.execute(
        f"SELECT json_group_array(t._id) FROM {table.name} t WHERE {_AMONG} AND {LIVE}"
        " AND t.lease_token = ? AND t.lease_until > ?",
        (json_of(ids), now_ms, token, now_ms),
    ).fetchone()[0]
    held = _decode_ids(found)
    connection.execute(
        f"UPDATE {table.name} AS t SET lease_until = ? WHERE {_AMONG}",
        (now_ms + lease_ms, json_of(held)),
    )
    return frozenset(ids) - frozenset(held)


def drop_expired(connection: sqlite3.Connection, table: Table, now_ms: int) -> int:
    """Delete some of the expired documents; return how many."""
    return connection.execute(
        f"DELETE FROM {table.name} WHERE rowid IN"
        f" (SELECT rowid FROM {table.name} WHERE expires_at <= ? LIMIT {ROWS_A_CHORE})",
        (now_ms,),
    ).rowcount


def _present(
    connection: sqlite3.Connection, table: Table, ids: Sequence[str], now_ms: int
) -> Sequence[tuple[str, bool]]:
    found = connection.execute(
        "SELECT json_group_array(json_array(t._id, json(iif(" + LIVE + ", 'true', 'false'))))"
        f" FROM {table.name} t WHERE {_AMONG}",
        (now_ms, json_of(ids)),
    ).fetchone()[0]
    return _decode_present(found)


def _delete(connection: sqlite3.Connection, table: Table, ids: Sequence[str]) -> None:
    connection.execute(
        f"DELETE FROM {table.name} AS t WHERE {_AMONG}",
        (json_of(ids),),
    )
