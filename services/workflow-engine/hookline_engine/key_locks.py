"""One lock per key, for as long as somebody wants it: callers of this process take turns."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class KeyLocks:
    """Locks by key; a key that nobody holds or waits for costs nothing."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: dict[str, int] = {}

    @asynccontextmanager
    async def held(self, key: str) -> AsyncGenerator[None]:
        """Others in this process wait with this key until the block is left."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._users[key] = self._users.get(key, 0) + 1
        try:
            async with lock:
                yield
        finally:
            self._users[key] -= 1
            if not self._users[key]:
                del self._users[key], self._locks[key]
