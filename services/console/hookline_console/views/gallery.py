"""The gallery: examples to look at, to apply, and to try."""

import secrets
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_common.errors import NotFound
from hookline_console import gallery
from hookline_console.api import ApiRefusal, path
from hookline_console.gallery import Example
from hookline_console.graph import draw_graph
from hookline_console.pages import Page, Site, change, read
from hookline_console.sessions import Notice


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/gallery` and `/gallery/{name}`."""
    return [
        read(site, "/gallery", examples),
        read(site, "/gallery/{name}", example),
        change(site, "/gallery/{name}", apply),
    ]


async def examples(page: Page) -> Response:
    """A card for each."""
    return await page.show("gallery.html", examples=[gallery.load(n) for n in gallery.names()])


async def example(page: Page) -> Response:
    """One, with its flow and its page to read."""
    found = _named(page)
    icons = page.asset("icons.svg")
    flows = [
        (one["name"], draw_graph(one, icons=icons, webhooks=found.webhooks))
        for one in found.workflows
    ]
    hooks = await page.api.get("/metadata/webhook")
    names = {webhook["name"] for webhook in found.webhooks}
    applied = [one for one in hooks if one["name"] in names]
    return await page.show("gallery_example.html", example=found, flows=flows, applied=applied)


def _named(page: Page) -> Example:
    if page.param("name") not in gallery.names():
        raise NotFound(f"There is no example {page.param('name')!r}.")
    return gallery.load(page.param("name"))


async def apply(page: Page) -> Response:
    """Register its definitions and webhooks; what is there already is left as it is."""
    found = _named(page)
    if found.task_defs:
        await page.api.post("/metadata/taskdefs", found.task_defs)
    await page.api.put("/metadata/workflow", found.workflows)
    for webhook in found.webhooks:
        await _make(page, webhook)
    return page.go(path("/gallery/{}", found.name), Notice("Applied: it can be tried now."))


async def _make(page: Page, webhook: dict[str, Any]) -> None:
    """With a secret of its own, which only the server knows from then on."""
    try:
        own = {**webhook, "secretValue": secrets.token_hex(20)}
        await page.api.post("/metadata/webhook", own)
    except ApiRefusal as refusal:
        if refusal.status != 409:
            raise
