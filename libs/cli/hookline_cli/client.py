"""A client of the REST API for the commands: answers as Python values, errors as sentences."""

import json
import os
from collections.abc import Callable
from typing import Any

import click
import httpx
import msgspec

from hookline_common.errors import HooklineError

DEFAULT_URL = "http://127.0.0.1:8080"
_TIMEOUT_SECONDS = 30


class ApiFailure(HooklineError):
    """The running system refused or could not be reached."""

    def __init__(self, message: str, status: int = 0, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Client:
    """Talks to one Hookline under `url`, the address without `/api`."""

    def __init__(self, url: str, key: str = "") -> None:
        """`key` is `ID:SECRET` where the API has keys."""
        self.url = url.rstrip("/").removesuffix("/api")
        self._http = http_client(_TIMEOUT_SECONDS)
        self._token = self._login(key) if key else ""

    def _login(self, key: str) -> str:
        key_id, _, secret = key.partition(":")
        answer = self.call("POST", "/token", json={"keyId": key_id, "keySecret": secret})
        return str(answer["token"])

    def call(self, method: str, path: str, **options: Any) -> Any:
        """One call under `/api`; the decoded JSON, the text, or None for an empty answer."""
        token = getattr(self, "_token", "")
        headers = {"X-Authorization": token} if token else {}
        try:
            answer = self._http.request(method, f"{self.url}/api{path}", headers=headers, **options)
        except httpx.HTTPError as error:
            raise ApiFailure(
                f"cannot reach Hookline at {self.url} ({error}); start it with `hookline up`,"
                " or name it with --url"
            ) from error
        if answer.is_error:
            raise _failure(method, path, answer)
        return _value(answer)

    def get(self, path: str, **options: Any) -> Any:
        """GET."""
        return self.call("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> Any:
        """POST with a JSON body."""
        return self.call("POST", path, json=json, **options)

    def webhook(self, name_or_id: str) -> dict[str, Any]:
        """The webhook with that id or, failing that, with that name."""
        known = self.get("/metadata/webhook")
        for field in ("id", "name"):
            for webhook in known:
                if webhook[field] == name_or_id:
                    return webhook
        names = ", ".join(sorted(webhook["name"] for webhook in known)) or "there is none yet"
        raise ApiFailure(f"no webhook {name_or_id!r}; known: {names}", 404, "not_found")


def http_client(timeout_seconds: float) -> httpx.Client:
    """A client that never asks a proxy of the environment for this machine itself."""
    direct = {f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")}
    return httpx.Client(timeout=timeout_seconds, mounts=direct)


class _Refusal(msgspec.Struct, frozen=True):
    """What the API says when it refuses (specs/rest.md 1.5)."""

    message: str
    field: str | None = None
    code: str | None = None


def _failure(method: str, path: str, answer: httpx.Response) -> ApiFailure:
    try:
        refusal = msgspec.json.decode(answer.content, type=_Refusal)
    except msgspec.DecodeError:
        refusal = _Refusal(f"{answer.reason_phrase}; is that a Hookline?")
    where = f" ({refusal.field})" if refusal.field else ""
    text = f"{method} {path}: {answer.status_code} {refusal.message}{where}"
    return ApiFailure(text, answer.status_code, refusal.code or "")


def _value(answer: httpx.Response) -> Any:
    if not answer.content:
        return None
    if answer.headers.get("content-type", "").startswith("application/json"):
        return answer.json()
    return answer.text


def address_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--url` and `--key` and passes their values."""
    url = click.option("--url", default=lambda: os.environ.get("HOOKLINE_URL", DEFAULT_URL),
                       help=f"The running Hookline (or HOOKLINE_URL; {DEFAULT_URL}).")  # fmt: skip
    key = click.option("--key", default=lambda: os.environ.get("HOOKLINE_KEY", ""),
                       help="ID:SECRET where the API has keys (or HOOKLINE_KEY).")  # fmt: skip
    return url(key(function))


def url_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--url` and `--key` and passes a `client`."""

    @address_options
    def wrapped(url: str, key: str, **values: Any) -> Any:
        return function(client=Client(url, key), **values)

    wrapped.__doc__ = function.__doc__
    wrapped.__name__ = function.__name__
    wrapped.__click_params__ = [  # pyright: ignore[reportFunctionMemberAccess]
        *getattr(wrapped, "__click_params__", []),
        *getattr(function, "__click_params__", []),
    ]
    return wrapped


def parse_assignments(assignments: tuple[str, ...]) -> dict[str, Any]:
    """`path=value` pairs; a value that is JSON is taken as such, anything else as text."""
    values: dict[str, Any] = {}
    for assignment in assignments:
        path, equals, value = assignment.partition("=")
        if not equals or not path:
            raise click.BadParameter(f"{assignment!r} is not path=value")
        try:
            values[path] = json.loads(value)
        except ValueError:
            values[path] = value
    return values
