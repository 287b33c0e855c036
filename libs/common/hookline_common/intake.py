"""Takes batches from a consumer so that a take which is not waited for to its end loses nothing."""

import asyncio
from collections.abc import Sequence

from hookline_common.eventlog import Consumer, Delivered


class Intake:
    """A consumer and at most one take that is under way.

    A cancelled take could drop records that were already read, and a later commit would skip
    them; so a take that lasts too long is kept and its records come with the next call.
    """

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer
        self._under_way: asyncio.Task[Sequence[Delivered]] | None = None

    async def take(self) -> Sequence[Delivered]:
        """Wait for the next batch."""
        if self._under_way is None:
            return await self.consumer.next_batch()
        batch = await self._under_way
        self._under_way = None
        return batch

    async def take_within(
        self, seconds: float, max_records: int, max_bytes: int
    ) -> Sequence[Delivered]:
        """The next batch, at most so large, if there is one within that time, else nothing."""
        if self._under_way is None:
            self._under_way = asyncio.create_task(self._next(max_records, max_bytes))
        task = self._under_way
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            return ()
        self._under_way = None
        return task.result()

    async def rewind(self) -> None:
        """Go back to what is committed."""
        await self.close()
        await self.consumer.rewind_to_committed()

    async def close(self) -> None:
        """Give up a take that is under way."""
        task, self._under_way = self._under_way, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _next(self, max_records: int, max_bytes: int) -> Sequence[Delivered]:
        return await self.consumer.next_batch(max_records, max_bytes)
