"""Reads request bodies: counted while they come, within a limit each and one for all together."""

import asyncio
from typing import Any

from starlette.types import Receive

from hookline_common.errors import BadRequest, TooLarge, Unavailable

BODY_SECONDS = 60.0
"""How long a sender may take over one body: a slow one holds memory that others need."""

DRAIN_SECONDS = 2.0
DRAIN_BYTES = 16 * 1024 * 1024
"""How much of a refused body is still read, so that the sender sees the answer, not a reset."""


class SenderGone(Exception):
    """The sender hung up before its request was complete."""


class BodyMemory:
    """The bytes of all bodies that are held now."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0

    def take(self, size: int) -> None:
        """Reserve; raises Unavailable when too much is held already."""
        if self._held + size > self._limit:
            raise Unavailable("Too many requests are being read; try again.", retry_after_seconds=1)
        self._held += size

    def give_back(self, size: int) -> None:
        """Release what was reserved."""
        self._held -= size

    @property
    def held(self) -> int:
        """Bytes that are reserved now."""
        return self._held


class Body:
    """The body of one request; `close` releases its memory. `complete`: nothing more is to come."""

    __slots__ = ("_chunks", "_memory", "complete", "limit", "size")

    def __init__(self, memory: BodyMemory, limit: int) -> None:
        self._memory = memory
        self.limit = limit
        self._chunks: list[bytes] = []
        self.size = 0
        self.complete = False

    async def read(self, receive: Receive) -> bytes:
        """The whole body. Raises TooLarge as soon as the limit is passed, whatever
        Content-Length says; Unavailable; BadRequest when it takes too long; SenderGone.
        """
        message = await receive()
        if not message.get("more_body", False):
            self._add(message)
            return self._chunks[0] if self._chunks else b""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while self._add(message):
                    message = await receive()
        except TimeoutError as error:
            raise BadRequest("The body took too long to arrive.", code="body_timeout") from error
        return b"".join(self._chunks)

    def close(self) -> None:
        """Release the memory."""
        if self.size:
            self._memory.give_back(self.size)
            self.size = 0
            self._chunks.clear()

    def _add(self, message: Any) -> bool:
        """Keep a piece; return whether more is to come."""
        if message["type"] == "http.disconnect":
            raise SenderGone
        self.complete = not message.get("more_body", False)
        piece = message.get("body", b"")
        if piece:
            if self.size + len(piece) > self.limit:
                raise TooLarge(f"The body is larger than the {self.limit} bytes allowed here.")
            self._memory.take(len(piece))
            self.size += len(piece)
            self._chunks.append(piece)
        return not self.complete


async def drain(receive: Receive) -> None:
    """Read and forget the rest of a body, within bounds."""
    left = DRAIN_BYTES
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return
