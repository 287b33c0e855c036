"""Removes what the log need not keep: what is old, and what a newer record of its key replaced."""

import sqlite3

from hookline_common.adapters.embedded.file import ROWS_A_CHORE, EmbeddedFile
from hookline_common.adapters.embedded.logrows import StoredTopic, first_offset, offset_at
from hookline_common.adapters.embedded.partitions import Partition
from hookline_common.eventlog import Sync

TOMBSTONES_KEPT_MS = 24 * 60 * 60 * 1000

_SUPERSEDED = """
DELETE FROM log_records WHERE id >= :start AND id < :end AND (
    id NOT IN (SELECT max(id) FROM log_records WHERE id >= :start AND id < :end GROUP BY key)
    OR value IS NULL AND taken_ms < :tombstones_before)
"""


async def drop_expired(file: EmbeddedFile, topic: StoredTopic, partition: Partition) -> None:
    """Delete the records older than the topic's retention, some hundreds a transaction (B2)."""
    if topic.retention_ms < 0 or topic.cleanup != "delete":
        return
    keep_from = offset_at(file.reader, partition, file.clock.now_ms() - topic.retention_ms)
    offset = first_offset(file.reader, partition)
    while offset < keep_from:
        offset = min(offset + ROWS_A_CHORE, keep_from)
        await _delete_before(file, partition, offset)


async def _delete_before(file: EmbeddedFile, partition: Partition, offset: int) -> None:
    def delete(connection: sqlite3.Connection) -> None:
        _note_end(connection, partition)
        connection.execute(
            "DELETE FROM log_records WHERE id >= ? AND id < ?",
            (partition.base, partition.base + offset),
        )

    await file.change(delete, Sync.LATER)


async def compact(file: EmbeddedFile, topic: StoredTopic, partition: Partition) -> None:
    """Keep the newest record of each key, and a tombstone for a day."""
    if topic.cleanup != "compact":
        return
    before = file.clock.now_ms() - TOMBSTONES_KEPT_MS

    def delete(connection: sqlite3.Connection) -> None:
        _note_end(connection, partition)
        connection.execute(
            _SUPERSEDED,
            {
                "start": partition.base,
                "end": partition.base + partition.end,
                "tombstones_before": before,
            },
        )

    await file.change(delete, Sync.LATER)


def _note_end(connection: sqlite3.Connection, partition: Partition) -> None:
    """Offsets go on from here even if no record is left to tell."""
    connection.execute(
        "INSERT INTO log_ends (partition, next_offset) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET next_offset = max(next_offset, excluded.next_offset)",
        (partition.id, partition.end),
    )
