"""Consumer groups within one process: who holds which partition, and where each member reads."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from hookline_common.adapters.embedded.partitions import Partition, size_of
from hookline_common.errors import AssignmentLost
from hookline_common.eventlog import MAX_BATCH_BYTES, MAX_BATCH_RECORDS, Delivered


class GroupLog(Protocol):
    """What a group needs of the log."""

    def records_from(
        self, partition: Partition, offset: int, limit: int
    ) -> Sequence[Delivered]: ...

    def committed(self, group: str, partition: Partition) -> int: ...

    async def commit(self, group: str, offsets: Mapping[Partition, int]) -> None: ...


class _Holding:
    """One partition held by one member: handed out are the offsets from `first` to `handed`."""

    __slots__ = ("first", "handed", "position")

    def __init__(self, first: int) -> None:
        self.first = first
        self.handed = first
        self.position = first


class EmbeddedConsumer:
    """A member of a group; woken by the append, never by a timer."""

    def __init__(self, group: str, partitions: Sequence[Partition], log: GroupLog) -> None:
        self.partitions = partitions
        self._group = group
        self._log = log
        self._by_place = {(one.topic, one.number): one for one in partitions}
        self._held: dict[Partition, _Holding] = {}
        self._ready: dict[Partition, None] = {}
        self._paused = False
        self._woken = asyncio.Event()

    async def next_batch(
        self, max_records: int = MAX_BATCH_RECORDS, max_bytes: int = MAX_BATCH_BYTES
    ) -> Sequence[Delivered]:
        """As the port says; partitions with a backlog take turns."""
        while True:
            batch = [] if self._paused else self._take(max_records, max_bytes)
            if batch:
                return batch
            self._woken.clear()
            await self._woken.wait()

    async def commit(self, batch: Sequence[Delivered]) -> None:
        """As the port says."""
        offsets: dict[Partition, int] = {}
        lost = False
        for delivered in batch:
            place = delivered.position
            partition = self._by_place[place.topic, place.partition]
            holding = self._held.get(partition)
            # What was not handed out since the last assignment belongs to an earlier one.
            lost |= holding is None or not holding.first <= place.offset < holding.handed
            offsets[partition] = max(place.offset + 1, offsets.get(partition, 0))
        if lost:
            # The batch is dropped: what it had of partitions still held must come again.
            self._rewind([partition for partition in offsets if partition in self._held])
            raise AssignmentLost
        if offsets:
            await self._log.commit(self._group, offsets)

    async def rewind_to_committed(self) -> None:
        """As the port says."""
        self._rewind(list(self._held))

    def pause(self) -> None:
        """As the port says."""
        self._paused = True

    def resume(self) -> None:
        """As the port says."""
        self._paused = False
        self._woken.set()

    def wake(self, partition: Partition) -> None:
        """There is something to read in a partition that this member holds."""
        self._ready[partition] = None
        self._woken.set()

    def hold(self, partitions: Sequence[Partition]) -> None:
        """Hold exactly these from now on; new ones are read from the committed offset."""
        wanted = set(partitions)
        for partition in [one for one in self._held if one not in wanted]:
            del self._held[partition]
            self._ready.pop(partition, None)
            del partition.owners[self._group]
        for partition in partitions:
            if partition not in self._held:
                self._held[partition] = _Holding(self._log.committed(self._group, partition))
                self._ready[partition] = None
        self._woken.set()

    def own(self) -> None:
        """Be woken for what is held: after all members have let go of what they lost."""
        for partition in self._held:
            partition.owners[self._group] = self

    def _rewind(self, partitions: Sequence[Partition]) -> None:
        for partition in partitions:
            self._held[partition] = _Holding(self._log.committed(self._group, partition))
            self.wake(partition)

    def _take(self, max_records: int, max_bytes: int) -> list[Delivered]:
        batch: list[Delivered] = []
        room = max_bytes
        for partition in list(self._ready):
            limit = max_records - len(batch)
            if limit <= 0 or room <= 0:
                break
            holding = self._held[partition]
            found = self._log.records_from(partition, holding.position, limit)
            taken = _that_fit(found, room, at_least=0 if batch else 1)
            if found and found[0].position.offset > holding.position:
                self._note_gap(partition, holding.position, found[0].position.offset)
            if taken:
                holding.position = holding.handed = taken[-1].position.offset + 1
                room -= sum(size_of(one) for one in taken)
                batch += taken
            if not found:
                holding.position = partition.end
            del self._ready[partition]
            if holding.position < partition.end:
                self._ready[partition] = None  # behind the others: they take turns
        return batch

    def _note_gap(self, partition: Partition, expected: int, found: int) -> None:
        structlog.get_logger().error(
            "offsets_skipped",
            group=self._group,
            topic=partition.topic,
            partition=partition.number,
            expected=expected,
            found=found,
        )


def _that_fit(found: Sequence[Delivered], room: int, at_least: int) -> Sequence[Delivered]:
    for count, delivered in enumerate(found):
        room -= size_of(delivered)
        if room < 0 and count >= at_least:
            return found[:count]
    return found


class Group:
    """The members of a group in the order they joined; partitions are dealt out in turn."""

    def __init__(self) -> None:
        self.members: list[EmbeddedConsumer] = []

    def join(self, member: EmbeddedConsumer) -> None:
        """Add a member and deal again."""
        self.members.append(member)
        self._deal()

    def leave(self, member: EmbeddedConsumer) -> None:
        """Remove a member and deal again."""
        self.members.remove(member)
        member.hold(())
        self._deal()

    def _deal(self) -> None:
        hands: dict[EmbeddedConsumer, list[Partition]] = {one: [] for one in self.members}
        everything = dict.fromkeys(part for one in self.members for part in one.partitions)
        for partition in everything:
            takers = [one for one in self.members if partition in one.partitions]
            hands[takers[partition.number % len(takers)]].append(partition)
        for member, hand in hands.items():
            member.hold(hand)
        for member in self.members:
            member.own()
