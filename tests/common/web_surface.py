"""A small app of the factory, and clients of it."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from hookline_common.web import (
    WebApp,
    caller,
    create_app,
    json_answer,
    text_answer,
)


class HandMovedClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.ms = 1_000_000

    def now_ms(self) -> int:
        return self.ms


async def no_problems() -> Sequence[str]:
    """A healthy service."""
    return ()


async def echo(request: Request) -> Response:
    """Answers what the endpoint was given."""
    return json_answer({"params": dict(request.path_params), "caller": caller(request)})


async def swallow(request: Request) -> Response:
    """Answers how large the body was."""
    return json_answer({"size": len(await request.body())})


def raising(error: Exception) -> Any:
    """An endpoint that fails."""

    async def endpoint(_: Request) -> Response:
        raise error

    return endpoint


class Gateway:
    """An ASGI app that answers the id in its path."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await text_answer(scope["path_params"]["id"])(scope, receive, send)


ROUTES: list[BaseRoute] = [
    Route("/webhook/{id}", Gateway()),
    Route("/api/webhook/{id}", Gateway()),
    Route("/api/workflow/search", echo),
    Route("/api/workflow/{name}", echo, methods=["GET", "POST"]),
    Route("/api/workflow/{name}/tags", swallow, methods=["DELETE"]),
    Route("/api/workflow/{name}/{version}", echo, methods=["DELETE"]),
    Route("/api/files/{path:path}", echo),
    Route("/api/body", swallow, methods=["POST"]),
    Route("/page", echo),
]


def app(routes: Sequence[BaseRoute] = (), **options: Any) -> WebApp:
    """The app of a service with some routes."""
    return create_app([*ROUTES, *routes], **{"problems": no_problems, **options})


def client(served: WebApp | None = None) -> httpx.AsyncClient:
    """A client of the app."""
    transport = httpx.ASGITransport(served or app())
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")


def into(sent: list[Any]) -> Send:
    """Where the app sends its messages."""

    async def send(message: Any) -> None:
        sent.append(message)

    return send


async def raw_request(served: WebApp, path: str, headers: list[tuple[bytes, bytes]]) -> list[Any]:
    """What the app sends for a request whose headers no client would write."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
    }
    sent: list[Any] = []
    await served(scope, asyncio.Queue[Any]().get, into(sent))
    return sent
