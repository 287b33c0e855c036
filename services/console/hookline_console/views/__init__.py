"""The pages: one module per page, which asks the API and fills its template."""

from collections.abc import Callable, Sequence

from starlette.routing import BaseRoute

from hookline_console.pages import Site
from hookline_console.views import home, live, session

_PAGES: Sequence[Callable[[Site], Sequence[BaseRoute]]] = (
    home.routes,
    session.routes,
    live.routes,
)


def all_routes(site: Site) -> list[BaseRoute]:
    """The routes of all pages."""
    return [route for routes in _PAGES for route in routes(site)]
