"""A partition as the event loop sees it: where it begins and ends, and its newest records."""

from collections.abc import Sequence
from typing import Protocol

from hookline_common.eventlog import Delivered

PARTITION_BITS = 10
OFFSET_BITS = 40
_KEPT_RECORDS = 2048
_KEPT_BYTES = 1024 * 1024


class Waiting(Protocol):
    """A consumer that wants to know of new records."""

    def wake(self, partition: "Partition") -> None: ...


_BESIDE_THE_VALUE = 1024


def size_of(delivered: Delivered) -> int:
    """The bytes of a record that count for limits: of its value, and a flat rate for the rest.

    It is asked several times for each record, and adding up headers would cost more than it tells.
    """
    value = delivered.record.value
    return _BESIDE_THE_VALUE if value is None else len(value) + _BESIDE_THE_VALUE


class Partition:
    """`base` is the row id of offset 0; `end` the offset after the newest acknowledged record.

    The newest records stay in memory, so that a consumer that keeps up never reads the file.
    """

    def __init__(self, topic: str, topic_id: int, number: int, end: int) -> None:
        self.topic = topic
        self.number = number
        self.id = topic_id << PARTITION_BITS | number
        self.base = self.id << OFFSET_BITS
        self.end = end
        self.owners: dict[str, Waiting] = {}
        self._newest: list[Delivered] = []
        self._newest_bytes = 0

    @property
    def kept_from(self) -> int:
        """The first offset that is in memory; `end` if none is."""
        return self._newest[0].position.offset if self._newest else self.end

    def add(self, delivered: Delivered) -> None:
        """Take the next acknowledged record."""
        self.end = delivered.position.offset + 1
        self._newest.append(delivered)
        self._newest_bytes += size_of(delivered)
        if len(self._newest) > 2 * _KEPT_RECORDS or self._newest_bytes > 2 * _KEPT_BYTES:
            self._forget_older_half()

    def newest_from(self, offset: int, limit: int) -> Sequence[Delivered]:
        """Up to `limit` records of those in memory; `offset` is at least `kept_from`."""
        # All offsets since the start of the process are there, without gaps.
        start = offset - self.kept_from
        return self._newest[start : start + limit]

    def wake_owners(self) -> None:
        """Tell the consumers of this partition that there is something to read."""
        for owner in self.owners.values():
            owner.wake(self)

    def _forget_older_half(self) -> None:
        while self._newest and (
            len(self._newest) > _KEPT_RECORDS or self._newest_bytes > _KEPT_BYTES
        ):
            half = len(self._newest) // 2 + 1
            self._newest_bytes -= sum(size_of(one) for one in self._newest[:half])
            del self._newest[:half]
