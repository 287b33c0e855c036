"""Two versions of a definition beside each other."""

import asyncio
from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console.api import path
from hookline_console.definition_diff import diff_lines, task_changes
from hookline_console.pages import Page, Site, read


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/definitions/workflows/{name}/diff`."""
    return [read(site, "/definitions/workflows/{name}/diff", diff)]


async def diff(page: Page) -> Response:
    """What changed from one version to another."""
    name, old, new = page.param("name"), page.query("from"), page.query("to")
    address = path("/metadata/workflow/{}", name)
    before, after, versions = await asyncio.gather(
        page.api.get(address, version=old),
        page.api.get(address, version=new),
        page.api.get(f"{address}/versions"),
    )
    return await page.show(
        "workflow_diff.html",
        name=name,
        old=before["version"],
        new=after["version"],
        versions=versions,
        lines=diff_lines(before, after),
        changes=task_changes(before, after),
    )
