"""Answers over HTTP: JSON, text, empty ones, and the one shape of errors (specs/rest.md 1.5)."""

import socket
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from hookline_common.errors import (
    ApiError,
    MethodNotAllowed,
    Retryable,
    Unauthorized,
    Unavailable,
)

RETRY_AFTER_SECONDS = 1
"""What a caller is told after a fault of the log or the store that may pass by itself."""

_INSTANCE = socket.gethostname()
_encoder = msgspec.json.Encoder()


def json_answer(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """`value` as JSON (structs, mappings, lists; msgspec.Raw is taken as it is)."""
    return Response(_encoder.encode(value), status, headers=headers, media_type="application/json")


def text_answer(text: str, status: int = 200) -> Response:
    """The bare text, as Conductor answers ids."""
    return Response(text, status, media_type="text/plain")


def empty_answer(status: int = 200) -> Response:
    """No body and no content type."""
    return Response(None, status)


def without_nulls(value: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that are not null: a null property is left out of an answer (rest.md 1.3)."""
    return {name: item for name, item in value.items() if item is not None}


def error_body(error: ApiError) -> dict[str, Any]:
    """The body of an error: Conductor's fields, `code` and, if one is at fault, `field`."""
    body: dict[str, Any] = {
        "status": error.status,
        "code": error.code,
        "message": str(error),
        "instance": _INSTANCE,
        "retryable": isinstance(error, Unavailable),
    }
    if isinstance(error, Unauthorized):
        body["error"] = error.code.upper()  # what the SDK looks at to fetch a new token
    if error.field is not None:
        body["field"] = error.field
    if error.violations:
        body["validationErrors"] = list(error.violations)
    if error.metadata:
        body["metadata"] = error.metadata
    return body


def error_answer(error: ApiError) -> Response:
    """The answer to a request that failed with `error`, with Allow and Retry-After where due."""
    headers: dict[str, str] = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, MethodNotAllowed) and error.metadata:
        headers["Allow"] = str(error.metadata["allow"])
    return json_answer(error_body(error), error.status, headers)


def unavailable(error: Retryable) -> Unavailable:
    """What a caller sees of a fault that may pass by itself."""
    return Unavailable(str(error), retry_after_seconds=RETRY_AFTER_SECONDS)
