"""HTTP: the request a task asks for and what becomes of its answer (engine.md 4.3, D14, D39).

The call itself is made by the shell's executor; here it is only described and judged.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import msgspec

from hookline_common.jsonpath import is_array, is_object
from hookline_engine.core.model import TaskLine
from hookline_engine.core.tasks.kinds import TaskType, complete, fail
from hookline_engine.core.work import Work
from hookline_engine.definitions.snapshots import Node

DEFAULT_TIMEOUT_MS = 3000
JSON_TYPE = "application/json"


class HttpCall(msgspec.Struct, frozen=True):
    """A request to make. `idempotency_key` goes out as a header, so that a repeat can be told."""

    method: str
    uri: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    connect_timeout_ms: int
    read_timeout_ms: int
    idempotency_key: str


class HttpInputError(Exception):
    """The input does not describe a request."""


class Http(TaskType):
    """Queued for the engine's own executor."""

    queued: ClassVar[Literal["worker", "system"] | None] = "system"
    answered: ClassVar[bool] = True
    cacheable: ClassVar[bool] = True
    delayed: ClassVar[bool] = True

    def input(self, work: Work, node: Node, task_id: str) -> dict[str, Any]:
        """The evaluated input; the node's `asyncComplete` is part of it."""
        given = super().input(work, node, task_id)
        return {**given, "asyncComplete": node.task.async_complete}

    def launch(self, work: Work, line: TaskLine) -> None:
        """Into the queue, unless it is plain already that no request can be made."""
        if work.node(line.ref).names_secrets:  # what it says is known where it is made
            super().launch(work, line)
            return
        try:
            http_call(line.id, work.value(line.input))
        except HttpInputError as error:
            fail(work, line, str(error))
        else:
            super().launch(work, line)


def http_call(task_id: str, given: Mapping[str, Any]) -> HttpCall:
    """The request of an HTTP task's input; raises HttpInputError."""
    request = given.get("http_request", dict(given))
    if not is_object(request):
        raise HttpInputError("http_request is not an object")
    content_type = str(request.get("contentType") or JSON_TYPE)
    body = _body(request.get("body"), content_type)
    defaults = {"Accept": _accept(request.get("accept"))}
    if body is not None:
        defaults["Content-Type"] = content_type
    headers = {**defaults, "Idempotency-Key": task_id}
    return HttpCall(
        method=_method(request.get("method")),
        uri=_uri(request.get("uri")),
        headers=_headers(headers, request.get("headers")),
        body=body,
        connect_timeout_ms=_timeout(request, "connectionTimeOut"),
        read_timeout_ms=_timeout(request, "readTimeOut"),
        idempotency_key=task_id,
    )


def settle_response(
    work: Work, line: TaskLine, response: dict[str, Any] | None, error: str | None
) -> None:
    """What the answer makes of the task: 2xx completes it, everything else is a failure."""
    if response is None:
        reason = error or "no answer came"
        fail(work, line, reason, {"response": reason})
        return
    status = int(response.get("statusCode") or 0)
    text = response.get("body")
    shown = {**response, "body": parsed_body(text if isinstance(text, str) else "")}
    if 200 <= status < 300:
        _succeed(work, line, {"response": shown})
        return
    reason = f"the server answered {status} {response.get('reasonPhrase') or ''}".strip()
    fail(work, line, f"{reason}: {text}"[:500] if text else reason, {"response": shown})


def parsed_body(text: str) -> Any:
    """JSON as its value (a bare number as a double), anything else as its text, nothing as null."""
    if not text:
        return None
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return text
    if isinstance(value, bool) or value is None:
        return text
    return float(value) if isinstance(value, int) else value


def _succeed(work: Work, line: TaskLine, output: dict[str, Any]) -> None:
    if not work.value(line.input).get("asyncComplete"):
        complete(work, line, output)
        return
    token = work.body(line.id, "out", output)
    work.put(msgspec.structs.replace(line, output=token, async_complete=True, updated_at=work.now))


def _method(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise HttpInputError("the request has no method")
    if value != value.upper() or not value.isascii() or not value.isalpha():
        raise HttpInputError(f"{value!r} is no HTTP method")
    return value


def _uri(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise HttpInputError("the request has no uri")
    if not value.startswith(("http://", "https://")):
        raise HttpInputError(f"the uri {value!r} begins with neither http:// nor https://")
    return value


def _accept(value: Any) -> str:
    if is_array(value):
        return ", ".join(map(str, value))
    return str(value) if value else JSON_TYPE


def _headers(defaults: dict[str, str], given: Any) -> tuple[tuple[str, str], ...]:
    if given is None:
        return tuple(defaults.items())
    if not is_object(given):
        raise HttpInputError("headers is not an object")
    own = {str(name): _text(value) for name, value in given.items() if value is not None}
    names = {name.lower() for name in own}
    kept = {name: value for name, value in defaults.items() if name.lower() not in names}
    return tuple({**kept, **own}.items())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _body(value: Any, content_type: str) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode()
    if "json" not in content_type.lower():
        raise HttpInputError(f"a body for {content_type} must be a text")
    return msgspec.json.encode(value)


def _timeout(request: Mapping[str, Any], name: str) -> int:
    value = request.get(name, DEFAULT_TIMEOUT_MS)
    try:
        milliseconds = int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise HttpInputError(f"{name} {value!r} is no number of milliseconds") from error
    return milliseconds if milliseconds > 0 else DEFAULT_TIMEOUT_MS
