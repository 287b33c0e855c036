"""Remembers whose effects are out, so that outboxes are cleared when there is time for it (G2).

A head whose outbox went out is cleared by the next save of it, or here: when nothing else has been
done for a moment, or after the longest delay. A crash before that repeats effects, which is safe.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from hookline_engine.execution_store import Change

QUIET_SECONDS = 0.1
MOST_REMEMBERED = 20_000
"""Heads that are kept in memory for it; beyond that they are cleared at once."""

_BATCH = 200

Clear = Callable[[Sequence[str]], Awaitable[None]]


class Clearing:
    """Heads by id, each with the change that clears it.

    `clear` is given ids; it takes their changes with `pop` and saves them.
    """

    def __init__(self, clear: Clear, longest_delay_seconds: float) -> None:
        self._clear = clear
        self._longest_delay = longest_delay_seconds
        self._changes: dict[str, Change] = {}
        self._busy_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def add(self, changes: Sequence[Change]) -> None:
        """The effects of these heads are out."""
        for change in changes:
            self._changes[change.head.workflow_id] = change
        self._busy_at = asyncio.get_running_loop().time()
        if self._changes and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._run(), name="clearing")

    def pop(self, workflow_id: str) -> Change | None:
        """The change of a head, which the caller saves or replaces by a newer one."""
        return self._changes.pop(workflow_id, None)

    async def flush(self) -> None:
        """Clear everything now; nobody else is at work any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        while self._changes:
            await self._clear(self._oldest())

    def _oldest(self) -> Sequence[str]:
        return [workflow_id for workflow_id, _ in zip(self._changes, range(_BATCH), strict=False)]

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while self._changes:
            quiet = loop.time() - self._busy_at >= QUIET_SECONDS
            late = loop.time() - begun >= self._longest_delay
            if quiet or late or len(self._changes) > MOST_REMEMBERED:
                await self._clear(self._oldest())
            # Between batches too: those who wait for an answer go first.
            await asyncio.sleep(0 if late else QUIET_SECONDS if not quiet else 0.001)
