"""Task definitions: the list, and the form of one."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console.api import ApiRefusal, path
from hookline_console.pages import Page, Site, change, read
from hookline_console.paging import part_of
from hookline_console.run_forms import BadField
from hookline_console.sessions import Notice
from hookline_console.task_forms import FIELDS, task_def_of, uses_of

HOME = "/definitions/tasks"


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/definitions/tasks`, `…/new` and `…/{name}`."""
    return [
        read(site, HOME, tasks),
        read(site, f"{HOME}/new", new),
        change(site, f"{HOME}/new", create),
        read(site, f"{HOME}/{{name}}", edit),
        change(site, f"{HOME}/{{name}}", save),
        change(site, f"{HOME}/{{name}}/delete", delete),
    ]


async def tasks(page: Page) -> Response:
    """All of them, filtered by text."""
    found = await page.api.get("/metadata/taskdefs")
    text = page.query("text").lower()
    rows = [one for one in found if text in f"{one['name']} {one.get('description')}".lower()]
    rows.sort(key=lambda one: one["name"])
    return await page.show("tasks.html", part=part_of(page, rows), text=page.query("text"))


async def new(page: Page) -> Response:
    """An empty form."""
    return await _shown(page, {})


async def edit(page: Page) -> Response:
    """The form of one that is there."""
    return await _shown(page, await _stored(page))


async def create(page: Page) -> Response:
    """Save a new one."""
    return await _saved(page, {})


async def save(page: Page) -> Response:
    """Keep what was changed."""
    return await _saved(page, await _stored(page))


async def _stored(page: Page) -> dict[str, Any]:
    return await page.api.get(path("/metadata/taskdefs/{}", page.param("name")))


async def _saved(page: Page, stored: Mapping[str, Any]) -> Response:
    typed = {**stored, **{name: value for name, value in page.form if name != "csrf"}}
    try:
        definition = task_def_of(page.form, stored)
        if stored:
            await page.api.put("/metadata/taskdefs", definition)
        else:
            await page.api.post("/metadata/taskdefs", [definition])
    except BadField as error:
        return await _shown(page, typed, 400, {error.field: str(error)}, bool(stored))
    except ApiRefusal as refusal:
        if refusal.status not in (400, 409):
            raise
        field = refusal.field.strip("/").rpartition("/")[2] or "form"
        return await _shown(page, typed, 400, {field: str(refusal)}, bool(stored))
    return page.go(HOME, Notice(f"Saved {definition['name']}."))


async def _shown(
    page: Page,
    definition: Mapping[str, Any],
    status: int = 200,
    errors: Mapping[str, str] | None = None,
    is_stored: bool | None = None,
) -> Response:
    stored = bool(definition) if is_stored is None else is_stored
    uses: list[str] = []
    if stored:
        uses = uses_of(definition["name"], await page.api.get("/metadata/workflow"))
    return await page.show(
        "task_def.html",
        status=status,
        definition=definition,
        stored=stored,
        fields=FIELDS,
        errors=errors or {},
        uses=uses,
    )


async def delete(page: Page) -> Response:
    """Remove it."""
    name = page.param("name")
    await page.api.delete(path("/metadata/taskdefs/{}", name))
    return page.go(HOME, Notice(f"Removed {name}."))
