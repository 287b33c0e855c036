"""Signing in with an API key, and out."""

from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console import sessions
from hookline_console.api import ApiRefusal
from hookline_console.pages import Page, Site, change, read
from hookline_console.sessions import Notice


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/login` and `/logout`."""
    return [
        read(site, "/login", ask),
        change(site, "/login", sign_in),
        change(site, "/logout", sign_out),
    ]


async def ask(page: Page) -> Response:
    """The form for a key."""
    return await page.show(
        "login.html", key_id="", error="", next=page.own_address(page.query("next"))
    )


async def sign_in(page: Page) -> Response:
    """Trade the key for a token, which the browser keeps until it expires."""
    key_id, secret = page.form.text("keyId"), page.form.raw("keySecret")
    after = page.own_address(page.form.text("next"))
    try:
        answer = await page.api.post("/token", {"keyId": key_id, "keySecret": secret})
    except ApiRefusal as refusal:
        if refusal.status == 404:
            return page.go(
                after, Notice("This system has no API keys: no sign-in is needed.", "info")
            )
        return await page.show(
            "login.html", status=refusal.status, key_id=key_id, error=str(refusal), next=after
        )
    response = page.go(after)
    sessions.keep(response, page.request, sessions.TOKEN, str(answer["token"]), max_age=3600)
    return response


async def sign_out(page: Page) -> Response:
    """Forget the token."""
    response = page.go("/login", Notice("Signed out."))
    sessions.forget(response, sessions.TOKEN)
    return response
