"""What a browser keeps between requests, in cookies that no script can read.

The API's token of whoever signed in, the token against forged requests (the double-submit
pattern: a change must carry the value of the cookie, which only our pages know), and the sentence
to show after a redirect.
"""

import base64
import binascii
import hmac
import secrets
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

TOKEN = "hookline_token"  # noqa: S105 - the name of a cookie
FORGERY = "hookline_csrf"
NOTICE = "hookline_notice"
FORGERY_FIELD = "csrf"
FORGERY_HEADER = "x-csrf-token"


class Undo(msgspec.Struct, frozen=True):
    """A form that takes something back: POST `fields` to `action`."""

    action: str
    label: str = "Undo"
    fields: dict[str, str] = msgspec.field(default_factory=dict)


class Notice(msgspec.Struct, frozen=True):
    """A sentence for the next page; `kind` is good, info, warn or bad."""

    text: str
    kind: str = "good"
    undo: Undo | None = None


def token_of(request: Request) -> str:
    """The API's token of the session; empty without one."""
    return request.cookies.get(TOKEN, "")


def forgery_token_of(request: Request) -> str:
    """The token that changes of this browser must carry; a new one for a new browser."""
    known = request.cookies.get(FORGERY, "")
    return known if len(known) >= 32 else secrets.token_urlsafe(24)


def carries_forgery_token(request: Request, in_form: str) -> bool:
    """Whether a change carries the token of its browser, in a field or in a header."""
    expected = request.cookies.get(FORGERY, "")
    given = in_form or request.headers.get(FORGERY_HEADER, "")
    return bool(expected) and hmac.compare_digest(expected.encode(), given.encode())


def notice_of(request: Request) -> Notice | None:
    """The sentence that the previous page left."""
    try:
        raw = base64.urlsafe_b64decode(request.cookies.get(NOTICE, ""))
        return msgspec.json.decode(raw, type=Notice)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None


def keep_notice(response: Response, request: Request, notice: Notice) -> None:
    """Leave a sentence for the next page."""
    text = base64.urlsafe_b64encode(msgspec.json.encode(notice)).decode()
    keep(response, request, NOTICE, text, max_age=60)


def keep(response: Response, request: Request, name: str, value: str, **options: Any) -> None:
    """Set a cookie that only this site receives and no script reads."""
    secure = request.url.scheme == "https"
    response.set_cookie(
        name, value, httponly=True, samesite="strict", secure=secure, path="/", **options
    )


def forget(response: Response, name: str) -> None:
    """Remove a cookie."""
    response.delete_cookie(name, path="/", httponly=True, samesite="strict")
