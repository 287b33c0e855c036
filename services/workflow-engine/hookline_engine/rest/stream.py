"""`GET /stream` (rest.md 2.10a): what changes, as server-sent events.

The form is that of the HTML standard, section 9.2 (Server-sent events).
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from hookline_common.errors import BadRequest
from hookline_common.running import Shutdown
from hookline_engine.changes import KINDS, Change, Changes, Follower

ALIVE_SECONDS = 15.0
_RETRY = b"retry: 2000\n\n"
_ALIVE = b": alive\n\n"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def stream_routes(changes: Changes, shutdown: Shutdown) -> list[BaseRoute]:
    """The endpoint; its streams end when the process is told to."""

    async def stream(request: Request) -> Response:
        """GET `?topics=` kinds, separated by commas or repeated; all without it. What comes after
        the answer has begun is in it.
        """
        content = _content(changes, _kinds(request), shutdown)
        first = await anext(content)  # a refusal is an answer of its own, not a broken stream
        return StreamingResponse(
            _from(first, content), media_type="text/event-stream", headers=_HEADERS
        )

    return [Route("/api/stream", stream, methods=["GET"])]


def _kinds(request: Request) -> Sequence[str]:
    given = [
        kind.strip()
        for text in request.query_params.getlist("topics")
        for kind in text.split(",")
        if kind.strip()
    ]
    unknown = [kind for kind in given if kind not in KINDS]
    if unknown:
        raise BadRequest(
            f"There is no stream of {unknown[0]!r}; there are: {', '.join(KINDS)}.",
            code="unknown_topic",
            field="/topics",
        )
    return given or tuple(KINDS)


async def _from(first: bytes, content: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    yield first
    async for part in content:
        yield part


async def _content(
    changes: Changes, kinds: Sequence[str], shutdown: Shutdown
) -> AsyncGenerator[bytes, None]:
    with changes.followed(kinds) as follower:
        await changes.begun()
        yield _RETRY
        ending = asyncio.create_task(shutdown.wait())
        try:
            while not shutdown.requested:
                found = await _next(follower, ending)
                yield b"".join(map(_event, found)) or _ALIVE
        finally:
            ending.cancel()


async def _next(follower: Follower, ending: "asyncio.Task[None]") -> Sequence[Change]:
    """The next changes; none after a while without any, or when the end has come."""
    waiting = asyncio.create_task(follower.changes(ALIVE_SECONDS))
    await asyncio.wait({waiting, ending}, return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        waiting.cancel()
        return ()
    return waiting.result()


def _event(change: Change) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (change.kind.encode(), msgspec.json.encode(change))
