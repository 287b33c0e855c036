"""The home page."""

from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console.pages import Page, Site, read


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/`."""
    return [read(site, "/", home)]


async def home(page: Page) -> Response:
    """The state of the system in five seconds."""
    stats = await page.api.get("/stats")
    return await page.show("home.html", stats=stats)
