"""The REST API as the console calls it: answers as JSON values, refusals as exceptions."""

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import quote

import httpx
import msgspec

from hookline_common.errors import HooklineError

_TIMEOUT_SECONDS = 30
_ARGUMENT = re.compile(r"\w+\.arg0(\[\d+\])?")
_STREAM_TIMEOUT = httpx.Timeout(10, read=None)


class ApiRefusal(HooklineError):
    """The API said no: `status`, its `code`, and where a field is at fault its JSON Pointer.

    `faults` are all that is wrong, each with its pointer: at least the one of the message.
    """

    def __init__(
        self,
        message: str,
        status: int,
        code: str = "",
        field: str = "",
        faults: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.field = field
        self.faults = faults or [(field, message)]


class ApiUnreachable(HooklineError):
    """The API does not answer."""


class _Violation(msgspec.Struct, frozen=True):
    path: str
    message: str

    def pointer(self) -> str:
        """The path (`registerWorkflowDef.arg0.tasks[0].name`) as a JSON Pointer."""
        if self.path.startswith("/"):
            return self.path
        steps = re.sub(r"\[(\d+)\]", r".\1", _ARGUMENT.sub("", self.path))
        return steps.replace(".", "/")


class _Refusal(msgspec.Struct, frozen=True, rename="camel"):
    """The body of a refusal (specs/rest.md 1.5)."""

    message: str = ""
    code: str = ""
    error: str = ""
    field: str | None = None
    validation_errors: list[_Violation] = msgspec.field(default_factory=list[_Violation])


def path(template: str, *values: str | int) -> str:
    """A path with its `{}` filled by percent-encoded values, `/` included."""
    return template.format(*(quote(str(value), safe="") for value in values))


class Api:
    """Calls under `url`/api, with the token of one signed-in person or without any."""

    def __init__(self, http: httpx.AsyncClient, url: str, token: str = "") -> None:
        """`url` is the address without `/api`."""
        self._http = http
        self.url = url.rstrip("/").removesuffix("/api")
        self._headers = {"X-Authorization": token} if token else {}
        self.token = token

    def with_token(self, token: str) -> "Api":
        """The same API for the bearer of `token`."""
        return Api(self._http, self.url, token) if token != self.token else self

    async def call(self, method: str, path: str, **options: Any) -> Any:
        """One call: decoded JSON, text, or None for an empty answer.

        `params` leaves out what is None or empty. Raises ApiRefusal, ApiUnreachable.
        """
        answer = await self.answer(method, path, **options)
        if not answer.content:
            return None
        if answer.headers.get("content-type", "").startswith("application/json"):
            return msgspec.json.decode(answer.content)
        return answer.text

    async def answer(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, **options: Any
    ) -> httpx.Response:
        """The whole answer of a call that succeeded; raises as `call`."""
        try:
            answer = await self._http.request(
                method,
                f"{self.url}/api{path}",
                params=_given(params),
                headers=self._headers,
                **options,
            )
        except httpx.HTTPError as error:
            raise ApiUnreachable(f"{self.url} does not answer: {error or type(error)}") from error
        if answer.is_error:
            raise _refusal(answer)
        return answer

    async def get(self, path: str, **params: Any) -> Any:
        """GET with query parameters."""
        return await self.call("GET", path, params=params)

    async def post(self, path: str, json: Any = None, **params: Any) -> Any:
        """POST JSON."""
        return await self.call("POST", path, json=json, params=params)

    async def put(self, path: str, json: Any = None, **params: Any) -> Any:
        """PUT JSON."""
        return await self.call("PUT", path, json=json, params=params)

    async def delete(self, path: str, **params: Any) -> Any:
        """DELETE."""
        return await self.call("DELETE", path, params=params)

    @asynccontextmanager
    async def stream(self, path: str, **params: Any) -> AsyncGenerator[httpx.Response, None]:
        """An answer that goes on, such as server-sent events; raises as `call`."""
        try:
            async with self._http.stream(
                "GET",
                f"{self.url}/api{path}",
                params=_given(params),
                headers=self._headers,
                timeout=_STREAM_TIMEOUT,
            ) as answer:
                if answer.is_error:
                    await answer.aread()
                    raise _refusal(answer)
                yield answer
        except httpx.HTTPError as error:
            raise ApiUnreachable(f"{self.url} does not answer: {error or type(error)}") from error


def api_client() -> httpx.AsyncClient:
    """The HTTP client of the console; it never asks a proxy for this machine itself."""
    direct = {f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")}
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
    return httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, mounts=direct, limits=limits)


def _given(params: Mapping[str, Any] | None) -> httpx.QueryParams:
    given: list[tuple[str, str]] = []
    for name, value in (params or {}).items():
        values = cast(Sequence[Any], value) if isinstance(value, list | tuple) else (value,)
        given += [(name, _text(one)) for one in values if one not in (None, "")]
    return httpx.QueryParams(tuple(given))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refusal(answer: httpx.Response) -> ApiRefusal:
    try:
        said = msgspec.json.decode(answer.content, type=_Refusal)
    except msgspec.MsgspecError:
        said = _Refusal(message=answer.text[:500])
    message = said.message or f"The API answered {answer.status_code}."
    faults = [(one.pointer(), one.message) for one in said.validation_errors]
    code = said.code or said.error
    return ApiRefusal(message, answer.status_code, code, said.field or "", faults)
