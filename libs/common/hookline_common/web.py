"""The HTTP app of a process: its services' routes, health, metrics, errors as JSON, the guard."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

from hookline_common.errors import ApiError, Retryable, TooLarge, Unauthorized
from hookline_common.ids import random_id
from hookline_common.web_answers import (
    empty_answer,
    error_answer,
    error_body,
    json_answer,
    text_answer,
    unavailable,
    without_nulls,
)
from hookline_common.web_guard import HostGuard
from hookline_common.web_keys import ApiKeys
from hookline_common.web_routing import PathRouter

__all__ = [
    "API_BODY_LIMIT",
    "ApiKeys",
    "HostGuard",
    "WebApp",
    "caller",
    "create_app",
    "empty_answer",
    "error_answer",
    "error_body",
    "health_routes",
    "json_answer",
    "text_answer",
    "token_routes",
    "without_nulls",
]

API_BODY_LIMIT = 16 * 1024 * 1024
"""Bytes of a request to the API; the gateway has limits of its own (specs/webhooks.md 2)."""

Problems = Callable[[], Awaitable[Sequence[str]]]

_OPEN_PATHS = ("/livez", "/readyz", "/metrics", "/health")
_GATEWAY_PREFIXES = ("/webhook/", "/api/webhook/")
_WITHOUT_KEY = ("/api/token", "/api/health")
_CALLER = "hookline.caller"
_log = structlog.get_logger()


def create_app(
    routes: Sequence[BaseRoute],
    *,
    problems: Problems,
    guard: HostGuard | None = None,
    keys: ApiKeys | None = None,
    registry: CollectorRegistry | None = None,
) -> "WebApp":
    """The app for `routes` plus `/livez`, `/readyz` (503 and `problems()` while there are some),
    `/metrics` of `registry`, and `POST /api/token` when `keys` are on.

    The gateway's routes and health are open; everything else is guarded (H1), and `/api` asks
    for a token when keys are on. Handlers raise ApiError or Retryable.
    """
    own = health_routes(problems, registry)
    if keys is not None:
        own += token_routes(keys)
    return WebApp(PathRouter([*own, *routes]), guard or HostGuard(), keys)


def caller(request: Request) -> str | None:
    """The id of the key that the request came with; None while no keys are on."""
    return request.scope.get(_CALLER)


def health_routes(problems: Problems, registry: CollectorRegistry | None = None) -> list[BaseRoute]:
    """`/livez`, `/readyz` and, with a registry, `/metrics`."""

    async def live(_: Request) -> Response:
        return json_answer({"live": True})

    async def ready(_: Request) -> Response:
        found = list(await problems())
        return json_answer({"ready": not found, "problems": found}, 503 if found else 200)

    async def metrics(_: Request) -> Response:
        content = generate_latest(registry) if registry else b""
        return Response(content, headers={"Content-Type": CONTENT_TYPE_LATEST})

    routes: list[BaseRoute] = [Route("/livez", live), Route("/readyz", ready)]
    return routes if registry is None else [*routes, Route("/metrics", metrics)]


def token_routes(keys: ApiKeys) -> list[BaseRoute]:
    """`POST /api/token` and `GET /api/token/userInfo`; without keys neither is there, and the 404
    switches authentication off in the SDK.
    """

    async def token(request: Request) -> Response:
        try:
            body = await request.json()
            key_id, secret = str(body["keyId"]), str(body["keySecret"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            message = "keyId and keySecret are needed."
            raise Unauthorized(message, code="INVALID_TOKEN") from error
        return json_answer({"token": keys.issue(key_id, secret)})

    async def user_info(request: Request) -> Response:
        return json_answer({"id": caller(request), "name": caller(request)})

    return [
        Route("/api/token", token, methods=["POST"]),
        Route("/api/token/userInfo", user_info),
    ]


class WebApp:
    """The ASGI app: route, guard, authenticate, handle; every failure becomes a JSON answer."""

    def __init__(self, router: PathRouter, guard: HostGuard, keys: ApiKeys | None) -> None:
        self._router = router
        self._guard = guard
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection event of ASGI; websockets are not served."""
        if scope["type"] == "http":
            await self._handle(scope, receive, _Answering(send))
        elif scope["type"] == "lifespan":
            await _run_lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _handle(self, scope: Scope, receive: Receive, send: "_Answering") -> None:
        try:
            found = self._router.find(scope)
            scope["path_params"] = found.params
            if not found.template.startswith(_GATEWAY_PREFIXES):
                receive = self._admit(scope, found.template, receive)
            await found.app(scope, receive, send)
        except ApiError as error:
            await send.fail(error_answer(error), scope, receive)
        except Retryable as error:
            await send.fail(error_answer(unavailable(error)), scope, receive)
        except HTTPException as error:
            await send.fail(_foreign_error(error), scope, receive)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - the last resort: answered, logged, counted
            await send.fail(_internal_error(scope, error), scope, receive)

    def _admit(self, scope: Scope, template: str, receive: Receive) -> Receive:
        """Check guard and token of a route that is not the gateway's; return a bounded body."""
        if template in _OPEN_PATHS:
            return receive
        self._guard.check(scope)
        if self._keys is not None and _needs_key(template):
            scope[_CALLER] = self._keys.caller(_token(scope))
        return _Bounded(scope, receive).receive


def _needs_key(template: str) -> bool:
    return template.startswith("/api/") and template not in _WITHOUT_KEY


def _token(scope: Scope) -> str:
    headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
    values = [value for name, value in headers if name == b"x-authorization"]
    return values[0].decode("latin-1") if len(values) == 1 else ""


class _Answering:
    """The send channel of one request, which knows whether an answer has begun."""

    __slots__ = ("_send", "_started")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started = False

    async def __call__(self, message: Message) -> None:
        self._started = True
        await self._send(message)

    async def fail(self, answer: Response, scope: Scope, receive: Receive) -> None:
        """Send the answer to a failure, unless another has begun: then the connection breaks."""
        if self._started:
            raise ConnectionAbortedError("the request failed after its answer had begun")
        await answer(scope, receive, self._send)


class _Bounded:
    """The receive channel of one API request: refuses a body over the limit while it comes."""

    __slots__ = ("_receive", "_received")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        self._received = 0
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > API_BODY_LIMIT:
                raise _too_large()

    async def receive(self) -> Message:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received > API_BODY_LIMIT:
            raise _too_large()
        return message


def _too_large() -> TooLarge:
    return TooLarge(f"A request body may have at most {API_BODY_LIMIT} bytes.")


def _foreign_error(error: HTTPException) -> Response:
    """Starlette's own errors (static files raise them) in the shape of all others."""
    body = error_body(ApiError(error.detail, code=f"http_{error.status_code}"))
    body["status"] = error.status_code
    return json_answer(body, error.status_code, error.headers)


def _internal_error(scope: Mapping[str, Any], error: Exception) -> Response:
    error_id = random_id()
    _log.error(
        "request_failed",
        error_id=error_id,
        method=scope["method"],
        path=scope["path"],
        exc_info=error,
    )
    return error_answer(ApiError(f"Something went wrong here; the log has it as {error_id}."))


async def _run_lifespan(receive: Receive, send: Send) -> None:
    """Services are started and stopped by the runner, not by the server."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
