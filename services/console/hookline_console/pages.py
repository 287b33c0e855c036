"""A page: its request, the API in the name of who asks, and the answer with its headers.

`read` and `change` make routes of handlers, so that each is guarded in one place: a change carries
the token against forged requests, a refusal of the API becomes a page that says what to do, and
who is not signed in is asked to.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from hookline_common.clock import Clock
from hookline_common.errors import ApiError, BadRequest
from hookline_console import sessions
from hookline_console.api import Api, ApiRefusal, ApiUnreachable
from hookline_console.assets import Assets
from hookline_console.forms import Form, read_form
from hookline_console.rendering import Render
from hookline_console.sessions import Notice
from hookline_console.shell_facts import Shell

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_NO_FORM = Form([])


class Site(msgspec.Struct, frozen=True):
    """What all pages are made with."""

    api: Api
    render: Render
    shell: Shell
    clock: Clock
    assets: Assets


class Page:
    """One request for a page."""

    def __init__(self, site: Site, request: Request, form: Form = _NO_FORM) -> None:
        self.request = request
        self.form = form
        self.api = site.api.with_token(sessions.token_of(request))
        self._site = site
        self._forgery_token = sessions.forgery_token_of(request)

    @property
    def now(self) -> int:
        """Milliseconds since the epoch."""
        return self._site.clock.now_ms()

    def asset(self, name: str) -> str:
        """The address of a static file."""
        return self._site.assets.url(name)

    def param(self, name: str) -> str:
        """A value of the path."""
        return self.request.path_params[name]

    def query(self, name: str, default: str = "") -> str:
        """A value of the query, without blanks around it; the last of several."""
        values = self.request.query_params.getlist(name)
        return values[-1].strip() if values else default

    def address(self, **changes: str | int | None) -> str:
        """This page's address with some of its query changed; None leaves a value out."""
        query = dict(self.request.query_params) | changes
        given = {name: value for name, value in query.items() if value not in (None, "")}
        return self.request.url.path + (f"?{urlencode(given)}" if given else "")

    def with_query(self, pairs: Sequence[tuple[str, str]]) -> str:
        """This page's address with another query."""
        return self.request.url.path + (f"?{urlencode(pairs)}" if pairs else "")

    def own_address(self, address: str, otherwise: str = "/") -> str:
        """An address of this console as it is; `otherwise` in the place of any other."""
        own = address.startswith("/") and not address.startswith("//") and "\\" not in address
        return address if own else otherwise

    @property
    def wants_part(self) -> bool:
        """Whether htmx asks, for a part of the page."""
        return self.request.headers.get("hx-request") == "true"

    async def show(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """The page of a template, with everything that the frame around it needs."""
        notice = sessions.notice_of(self.request)
        html = self._site.render(
            template,
            page=self,
            path=self.request.url.path,
            csrf=self._forgery_token,
            notice=notice,
            shell=await self._site.shell.facts(self.api),
            signed_in=bool(sessions.token_of(self.request)),
            **values,
        )
        response = self._finished(HTMLResponse(html, status))
        if notice is not None:
            sessions.forget(response, sessions.NOTICE)
        return response

    def part(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """A part of a page, for htmx or a module of ours."""
        html = self._site.render(template, page=self, csrf=self._forgery_token, **values)
        return self._finished(HTMLResponse(html, status))

    def data(self, value: Any, status: int = 200) -> Response:
        """JSON for a module of ours."""
        content = msgspec.json.encode(value)
        return self._finished(Response(content, status, media_type="application/json"))

    def go(self, address: str, notice: Notice | None = None) -> Response:
        """On to another page of the console, with a sentence to show there."""
        response: Response
        if self.wants_part:
            response = Response(headers={"HX-Redirect": address})
        else:
            response = RedirectResponse(address, 303)
        if notice is not None:
            sessions.keep_notice(response, self.request, notice)
        return self._finished(response)

    def with_notice(self, response: Response, notice: Notice) -> Response:
        """An answer that leaves a sentence for the page that a module goes to next."""
        sessions.keep_notice(response, self.request, notice)
        return response

    def _finished(self, response: Response) -> Response:
        response.headers.update(HEADERS)
        if self.request.cookies.get(sessions.FORGERY) != self._forgery_token:
            sessions.keep(response, self.request, sessions.FORGERY, self._forgery_token)
        return response


Handler = Callable[[Page], Awaitable[Response]]


def read(site: Site, path: str, handler: Handler) -> Route:
    """A page that only shows."""

    async def endpoint(request: Request) -> Response:
        return await _answered(Page(site, request), handler)

    return Route(path, endpoint, methods=["GET"])


def change(site: Site, path: str, handler: Handler) -> Route:
    """A form's target: refused without the token against forged requests."""

    async def endpoint(request: Request) -> Response:
        try:
            form = await read_form(request)
            page = Page(site, request, form)
            _check_forgery(page)
        except ApiError as error:
            return await _problem(Page(site, request), error.status, str(error))
        return await _answered(page, handler)

    return Route(path, endpoint, methods=["POST"])


def _check_forgery(page: Page) -> None:
    given = page.form.text(sessions.FORGERY_FIELD)
    if not sessions.carries_forgery_token(page.request, given):
        raise BadRequest(
            "This form was not made for this browser, or its cookie is gone: go back, reload the"
            " page, and send it again.",
            code="forged_form",
        )


async def _answered(page: Page, handler: Handler) -> Response:
    try:
        return await handler(page)
    except ApiRefusal as refusal:
        if refusal.status == 401:
            return page.go(f"/login?next={quote(_here(page), safe='')}")
        return await _problem(page, refusal.status, str(refusal), refusal.code)
    except ApiUnreachable as error:
        return await _problem(page, 503, str(error))
    except ApiError as error:
        return await _problem(page, error.status, str(error))


def _here(page: Page) -> str:
    url = page.request.url
    return f"{url.path}?{url.query}" if url.query else url.path


async def _problem(page: Page, status: int, text: str, code: str = "") -> Response:
    said = {"text": text, "code": code, "problem": status}
    if page.wants_part:
        return page.part("part_problem.html", status=status, **said)
    return await page.show("problem.html", status=status, **said)
