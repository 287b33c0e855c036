"""Calls over HTTP that are made again until they are answered, as platforms and SDKs do."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec

from hookline_cli.client import ApiFailure
from hookline_common.platforms.signing import SignedRequest

TRY_SECONDS = 6.0
"""How long one try may take: a process that is frozen does not answer at all."""

_PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0)
_CONNECTIONS = 64
_UNAUTHORIZED = 401
_LATER = frozenset({408, 429, 500, 502, 503, 504})
_EVENT_ID = "Hookline-Event-Id"


class Answer(msgspec.Struct, frozen=True):
    """A final answer. `tries`: how often the call was sent; all but the last may have worked."""

    status: int
    value: Any
    tries: int
    event_id: str = ""

    @property
    def good(self) -> bool:
        """Whether it is a success."""
        return 200 <= self.status < 300


class Unanswered(ApiFailure):
    """Nobody gave a final answer, however often it was asked."""


class Calls:
    """Calls to one system, which may have several addresses for its API and its gateway."""

    def __init__(
        self, api: Sequence[str], gateways: Sequence[str], key: str, patience_seconds: float
    ) -> None:
        """`api` without `/api`; `gateways` empty: the address that each webhook names."""
        self._api = itertools.cycle(api)
        self._gateways = itertools.cycle(gateways) if gateways else None
        self._key = key
        self._token = ""
        self._patience = patience_seconds
        limits = httpx.Limits(max_connections=_CONNECTIONS)
        self._http = httpx.AsyncClient(timeout=TRY_SECONDS, limits=limits, trust_env=False)
        self.faults: Counter[str] = Counter()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def call(
        self, method: str, path: str, json: Any = None, params: Any = None, *, often: bool = True
    ) -> Answer:
        """A call under `/api`, tried again until there is a final answer; once unless `often`."""

        async def ask() -> httpx.Response:
            url = f"{next(self._api)}/api{path}"
            return await self._http.request(
                method, url, json=json, params=params, headers=await self._headers()
            )

        return await self._until_answered(f"{method} {path}", ask, often=often)

    async def good(self, method: str, path: str, json: Any = None, params: Any = None) -> Any:
        """The value of an answer that must be a success; raises ApiFailure for a refusal."""
        answer = await self.call(method, path, json, params)
        if not answer.good:
            text = f"{method} {path}: {answer.status} {answer.value}"
            raise ApiFailure(text, answer.status)
        return answer.value

    async def send(self, request: SignedRequest) -> Answer:
        """An event, sent again with the same delivery id as a platform does."""

        async def ask() -> httpx.Response:
            url = httpx.URL(f"{request.url}?{request.query}" if request.query else request.url)
            if self._gateways is not None:
                other = httpx.URL(next(self._gateways))
                url = url.copy_with(scheme=other.scheme, host=other.host, port=other.port)
            return await self._http.request(
                request.method, url, content=request.body, headers=list(request.headers)
            )

        return await self._until_answered(f"{request.method} {request.url}", ask, often=True)

    async def _headers(self) -> dict[str, str]:
        if not self._key:
            return {}
        if not self._token:
            key_id, _, secret = self._key.partition(":")
            body = {"keyId": key_id, "keySecret": secret}
            answer = await self._http.post(f"{next(self._api)}/api/token", json=body)
            answer.raise_for_status()
            self._token = str(answer.json()["token"])
        return {"X-Authorization": self._token}

    async def _until_answered(self, what: str, ask: Any, *, often: bool) -> Answer:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        for tries in itertools.count(1):
            problem, answer = await self._try(ask)
            if answer is not None and not self._to_be_repeated(answer.status_code):
                return _answer(answer, tries)
            self.faults[problem] += 1
            if not often or loop.time() > deadline:
                raise Unanswered(f"{what}: {problem}, tried {tries} times")
            pause = _PAUSES[min(tries, len(_PAUSES)) - 1]
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - spreads the tries
        raise AssertionError

    async def _try(self, ask: Any) -> tuple[str, httpx.Response | None]:
        try:
            answer: httpx.Response = await ask()
        except httpx.HTTPStatusError as error:
            return f"status {error.response.status_code}", None
        except httpx.TransportError as error:
            return type(error).__name__, None
        if answer.status_code == _UNAUTHORIZED and self._key:
            self._token = ""  # it has run out, or the engine that gave it is gone
        return f"status {answer.status_code}", answer

    def _to_be_repeated(self, status: int) -> bool:
        if status == _UNAUTHORIZED:
            return bool(self._key) and not self._token
        return status in _LATER


def _answer(answer: httpx.Response, tries: int) -> Answer:
    value: Any = answer.text
    if answer.headers.get("content-type", "").startswith("application/json"):
        value = answer.json()
    return Answer(answer.status_code, value, tries, answer.headers.get(_EVENT_ID, ""))
