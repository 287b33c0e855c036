"""The two kinds of write that the log makes, each one statement for all that wait together."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from hookline_common.adapters.embedded.logrows import insert_records, upsert_committed
from hookline_common.adapters.embedded.partitions import Partition
from hookline_common.eventlog import Record

ToAppend: TypeAlias = tuple[Sequence[tuple[Partition, Record]], int]


class Append:
    """Gives records their offsets, in the order of the writes; a rollback takes them back."""

    def __init__(self) -> None:
        self._next: dict[int, int] = {}
        self._staged: dict[int, int] = {}

    def apply(
        self, connection: sqlite3.Connection, payloads: Sequence[ToAppend]
    ) -> Sequence[Sequence[int]]:
        """Insert all records; the result of each write is its records' offsets."""
        rows: list[tuple[int, Record, int]] = []
        results: list[list[int]] = []
        for placed, taken_ms in payloads:
            offsets: list[int] = []
            for partition, record in placed:
                offset = self._take_offset(partition)
                offsets.append(offset)
                rows.append((partition.base + offset, record, taken_ms))
            results.append(offsets)
        insert_records(connection, rows)
        return results

    def committed(self) -> None:
        """The offsets are given for good."""
        self._next.update(self._staged)
        self._staged.clear()

    def rolled_back(self) -> None:
        """The offsets go to whoever comes next, so that there are no gaps."""
        self._staged.clear()

    def _take_offset(self, partition: Partition) -> int:
        offset = self._staged.get(partition.id)
        if offset is None:
            # Without a record appended by this process the end is the one that was loaded.
            offset = self._next.get(partition.id, partition.end)
        self._staged[partition.id] = offset + 1
        return offset


class Commit:
    """Records what groups have done; of several offsets for one partition the last one counts."""

    def apply(
        self, connection: sqlite3.Connection, payloads: Sequence[Mapping[tuple[str, int], int]]
    ) -> Sequence[None]:
        """Upsert all offsets."""
        offsets: dict[tuple[str, int], int] = {}
        for payload in payloads:
            offsets.update(payload)
        upsert_committed(connection, offsets)
        return [None] * len(payloads)

    def committed(self) -> None:
        """Nothing is kept beside the file."""

    def rolled_back(self) -> None:
        """Nothing is kept beside the file."""
