"""Records to append, and how tests take them out of a consumer."""

import asyncio
import uuid
from collections.abc import Sequence

from hookline_common.eventlog import Consumer, Delivered, Record
from hookline_common.topics import Topic

SECONDS = 20


def group() -> str:
    """A group that no other test uses."""
    return f"group-{uuid.uuid4().hex[:8]}"


def records(topic: Topic, count: int, *, key: str | None = None) -> list[Record]:
    """Numbered records, each with a key of its own unless given."""
    return [
        Record(topic.name, f"key-{number}" if key is None else key, b"%d" % number)
        for number in range(count)
    ]


async def take(consumer: Consumer, count: int, **limits: int) -> list[Delivered]:
    """So many messages, in as many batches as it takes."""
    taken: list[Delivered] = []
    async with asyncio.timeout(SECONDS):
        while len(taken) < count:
            taken += await consumer.next_batch(**limits)
    return taken


def values(delivered: Sequence[Delivered]) -> list[bytes | None]:
    """What the messages hold."""
    return [one.record.value for one in delivered]
