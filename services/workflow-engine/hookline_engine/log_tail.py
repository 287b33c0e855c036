"""Reads topics as an operator follows them: the newest records, then what comes after."""

import heapq
from collections.abc import Sequence

import msgspec

from hookline_common.eventlog import Delivered, EventLog
from hookline_common.topics import ENGINE


class TailPage(msgspec.Struct, frozen=True):
    """Records, the oldest first, and per partition the offset at which the next page begins."""

    records: Sequence[Delivered]
    offsets: tuple[int, ...]
    at_end: bool


async def newest(log: EventLog, topic: str, limit: int) -> TailPage:
    """The last records of a topic."""
    ends = await _ends(log, topic)
    found = [
        await _read(log, topic, number, max(end - limit, 0), end, limit)
        for number, end in enumerate(ends)
    ]
    records = _in_order(found)
    return TailPage(records[max(len(records) - limit, 0) :], tuple(ends), at_end=True)


async def since(log: EventLog, topic: str, time_ms: int, limit: int) -> TailPage:
    """The first records taken at or after a time."""
    partitions = range(await log.partitions(topic))
    offsets = [await log.offset_at(topic, number, time_ms) for number in partitions]
    return await after(log, topic, offsets, limit)


async def after(log: EventLog, topic: str, offsets: Sequence[int], limit: int) -> TailPage:
    """The first records from these offsets on, one for each partition."""
    ends = await _ends(log, topic)
    found = [
        await _read(log, topic, number, start, end, limit)
        for number, (start, end) in enumerate(zip(offsets, ends, strict=True))
    ]
    records = _in_order(found)
    left = records[limit:]
    following = list(map(max, ends, offsets))
    for delivered in reversed(left):
        following[delivered.position.partition] = delivered.position.offset
    for number, part in enumerate(found):
        more = part and part[-1].position.offset + 1 < ends[number]
        if more and following[number] == ends[number]:  # not all of it was read
            following[number] = part[-1].position.offset + 1
    at_end = not left and following == list(map(max, ends, offsets))
    return TailPage(records[:limit], tuple(following), at_end)


async def _ends(log: EventLog, topic: str) -> list[int]:
    # The end is the same for every group.
    return [lag.end for lag in await log.lag(ENGINE.name, [topic])]


async def _read(
    log: EventLog, topic: str, partition: int, start: int, end: int, limit: int
) -> Sequence[Delivered]:
    """Up to `limit` records before `end`, from the oldest on if retention has taken the start."""
    if start >= end:
        return ()
    found = await log.read(topic, partition, start, limit)
    if not found:
        first = await log.offset_at(topic, partition, 0)
        found = await log.read(topic, partition, first, limit) if start < first < end else ()
    return [delivered for delivered in found if delivered.position.offset < end]


def _in_order(found: Sequence[Sequence[Delivered]]) -> list[Delivered]:
    """By time; within a partition as they lie there, whatever clocks have stamped them."""
    return list(heapq.merge(*found, key=lambda delivered: delivered.timestamp_ms))
