"""Run Workflow: start one execution, and go to it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console.api import ApiRefusal, path
from hookline_console.execution_search import equals
from hookline_console.pages import Page, Site, change, read
from hookline_console.run_forms import (
    STRATEGIES,
    BadField,
    RunForm,
    again,
    blank,
    start_request,
    typed,
)
from hookline_console.sessions import Notice
from hookline_console.views.executions import row

_FIELDS = {"name", "version", "input", "correlationId", "taskToDomain", "priority"}
_CONFLICT = 409


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/run`, and what the page asks while it is filled in."""
    return [
        read(site, "/run", ask),
        change(site, "/run", run),
        read(site, "/run/key", key_use),
    ]


async def ask(page: Page) -> Response:
    """The form, prefilled from a definition or from an earlier execution."""
    if earlier := page.query("from"):
        execution = await page.api.get(path("/workflow/{}", earlier), includeTasks=False)
        return await _shown(page, again(execution))
    name, version = page.query("name"), page.query("version")
    definition = await _definition(page, name, version)
    return await _shown(page, blank(name, version, definition), definition=definition)


async def run(page: Page) -> Response:
    """Start it; what is wrong stands at its field, and what was typed stays."""
    form = typed(page.form)
    if page.form.text("choose"):
        return page.go(page.with_query([("name", form.name), ("version", form.version)]))
    try:
        started = await page.api.post("/workflow", start_request(form))
    except BadField as error:
        return await _shown(page, form, status=400, errors={error.field: str(error)})
    except ApiRefusal as refusal:
        if refusal.status not in (400, 404, _CONFLICT):
            raise
        return await _shown(page, form, status=refusal.status, errors=_at_field(refusal))
    return page.go(path("/executions/{}", str(started)), Notice("Started."))


def _at_field(refusal: ApiRefusal) -> Mapping[str, str]:
    field = refusal.field.strip("/").partition("/")[0]
    if field in _FIELDS:
        return {field: str(refusal)}
    if refusal.status == _CONFLICT:
        return {"key": str(refusal)}
    return {"name" if refusal.status == 404 else "form": str(refusal)}


async def key_use(page: Page) -> Response:
    """A part: which execution has used an idempotency key already."""
    name, key = page.query("name"), page.query("idempotencyKey")
    rows: list[dict[str, Any]] = []
    if name and key:
        query = f"{equals('workflowType', name)} AND {equals('idempotencyKey', key)}"
        found = await page.api.get("/workflow/search", query=query, size=1, sort="startTime:DESC")
        rows = [row(one, page.now) for one in found["results"]]
    return page.part("run_key.html", used=rows[0] if rows else None)


async def _shown(
    page: Page,
    form: RunForm,
    *,
    status: int = 200,
    errors: Mapping[str, str] | None = None,
    definition: dict[str, Any] | None = None,
) -> Response:
    known, recent = await asyncio.gather(
        page.api.get("/metadata/workflow/names-and-versions"), _recent(page, form.name)
    )
    if definition is None:
        definition = await _definition(page, form.name, form.version)
    versions = [one["version"] for one in known.get(form.name, ())]
    return await page.show(
        "run.html",
        status=status,
        form=form,
        errors=errors or {},
        names=sorted(known),
        versions=sorted(versions, reverse=True),
        strategies=STRATEGIES,
        definition=definition,
        recent=recent,
        request_body={"name": form.name, **_harmless(form)},
    )


def _harmless(form: RunForm) -> dict[str, Any]:
    try:
        return start_request(msgspec.structs.replace(form, name=form.name or "NAME"))
    except BadField:
        return {}


async def _definition(page: Page, name: str, version: str) -> dict[str, Any] | None:
    if not name:
        return None
    try:
        return await page.api.get(path("/metadata/workflow/{}", name), version=version)
    except ApiRefusal as refusal:
        if refusal.status != 404:
            raise
        return None


async def _recent(page: Page, name: str) -> list[dict[str, Any]]:
    if not name:
        return []
    query = equals("workflowType", name)
    found = await page.api.get("/workflow/search", query=query, size=5, sort="startTime:DESC")
    return [row(one, page.now) for one in found["results"]]
