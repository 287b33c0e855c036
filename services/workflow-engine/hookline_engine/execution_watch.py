"""Lets a caller wait until an execution has changed (rest.md 3.2)."""

import asyncio

from hookline_engine.core.model import Head

RECHECK_SECONDS = 0.5
"""How often one looks again for what another process has done."""


class ExecutionWatch:
    """A listener of Executions that wakes those who wait for one of them."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._waiting = 0

    def saved(self, head: Head) -> None:
        """Something changed: whoever waits looks whether it was what it waits for."""
        if self._waiting and head.workflow_id:
            self._changed.set()

    def kept_back(self) -> None:
        """Of no interest here."""

    async def change(self, seconds: float) -> None:
        """Return when some execution was saved, or after `seconds`, or when it is time to recheck.

        One event serves all who wait: sub-workflows are looked at too, whose ids are not known
        before.
        """
        event = self._changed
        self._waiting += 1
        try:
            async with asyncio.timeout(min(seconds, RECHECK_SECONDS)):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting -= 1
            if event.is_set() and self._changed is event:
                self._changed = asyncio.Event()
