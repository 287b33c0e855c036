"""An HTTP server that HTTP tasks call: it tells back what it was asked, and fails on request."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hookline_common.serving import Door, Listener, open_door


class EchoServer:
    """`calls` counts the requests by path."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.calls: Counter[str] = Counter()

    async def echo(self, request: Request) -> Response:
        """What came, as JSON."""
        self.calls[request.url.path] += 1
        body: Any = await request.json() if await request.body() else None
        key = request.headers.get("idempotency-key")
        return JSONResponse({"method": request.method, "body": body, "key": key})

    async def fail_once(self, request: Request) -> Response:
        """503 at the first call of a path, as `echo` afterwards."""
        if not self.calls[request.url.path]:
            self.calls[request.url.path] += 1
            return Response("not yet", 503)
        return await self.echo(request)


@contextlib.asynccontextmanager
async def echo_server() -> AsyncIterator[EchoServer]:
    """A server on a free port until the block ends."""
    listener = Listener.bind("127.0.0.1", 0, "")
    server = EchoServer(listener.address)
    methods = ["GET", "POST", "PUT"]
    app = Starlette(
        routes=[
            Route("/echo/{name}", server.echo, methods=methods),
            Route("/flaky/{name}", server.fail_once, methods=methods),
        ]
    )
    failures: list[BaseException] = []
    door = await open_door(Door(app, listener), failures.append)
    try:
        yield server
    finally:
        await door.close()
        listener.socket.close()
    assert not failures
