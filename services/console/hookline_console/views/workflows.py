"""The list of workflow definitions."""

import asyncio
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console.definition_rows import definition_rows
from hookline_console.pages import Page, Site, read
from hookline_console.paging import part_of


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/definitions/workflows`."""
    return [read(site, "/definitions/workflows", workflows)]


async def workflows(page: Page) -> Response:
    """The newest version of each, filtered by text."""
    definitions, webhooks = await asyncio.gather(
        page.api.get("/metadata/workflow"), page.api.get("/metadata/webhook")
    )
    text = page.query("text").lower()
    rows: list[dict[str, Any]] = [
        row
        for row in definition_rows(definitions, webhooks)
        if text in f"{row['name']} {row['description']}".lower()
    ]
    return await page.show("workflows.html", part=part_of(page, rows), text=page.query("text"))
