"""What changed, for whoever follows the system: kinds and ids, at most once a second a kind.

One look at the ends of the log's topics a second serves all followers of a process, and none is
taken while nobody follows. A follower that reads slowly finds what came meanwhile combined.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Collection, Generator, Mapping, Sequence

import msgspec
import structlog

from hookline_common import topics
from hookline_common.clock import Clock
from hookline_common.errors import Retryable, Unavailable
from hookline_common.eventlog import EventLog

KINDS: Mapping[str, tuple[str, ...]] = {
    "webhook-events": tuple(
        topic.name for topic in (topics.RECEIVED, topics.VERIFIED, topics.REJECTED, topics.OUTCOMES)
    ),
    "executions": (topics.EVENTS.name,),
    "configuration": (topics.CONFIG.name,),
    "dead-letters": topics.DEAD_LETTERS.topic_names,
}
"""Kinds of changes, and the topics that show them."""

EVERY_SECONDS = 1.0
FIRST_LOOK_SECONDS = 5.0
LARGEST_IDS = 100
"""Ids in one message; beyond them it says that there are more."""
MOST_FOLLOWERS = 200
_KEYED_BY_ID = {topics.OUTCOMES.name, topics.EVENTS.name}
_TOPICS = tuple(name for names in KINDS.values() for name in names)
_log = structlog.get_logger()


class Change(msgspec.Struct, frozen=True):
    """What one kind has seen; `more`: there are changes whose ids are not listed."""

    kind: str
    ids: tuple[str, ...]
    more: bool
    at: int


class Follower:
    """One reader of changes, of the kinds it asked for."""

    def __init__(self, kinds: Collection[str]) -> None:
        self._kinds = frozenset(kinds)
        self._pending: dict[str, Change] = {}
        self._arrived = asyncio.Event()

    def offer(self, change: Change) -> None:
        """Add a change to what it has not read yet."""
        if change.kind not in self._kinds:
            return
        before = self._pending.get(change.kind)
        if before is not None:
            ids = tuple(dict.fromkeys((*before.ids, *change.ids)))
            more = before.more or change.more or len(ids) > LARGEST_IDS
            change = Change(change.kind, ids[:LARGEST_IDS], more, change.at)
        self._pending[change.kind] = change
        self._arrived.set()

    async def changes(self, patience_seconds: float) -> Sequence[Change]:
        """What has changed since the last call; empty if nothing does within the patience."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                await self._arrived.wait()
        self._arrived.clear()
        found, self._pending = tuple(self._pending.values()), {}
        return found


class Changes:
    """Watches the log while somebody follows."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self._eventlog = log
        self._clock = clock
        self._followers: set[Follower] = set()
        self._watch: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()

    async def begun(self) -> None:
        """Return once all that comes from now on will be seen; after a while in any case."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK_SECONDS):
                await self._begun.wait()

    @contextlib.contextmanager
    def followed(self, kinds: Collection[str]) -> Generator[Follower, None, None]:
        """Follow until the block ends; raises Unavailable where too many do."""
        if len(self._followers) >= MOST_FOLLOWERS:
            raise Unavailable(
                f"{MOST_FOLLOWERS} streams are open already; close some, or try again later.",
                code="too_many_streams",
            )
        follower = Follower(kinds)
        self._followers.add(follower)
        if len(self._followers) == 1:
            self._begun.clear()
            self._watch = asyncio.create_task(self._watching())
        try:
            yield follower
        finally:
            self._followers.discard(follower)
            if not self._followers and self._watch is not None:
                self._watch.cancel()

    async def _watching(self) -> None:
        async for found in self._found():
            for change in found:
                for follower in self._followers:
                    follower.offer(change)

    async def _found(self) -> AsyncGenerator[Sequence[Change], None]:
        """The changes of each second; the first look only learns where the topics end."""
        before: Mapping[tuple[str, int], int] | None = None
        while True:
            try:
                ends = await self._ends()
                yield await self._between(before, ends) if before is not None else ()
                before = ends
                self._begun.set()
            except Retryable as error:
                _log.warning("changes_not_seen", error=str(error))
            await asyncio.sleep(EVERY_SECONDS)

    async def _ends(self) -> Mapping[tuple[str, int], int]:
        lags = await self._eventlog.lag(topics.ENGINE.name, _TOPICS)
        return {(lag.topic, lag.partition): lag.end for lag in lags}

    async def _between(
        self, before: Mapping[tuple[str, int], int], ends: Mapping[tuple[str, int], int]
    ) -> Sequence[Change]:
        grown = {where: end for where, end in ends.items() if end > before.get(where, 0)}
        found: list[Change] = []
        for kind, names in KINDS.items():
            parts = [where for where in grown if where[0] in names]
            if parts:
                found.append(await self._change(kind, parts, before))
        return found

    async def _change(
        self, kind: str, parts: Sequence[tuple[str, int]], before: Mapping[tuple[str, int], int]
    ) -> Change:
        ids: dict[str, None] = {}
        listed = [part for part in parts if part[0] in _KEYED_BY_ID]
        for topic, partition in listed:
            start = before.get((topic, partition), 0)
            read = await self._eventlog.read(topic, partition, start, LARGEST_IDS)
            ids |= dict.fromkeys(one.record.key for one in read)
        more = len(listed) < len(parts) or len(ids) >= LARGEST_IDS
        return Change(kind, tuple(ids)[:LARGEST_IDS], more, self._clock.now_ms())
