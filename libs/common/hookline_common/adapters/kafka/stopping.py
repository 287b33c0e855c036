"""Stops aiokafka's consumers, also while no broker answers."""

# aiokafka carries no types: this module relaxes the checker for itself only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
from typing import Any


async def stop_consumer(consumer: Any) -> None:
    """Leave the group and disconnect.

    While a broker is gone aiokafka waits between its fetches, and its `stop` cancels such a wait
    and lets that CancelledError out as if its caller had been cancelled, with its connections open:
    a process that drains would end in the middle of it. What it left undone is done here.
    """
    stopping = asyncio.ensure_future(consumer.stop())
    try:
        await asyncio.wait({stopping})
    except asyncio.CancelledError:
        stopping.cancel()
        raise
    if stopping.cancelled():
        await _disconnect(consumer)
    else:
        stopping.result()


async def _disconnect(consumer: Any) -> None:
    fetcher, client = consumer._fetcher, consumer._client  # noqa: SLF001 - nothing else has them
    fetches = [*fetcher._pending_tasks] if fetcher is not None else []  # noqa: SLF001 - as above
    for fetch in fetches:
        fetch.cancel()
    await asyncio.gather(*fetches, return_exceptions=True)
    await client.close()
