"""Comes back to limits: when there may be room, and now and then to all that somebody waits for.

The look now and then is what repairs: it finds the waiters that another engine put in line before
it was lost, definitions saved elsewhere, and places whose holder is gone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from hookline_common.clock import Clock
from hookline_common.errors import Retryable
from hookline_engine.limit_store import LimitStore

LOOK_MS = 5_000
RETRY_SECONDS = 1.0

Look = Callable[[str], Awaitable[None]]
"""Lets in whoever waits under the limit and has room."""

_log = structlog.get_logger()


class DueLimits:
    """A task in the background; several engines may look at the same limit."""

    def __init__(self, store: LimitStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._due: dict[str, int] = {}
        self._look_at_ms = 0
        self._nearer = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._trouble: str | None = None

    def add(self, limit_id: str, at: int) -> None:
        """Look at the limit at this time (epoch milliseconds), or as soon as there is time."""
        self._due[limit_id] = min(at, self._due.get(limit_id, at))
        self._nearer.set()

    async def start(self, looks: Mapping[str, Look]) -> None:
        """Begin. `looks`: who looks, by the prefix of the limit's id."""
        self._task = asyncio.create_task(self._run(looks), name="limits")

    async def stop(self) -> None:
        """Look no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    def problems(self) -> Sequence[str]:
        """Why limits are not looked at, in sentences."""
        return [self._trouble] if self._trouble else []

    async def _run(self, looks: Mapping[str, Look]) -> None:
        while True:
            try:
                await self._once(looks)
            except Retryable as error:
                self._trouble = f"limits: trying again after {error}"
                _log.warning("limits_retry", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:  # noqa: BLE001 - it is in the log, and the next look tries again
                _log.exception("unexpected", where="limits")
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._trouble = None
                await self._until_next()

    async def _once(self, looks: Mapping[str, Look]) -> None:
        """Look at every limit whose time has come."""
        now = self._clock.now_ms()
        if now >= self._look_at_ms:
            for prefix in looks:
                for limit_id in await self._store.waited_for(prefix):
                    self._due[limit_id] = now
            self._look_at_ms = now + LOOK_MS
        for limit_id in [one for one, at in self._due.items() if at <= now]:
            at = self._due.pop(limit_id)
            try:
                await looks[limit_id.partition(":")[0] + ":"](limit_id)
            except Retryable:
                self.add(limit_id, at)
                raise

    async def _until_next(self) -> None:
        self._nearer.clear()
        next_ms = min(self._look_at_ms, *self._due.values()) if self._due else self._look_at_ms
        pause = (next_ms - self._clock.now_ms()) / 1000
        if pause <= 0:
            return
        try:
            async with asyncio.timeout(pause):
                await self._nearer.wait()
        except TimeoutError:
            return
