"""One dead letter, and what is done with it or with all that are alike."""

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console.api import path
from hookline_console.pages import Page, Site, change, read
from hookline_console.sessions import Notice
from hookline_console.views.operations import HOME

_LIST = f"{HOME}?tab=letters"


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/operations/dead-letters/{id}`."""
    one = f"{HOME}/dead-letters/{{id}}"
    return [
        read(site, one, letter),
        change(site, f"{one}/redrive", redrive),
        change(site, f"{one}/drop", drop),
    ]


async def letter(page: Page) -> Response:
    """Why it died, and its message."""
    found = await page.api.get(path("/dead-letters/{}", page.param("id")))
    return await page.show("dead_letter.html", letter=found)


async def redrive(page: Page) -> Response:
    """Take it back to its topic."""
    answer = await page.api.post("/dead-letters/redrive", _only(page))
    return page.go(_LIST, _outcome(answer, "redriven", "It is back in its topic."))


async def drop(page: Page) -> Response:
    """Have done with it."""
    answer = await page.api.call("DELETE", "/dead-letters", json=_only(page))
    return page.go(_LIST, _outcome(answer, "dropped", "Dropped."))


def _only(page: Page) -> dict[str, Any]:
    return {"ids": [page.param("id")]}


def _outcome(answer: dict[str, Any], name: str, text: str) -> Notice:
    if answer[name]:
        return Notice(text)
    if answer.get("expired"):
        return Notice("The log holds its message no longer.", "warn")
    reasons = ", ".join(one["reason"] for one in answer["skipped"]) or "it is not waiting"
    return Notice(f"Nothing was done: {reasons}.", "warn")
