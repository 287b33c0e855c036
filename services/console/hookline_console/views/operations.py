"""Operations: topics and lag, services, dead letters, replays, workers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console.pages import Page, Site, read
from hookline_console.paging import part_of
from hookline_console.sessions import Notice

HOME = "/operations"
_PAGE = 50


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/operations`."""
    return [read(site, HOME, operations)]


async def operations(page: Page) -> Response:
    """One of its tabs."""
    tab = page.query("tab", "topics")
    if tab not in _TABS:
        return page.go(HOME, Notice(f"There is no tab {tab!r}.", "warn"))
    return await page.show("operations.html", tab=tab, **await _TABS[tab](page))


async def _topics(page: Page) -> Mapping[str, Any]:
    topics, services = await asyncio.gather(page.api.get("/topics"), page.api.get("/services"))
    return {"topics": topics["topics"], "services": services["services"]}


async def _letters(page: Page) -> Mapping[str, Any]:
    asked = {name: page.query(name) for name in ("topic", "error", "cursor")}
    found = await page.api.get("/dead-letters", state="waiting", limit=_PAGE, **asked)
    cursor = found.get("nextCursor")
    return {
        "letters": found["deadLetters"],
        "filtered": bool(asked["topic"] or asked["error"]),
        "older": page.address(cursor=cursor) if cursor else "",
        "newer": page.address(cursor=None) if asked["cursor"] else "",
    }


async def _replays(page: Page) -> Mapping[str, Any]:
    found = await page.api.get("/replays", limit=_PAGE, cursor=page.query("cursor"))
    cursor = found.get("nextCursor")
    return {
        "replays": found["replays"],
        "older": page.address(cursor=cursor) if cursor else "",
        "newer": page.address(cursor=None) if page.query("cursor") else "",
    }


async def _workers(page: Page) -> Mapping[str, Any]:
    return {"part": part_of(page, (await page.api.get("/workers"))["workers"])}


_TABS: Mapping[str, Callable[[Page], Awaitable[Mapping[str, Any]]]] = {
    "topics": _topics,
    "letters": _letters,
    "replays": _replays,
    "workers": _workers,
}
