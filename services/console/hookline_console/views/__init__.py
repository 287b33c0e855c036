"""The pages: one module per page, which asks the API and fills its template."""

from collections.abc import Callable, Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.errors import NotFound
from hookline_console.pages import Page, Site, read
from hookline_console.views import (
    bulk,
    dead_letters,
    event,
    event_replay,
    events,
    execution,
    executions,
    find,
    gallery,
    home,
    live,
    operations,
    replays,
    run,
    session,
    tasks,
    webhook_actions,
    webhook_edit,
    webhooks,
    workflow_diff,
    workflow_editor,
    workflows,
)

_PAGES: Sequence[Callable[[Site], Sequence[BaseRoute]]] = (
    home.routes,
    find.routes,
    tasks.routes,
    gallery.routes,
    operations.routes,
    dead_letters.routes,
    replays.routes,
    run.routes,
    executions.routes,
    bulk.routes,
    execution.routes,
    workflows.routes,
    workflow_editor.routes,
    workflow_diff.routes,
    webhooks.routes,
    webhook_edit.routes,
    webhook_actions.routes,
    events.routes,
    event_replay.routes,
    event.routes,
    session.routes,
    live.routes,
)


def all_routes(site: Site) -> list[BaseRoute]:
    """The routes of all pages; last, what lies beside them and is no page."""
    found = [route for routes in _PAGES for route in routes(site)]
    places = {route.path.split("/")[1] for route in found if isinstance(route, Route)} - {""}
    return [*found, *(read(site, f"/{one}/{{rest:path}}", missing) for one in sorted(places))]


async def missing(page: Page) -> Response:
    """Says that there is no such page."""
    raise NotFound(f"There is no page {page.request.url.path} on this console.")
