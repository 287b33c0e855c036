"""`/find`: from what is known of a thing to its page."""

import asyncio
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console.api import ApiRefusal, path
from hookline_console.pages import Page, Site, read

_SHOWN = 10


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/find?q=`."""
    return [read(site, "/find", find)]


async def find(page: Page) -> Response:
    """Straight to the one thing with that id or name; else what is near."""
    text = page.query("q")
    if not text:
        return page.go("/")
    webhooks, names = await asyncio.gather(
        page.api.get("/metadata/webhook"), page.api.get("/metadata/workflow/names")
    )
    exact = await _exact(page, text, webhooks, names)
    if exact:
        return page.go(exact)
    events, executions = await asyncio.gather(
        page.api.get("/webhook-events", text=text, limit=_SHOWN),
        page.api.get("/workflow/search", freeText=text, size=_SHOWN, sort="startTime:DESC"),
    )
    word = text.lower()
    return await page.show(
        "find.html",
        text=text,
        webhooks=[one for one in webhooks if word in one["name"].lower()][:_SHOWN],
        names=[name for name in names if word in name.lower()][:_SHOWN],
        events=events["events"],
        executions=executions["results"],
    )


async def _exact(
    page: Page, text: str, webhooks: Sequence[dict[str, Any]], names: Sequence[str]
) -> str:
    for webhook in webhooks:
        if text in (webhook["id"], webhook["name"]):
            return path("/definitions/webhooks/{}", webhook["id"])
    if text in names:
        return path("/definitions/workflows/{}", text)
    for known, shown in (("/webhook-events/{}", "/events/{}"), ("/workflow/{}", "/executions/{}")):
        if await _is_there(page, path(known, text)):
            return path(shown, text)
    return ""


async def _is_there(page: Page, address: str) -> bool:
    try:
        await page.api.get(address)
    except ApiRefusal as refusal:
        if refusal.status in (400, 404):
            return False
        raise
    return True
