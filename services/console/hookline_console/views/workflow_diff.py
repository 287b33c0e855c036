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
    """What changed from one version to another; by default to the latest from the one before."""
    name = page.param("name")
    address = path("/metadata/workflow/{}", name)
    found = await page.api.get(f"{address}/versions")
    versions = sorted(one["version"] for one in found)
    new = page.query("to") or str(versions[-1] if versions else "")
    earlier = [one for one in versions if str(one) != new]
    old = page.query("from") or str(earlier[-1] if earlier else new)
    before, after = await asyncio.gather(
        page.api.get(address, version=old), page.api.get(address, version=new)
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
