"""One replay job: how far it is, what came of each event, and what is done to it."""

import asyncio
from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console.api import path
from hookline_console.pages import Page, Site, change, read
from hookline_console.sessions import Notice
from hookline_console.views.operations import HOME

_DONE = {"pause": "Paused.", "resume": "It goes on.", "stop": "Stopped."}
_SHOWN = 50


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/operations/replays/{id}`."""
    one = f"{HOME}/replays/{{id}}"
    return [read(site, one, replay), change(site, f"{one}/{{action}}", act)]


async def replay(page: Page) -> Response:
    """The job with a page of its events."""
    address = path("/replays/{}", page.param("id"))
    job, events = await asyncio.gather(
        page.api.get(address),
        page.api.get(f"{address}/events", limit=_SHOWN, cursor=page.query("cursor")),
    )
    cursor = events.get("nextCursor")
    return await page.show(
        "replay.html",
        job=job,
        events=events["events"],
        older=page.address(cursor=cursor) if cursor else "",
        newer=page.address(cursor=None) if page.query("cursor") else "",
    )


async def act(page: Page) -> Response:
    """Pause, resume or stop it."""
    address, action = path(HOME + "/replays/{}", page.param("id")), page.param("action")
    if action not in _DONE:
        return page.go(address, Notice(f"There is no action {action!r}.", "warn"))
    await page.api.put(path("/replays/{}/{}", page.param("id"), action))
    return page.go(address, Notice(_DONE[action]))
