"""The tables of the log: topics, records, ends of partitions, committed offsets."""

import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

from hookline_common.adapters.embedded.connections import execute_rows
from hookline_common.adapters.embedded.partitions import OFFSET_BITS, Partition
from hookline_common.eventlog import Delivered, Position, Record
from hookline_common.topics import Topic

# A record's row id is topic id, partition and offset in one number: one b-tree in reading order.
_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS log_topics (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL,
        retention_ms INTEGER NOT NULL, cleanup TEXT NOT NULL,
        max_message_bytes INTEGER NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS log_records (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL, value BLOB, headers BLOB,
        taken_ms INTEGER NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS log_ends (
        partition INTEGER PRIMARY KEY, next_offset INTEGER NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS log_committed (
        consumer_group TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL,
        PRIMARY KEY (consumer_group, partition)) WITHOUT ROWID""",
)
_OFFSET_MASK = (1 << OFFSET_BITS) - 1
_RECORD = "SELECT id, key, value, headers, taken_ms FROM log_records WHERE id >= ? AND id < ?"

_encode_headers = msgspec.msgpack.Encoder().encode
_decode_headers = msgspec.msgpack.Decoder(tuple[tuple[str, bytes], ...]).decode


class StoredTopic(msgspec.Struct, frozen=True):
    """What the log itself must know of a topic."""

    id: int
    name: str
    partitions: int
    retention_ms: int
    cleanup: str
    max_message_bytes: int


def create_tables(connection: sqlite3.Connection) -> None:
    """Make the tables that are missing."""
    for statement in _SCHEMA:
        connection.execute(statement)


def insert_topics(connection: sqlite3.Connection, topics: Sequence[Topic]) -> Sequence[str]:
    """Insert the topics that are missing; return their names."""
    created: list[str] = []
    for topic in topics:
        row = (topic.name, topic.partitions, topic.retention_ms, topic.cleanup)
        cursor = connection.execute(
            "INSERT OR IGNORE INTO log_topics"
            " (name, partitions, retention_ms, cleanup, max_message_bytes) VALUES (?, ?, ?, ?, ?)",
            (*row, topic.max_message_bytes),
        )
        created += [topic.name] if cursor.rowcount else []
    return created


def select_topics(connection: sqlite3.Connection) -> Sequence[StoredTopic]:
    """All topics, in the order in which they were made."""
    columns = ", ".join(StoredTopic.__struct_fields__)
    rows = connection.execute(f"SELECT {columns} FROM log_topics ORDER BY id")
    return [StoredTopic(*row) for row in rows]


def load_partition(connection: sqlite3.Connection, topic: StoredTopic, number: int) -> Partition:
    """A partition with its end: after its last record, or where retention noted that it was."""
    partition = Partition(topic.name, topic.id, number, 0)
    last = connection.execute(
        "SELECT max(id) FROM log_records WHERE id >= ? AND id < ?",
        (partition.base, partition.base + _OFFSET_MASK + 1),
    ).fetchone()[0]
    noted = connection.execute(
        "SELECT next_offset FROM log_ends WHERE partition = ?", (partition.id,)
    ).fetchone()
    partition.end = max(
        0 if last is None else (last & _OFFSET_MASK) + 1, 0 if noted is None else noted[0]
    )
    return partition


def insert_records(connection: sqlite3.Connection, rows: Sequence[tuple[int, Record, int]]) -> None:
    """Insert records as (row id, record, time taken)."""
    execute_rows(
        connection,
        "INSERT INTO log_records (id, key, value, headers, taken_ms)",
        "",
        [
            (
                row,
                record.key,
                record.value,
                _encode_headers(record.headers) if record.headers else None,
                taken,
            )
            for row, record, taken in rows
        ],
    )


def select_records(
    connection: sqlite3.Connection, partition: Partition, offset: int, limit: int
) -> Sequence[Delivered]:
    """Up to `limit` acknowledged records of a partition from `offset` on."""
    rows = connection.execute(
        _RECORD + " ORDER BY id LIMIT ?",
        (partition.base + max(offset, 0), partition.base + partition.end, limit),
    )
    return [
        Delivered(
            Record(partition.topic, key, value, _decode_headers(headers) if headers else ()),
            Position(partition.topic, partition.number, row & _OFFSET_MASK),
            taken,
        )
        for row, key, value, headers, taken in rows
    ]


def first_offset(connection: sqlite3.Connection, partition: Partition) -> int:
    """The offset of the oldest record; the end if there is none."""
    return _next_record(connection, partition, 0)[0]


def last_taken(connection: sqlite3.Connection, partition: Partition) -> int:
    """When the newest record was taken; 0 if there is none."""
    row = connection.execute(
        "SELECT taken_ms FROM log_records WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1",
        (partition.base, partition.base + partition.end),
    ).fetchone()
    return 0 if row is None else row[0]


def offset_at(connection: sqlite3.Connection, partition: Partition, timestamp_ms: int) -> int:
    """The first offset taken at or after the time. Times never fall within a partition."""
    low, high = first_offset(connection, partition), partition.end
    while low < high:
        middle = (low + high) // 2
        offset, taken = _next_record(connection, partition, middle)
        if offset < partition.end and taken < timestamp_ms:
            low = offset + 1
        else:
            high = middle
    return _next_record(connection, partition, low)[0]


def _next_record(
    connection: sqlite3.Connection, partition: Partition, offset: int
) -> tuple[int, int]:
    row = connection.execute(
        "SELECT id, taken_ms FROM log_records WHERE id >= ? AND id < ? ORDER BY id LIMIT 1",
        (partition.base + offset, partition.base + partition.end),
    ).fetchone()
    return (partition.end, 0) if row is None else (row[0] & _OFFSET_MASK, row[1])


def upsert_committed(
    connection: sqlite3.Connection, offsets: Mapping[tuple[str, int], int]
) -> None:
    """Set the committed offset of each (group, partition id)."""
    execute_rows(
        connection,
        "INSERT INTO log_committed (consumer_group, partition, next_offset)",
        "ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset",
        [(group, partition, offset) for (group, partition), offset in offsets.items()],
    )


def select_committed(connection: sqlite3.Connection) -> Mapping[tuple[str, int], int]:
    """All committed offsets by (group, partition id)."""
    rows = connection.execute("SELECT consumer_group, partition, next_offset FROM log_committed")
    return {(group, partition): offset for group, partition, offset in rows}
