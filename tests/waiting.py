"""Waits for a condition with a deadline: what tests do instead of sleeping."""

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Return as soon as the condition holds; fail after the deadline."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not holds():
        assert loop.time() < deadline, "the condition did not come to hold in time"
        await asyncio.sleep(0.002)
