"""Sweeps up what nobody needs any more: now and then, and slowly."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from hookline_common.errors import Retryable

FIRST_AFTER_SECONDS = 60.0
EVERY_SECONDS = 900.0

Sweep = Callable[[], Awaitable[int]]

_log = structlog.get_logger()


class Sweeps:
    """A task in the background; what it misses this time it finds the next."""

    def __init__(self, sweeps: Sequence[Sweep]) -> None:
        """Each returns how much it has swept up."""
        self._sweeps = tuple(sweeps)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin in a while."""
        self._task = asyncio.create_task(self._run(), name="sweeps")

    async def stop(self) -> None:
        """Sweep no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def once(self) -> int:
        """All sweeps now; returns how much there was."""
        return sum([await sweep() for sweep in self._sweeps])

    async def _run(self) -> None:
        await asyncio.sleep(FIRST_AFTER_SECONDS)
        while True:
            try:
                swept = await self.once()
            except Retryable as error:
                _log.info("sweep_put_off", error=str(error))
            except Exception:  # noqa: BLE001 - it is in the log, and the next sweep tries again
                _log.exception("unexpected", where="sweeps")
            else:
                _log.debug("swept", count=swept)
            await asyncio.sleep(EVERY_SECONDS)
