"""Stops taking events before unjudged ones grow so old that the log forgets them (A1)."""

import asyncio

from hookline_common.clock import Clock
from hookline_common.errors import Retryable, Unavailable
from hookline_common.eventlog import EventLog
from hookline_common.topics import RECEIVED, VERIFIER

CHECK_SECONDS = 60.0
OLDEST_MS = RECEIVED.retention_ms // 2


class Backlog:
    """How old the oldest unjudged event is; looked up once a minute while requests come."""

    def __init__(self, log: EventLog, clock: Clock, check_seconds: float = CHECK_SECONDS) -> None:
        self._log = log
        self._clock = clock
        self._check_seconds = check_seconds
        self._checked = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._age_ms = 0

    def check(self) -> None:
        """Raises Unavailable while the oldest unjudged event is too old."""
        now = asyncio.get_running_loop().time()
        if self._task is None and now - self._checked >= self._check_seconds:
            self._checked = now
            self._task = asyncio.create_task(self._look())
        if self._age_ms > OLDEST_MS:
            raise Unavailable(
                "Events are not being processed; nothing more is taken until they are.",
                code="backlog_too_old",
                retry_after_seconds=60,
            )

    async def close(self) -> None:
        """Give up a look that is under way."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _look(self) -> None:
        try:
            self._age_ms = await self._oldest()
        except Retryable:
            self._checked = float("-inf")  # look again with the next request
        finally:
            self._task = None

    async def _oldest(self) -> int:
        oldest = 0
        for lag in await self._log.lag(VERIFIER.name, [RECEIVED.name]):
            if lag.committed >= lag.end:
                continue
            found = await self._log.read(lag.topic, lag.partition, lag.committed, 1)
            if found:
                oldest = max(oldest, self._clock.now_ms() - found[0].timestamp_ms)
        return oldest
