"""Keeps the configuration fresh: shared refreshes, ten a second at most, none while idle (D2)."""

import asyncio

from hookline_common.config_view import ConfigView
from hookline_common.errors import Retryable

INTERVAL_SECONDS = 0.1


class Freshness:
    """Refreshes a view for many requests at once."""

    def __init__(self, view: ConfigView, interval_seconds: float = INTERVAL_SECONDS) -> None:
        self._view = view
        self._interval = interval_seconds
        self._begun = float("-inf")
        self._coming: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def fresh(self) -> None:
        """Return after a refresh that began after this call; raises LogUnavailable."""
        await asyncio.shield(self._next())

    def soon(self) -> None:
        """Have the view refreshed in the background if that was not done just now."""
        if self._coming is None and self._due() <= 0:
            self._next()

    async def close(self) -> None:
        """Give up refreshes that are under way."""
        for task in tuple(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    def _due(self) -> float:
        return self._begun + self._interval - asyncio.get_running_loop().time()

    def _next(self) -> "asyncio.Task[None]":
        if self._coming is None:
            self._coming = asyncio.create_task(self._refresh())
            self._running.add(self._coming)
            self._coming.add_done_callback(self._ended)
        return self._coming

    async def _refresh(self) -> None:
        due = self._due()
        if due > 0:
            await asyncio.sleep(due)
        self._coming = None  # whoever calls from here on needs a later one
        self._begun = asyncio.get_running_loop().time()
        await self._view.refresh()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, Retryable):
            raise error  # a defect: the event loop's handler reports it
