"""`/executions/bulk`: one action on the executions that were ticked."""

from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console.bulk import ACTIONS, outcome_text
from hookline_console.pages import Page, Site, change
from hookline_console.sessions import Notice


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/executions/bulk`."""
    return [change(site, "/executions/bulk", act)]


async def act(page: Page) -> Response:
    """Do it, and go back to the list with what came of it."""
    back = page.own_address(page.form.text("back"), "/executions")
    ids, name = page.form.all("id"), page.form.text("action")
    if not ids:
        return page.go(back, Notice("Nothing was selected: tick executions first.", "warn"))
    if name not in ACTIONS:
        return page.go(back, Notice(f"There is no action {name!r}.", "warn"))
    action = ACTIONS[name]
    reason = page.form.text("reason") if action.has_reason else None
    answer = await page.api.call(
        action.method, f"/workflow/bulk/{name}", json=ids, params={"reason": reason}
    )
    text, kind = outcome_text(action, answer)
    return page.go(back, Notice(text, kind))
