"""Moves a consumer group back in the log: what it did from there on it does once more."""

from collections.abc import Mapping, Sequence

import msgspec

from hookline_common.errors import HooklineError
from hookline_common.eventlog import EventLog, GroupLag, Position
from hookline_common.topics import Group


class CannotRewind(HooklineError):
    """The group cannot be moved as asked."""


class Move(msgspec.Struct, frozen=True):
    """A partition of a group: committed now, and where the group shall go on; equal: it stays."""

    topic: str
    partition: int
    committed: int
    to: int

    @property
    def again(self) -> int:
        """How many records come again."""
        return self.committed - self.to


async def moves_to_time(log: EventLog, group: Group, to_ms: int) -> list[Move]:
    """Back to the first record taken at or after a time; what has not been read stays unread."""
    moves: list[Move] = []
    for lag in await log.lag(group.name, group.topic_names):
        found = await log.offset_at(lag.topic, lag.partition, to_ms)
        moves.append(Move(lag.topic, lag.partition, lag.committed, min(found, lag.committed)))
    return moves


async def moves_to_offsets(log: EventLog, group: Group, wanted: Sequence[Position]) -> list[Move]:
    """Back to these offsets; partitions that are not named stay where they are.

    Raises CannotRewind for one that is not the group's, not in the log, or ahead: records that
    nobody has read would be skipped.
    """
    lags = {(lag.topic, lag.partition): lag for lag in await log.lag(group.name, group.topic_names)}
    chosen = {(at.topic, at.partition): at.offset for at in wanted}
    for at in wanted:
        await _check(log, group, at, lags)
    return [
        Move(topic, partition, lag.committed, chosen.get((topic, partition), lag.committed))
        for (topic, partition), lag in lags.items()
    ]


async def _check(
    log: EventLog, group: Group, at: Position, lags: Mapping[tuple[str, int], GroupLag]
) -> None:
    lag = lags.get((at.topic, at.partition))
    if lag is None:
        known = ", ".join(f"{topic}:{partition}" for topic, partition in lags)
        message = f"{at.topic}:{at.partition} is not read by the group {group.name}; it reads"
        raise CannotRewind(f"{message} {known}")
    if at.offset > lag.committed:
        message = f"{at.topic}:{at.partition} has been read up to {lag.committed}; going on at"
        raise CannotRewind(f"{message} {at.offset} would skip what was not read yet")
    first = await log.offset_at(at.topic, at.partition, 0)
    if at.offset < first:
        message = f"{at.topic}:{at.partition} begins at {first}: what lies before is kept no longer"
        raise CannotRewind(message)


async def check_stopped(log: EventLog, group: Group) -> None:
    """Raises CannotRewind while the group has members."""
    members = await log.members(group.name)
    if members:
        count = "1 member" if members == 1 else f"{members} members"
        raise CannotRewind(
            f"the group {group.name} has {count}: stop the service {group.service}"
            f" (hookline-{group.service}, or `hookline up`) first"
        )


async def rewind(log: EventLog, group: Group, moves: Sequence[Move]) -> None:
    """Make the moves. The log itself refuses (Conflict) if a member has joined meanwhile."""
    await check_stopped(log, group)
    positions = [Position(move.topic, move.partition, move.to) for move in moves if move.again]
    if positions:
        await log.set_committed(group.name, positions)
