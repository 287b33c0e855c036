"""Makes the requests of HTTP tasks and says what came back."""

from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

from hookline_engine.core.tasks.http import HttpCall, HttpInputError, http_call
from hookline_engine.http_targets import CheckedTransport, TargetPolicy

LARGEST_ANSWER_BYTES = 8 * 1024 * 1024
MOST_REDIRECTS = 10
LONGEST_CALL_SECONDS = 600.0


class HttpAnswer(msgspec.Struct, frozen=True):
    """The response as the core wants it, or why there is none."""

    response: dict[str, Any] | None = None
    error: str | None = None


class HttpCalls:
    """A client for the requests of workflows: it keeps no cookies and asks no proxy."""

    def __init__(self, policy: TargetPolicy) -> None:
        # A proxy from the environment would connect for us, to an address nobody has checked.
        self._client = httpx.AsyncClient(
            transport=CheckedTransport(policy),
            trust_env=False,
            max_redirects=MOST_REDIRECTS,
        )

    async def run(self, task_id: str, given: Mapping[str, Any]) -> HttpAnswer:
        """Make the request that a task's input describes."""
        try:
            call = http_call(task_id, given)
            return await self._answer(call)
        except HttpInputError as error:
            return HttpAnswer(error=str(error))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return HttpAnswer(error=_reason(error))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _answer(self, call: HttpCall) -> HttpAnswer:
        timeout = httpx.Timeout(
            min(call.read_timeout_ms / 1000, LONGEST_CALL_SECONDS),
            connect=min(call.connect_timeout_ms / 1000, LONGEST_CALL_SECONDS),
        )
        request = self._client.build_request(
            call.method,
            call.uri,
            headers=[(name.encode(), value.encode()) for name, value in call.headers],
            content=call.body,
            timeout=timeout,
        )
        # Only what changes nothing is repeated elsewhere: a GET follows, a POST does not (4.3).
        response = await self._client.send(
            request, stream=True, follow_redirects=call.method in ("GET", "HEAD")
        )
        try:
            return await _read(response)
        finally:
            await response.aclose()
            self._client.cookies.clear()


async def _read(response: httpx.Response) -> HttpAnswer:
    received = bytearray()
    async for chunk in response.aiter_bytes():
        received += chunk
        if len(received) > LARGEST_ANSWER_BYTES:
            return HttpAnswer(error=f"the answer is larger than {LARGEST_ANSWER_BYTES} bytes")
    headers: dict[str, list[str]] = {}
    for name, value in response.headers.multi_items():
        headers.setdefault(name, []).append(value)
    return HttpAnswer(
        {
            "statusCode": response.status_code,
            "reasonPhrase": response.reason_phrase,
            "headers": headers,
            "body": received.decode(response.charset_encoding or "utf-8", "replace"),
        }
    )


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
