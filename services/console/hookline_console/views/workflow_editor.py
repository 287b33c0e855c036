"""A workflow definition: its drawing and its editor, and what the editor asks while it is used."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console import gallery
from hookline_console.api import ApiRefusal, path
from hookline_console.definition_lines import line_of, parsed_object
from hookline_console.graph import draw_graph
from hookline_console.pages import Page, Site, change, read
from hookline_console.sessions import Notice
from hookline_console.task_types import TASK_TYPES

_RECENT = 10
_PREVIEWED = 100
_MEET_NOTHING = ("rejected", "handshake")
_HOME = "/definitions/workflows"


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/definitions/workflows/new` and `/definitions/workflows/{name}`, with their helpers."""
    return [
        read(site, f"{_HOME}/new", new),
        read(site, f"{_HOME}/{{name}}", edit),
        change(site, f"{_HOME}/{{name}}/delete", delete),
        change(site, "/definitions/draw", draw),
        change(site, "/definitions/save", save),
        change(site, "/definitions/match-preview", match_preview),
        read(site, "/definitions/recent-events", recent_events),
    ]


async def new(page: Page) -> Response:
    """An empty definition, or one of the gallery."""
    name = page.query("example")
    if name in gallery.names():
        return await _editor(page, dict(gallery.load(name).workflows[0]), [])
    return await _editor(page, {"name": "", "version": 1, "schemaVersion": 2, "tasks": []}, [])


async def edit(page: Page) -> Response:
    """A version of a definition; the latest by default."""
    name = page.param("name")
    definition, versions = await asyncio.gather(
        page.api.get(path("/metadata/workflow/{}", name), version=page.query("version")),
        page.api.get("/metadata/workflow/names-and-versions"),
    )
    known = sorted(versions.get(name, ()), key=lambda one: one["version"], reverse=True)
    return await _editor(page, definition, known)


async def _editor(
    page: Page, definition: dict[str, Any], versions: Sequence[Mapping[str, Any]]
) -> Response:
    webhooks, task_defs, names = await asyncio.gather(
        page.api.get("/metadata/webhook"),
        page.api.get("/metadata/taskdefs"),
        page.api.get("/metadata/workflow/names"),
    )
    return await page.show(
        "workflow_editor.html",
        definition=definition,
        versions=versions,
        saved=bool(versions),
        latest=versions[0]["version"] if versions else 0,
        svg=_drawn(page, definition, webhooks),
        task_types=TASK_TYPES.values(),
        task_defs=sorted(one["name"] for one in task_defs),
        workflow_names=sorted(names),
        names_it=[
            hook
            for hook in webhooks
            if definition["name"] in hook["receiverWorkflowNamesToVersions"]
        ],
    )


def _drawn(page: Page, definition: Mapping[str, Any], webhooks: Sequence[Any]) -> Any:
    icons = page.asset("icons.svg")
    return draw_graph(definition, icons=icons, editable=True, webhooks=webhooks)


async def draw(page: Page) -> Response:
    """The drawing of a draft, and what is wrong with it, each with its line."""
    definition, line, fault = parsed_object(page.form.raw("draft"))
    if fault:
        return page.data({"svg": "", "problems": [_problem(fault, "", line)]})
    webhooks = await page.api.get("/metadata/webhook")
    problems: list[dict[str, Any]] = []
    try:
        await page.api.post("/metadata/workflow/validate", definition)
    except ApiRefusal as refusal:
        problems = _problems(refusal, definition)
    return page.data({"svg": str(_drawn(page, definition, webhooks)), "problems": problems})


def _problems(refusal: ApiRefusal, definition: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All that is wrong, in the order of the lines."""
    found = [
        _problem(message, pointer, line_of(definition, pointer))
        for pointer, message in refusal.faults
    ]
    return sorted(found, key=lambda one: one["line"])


def _problem(message: str, pointer: str, line: int) -> dict[str, Any]:
    return {"message": message, "pointer": pointer, "line": line}


async def save(page: Page) -> Response:
    """Save the draft: as a version of its own, or in the place of the version it has."""
    definition, line, fault = parsed_object(page.form.raw("draft"))
    if fault:
        return page.data({"problems": [_problem(fault, "", line)]}, 400)
    overwrite = page.form.on("overwrite")
    try:
        await page.api.post("/metadata/workflow", definition, overwrite=overwrite)
    except ApiRefusal as refusal:
        if refusal.status == 401:
            raise
        return page.data({"problems": _problems(refusal, definition)}, refusal.status)
    name, version = str(definition["name"]), int(definition.get("version") or 1)
    response = page.data({"address": f"{path(_HOME + '/{}', name)}?version={version}"})
    return page.with_notice(response, Notice(f"Saved as version {version} of {name}."))


async def delete(page: Page) -> Response:
    """Remove one version."""
    name, version = page.param("name"), page.form.text("version")
    await page.api.delete(path("/metadata/workflow/{}/{}", name, version))
    return page.go(_HOME, Notice(f"Removed version {version} of {name}."))


async def match_preview(page: Page) -> Response:
    """How many of the last events would have met some clauses; a hint while they are written."""
    matches, _, fault = parsed_object(page.form.raw("matches"))
    asked = {"webhookId": page.form.text("webhookId"), "workflow": page.form.text("workflow")}
    scope = {name: value for name, value in asked.items() if value}
    if fault or not scope:
        return page.data({"met": 0, "examined": 0, "message": fault})
    body = {"matches": matches, "limit": _PREVIEWED, **dict(list(scope.items())[:1])}
    try:
        found = await page.api.post("/match-preview", body)
    except ApiRefusal as refusal:
        return page.data({"met": 0, "examined": 0, "message": str(refusal)})
    meeting = [one["id"] for one in found["events"] if one["meets"]]
    return page.data({"met": found["met"], "examined": found["examined"], "events": meeting[:5]})


async def recent_events(page: Page) -> Response:
    """The newest events, with their payloads: those of webhooks that can resume the workflow."""
    webhooks = await page.api.get("/metadata/webhook")
    name = page.query("workflow")
    fitting = [one["id"] for one in webhooks if name in one["receiverWorkflowNamesToVersions"]]
    asked = fitting[:3] or [None]
    lists = await asyncio.gather(
        *(page.api.get("/webhook-events", webhookId=one, limit=_RECENT) for one in asked)
    )
    newest = sorted(
        (one for found in lists for one in found["events"] if one["verdict"] not in _MEET_NOTHING),
        key=lambda one: one["receivedAt"],
        reverse=True,
    )[:_RECENT]
    whole = await asyncio.gather(
        *(page.api.get(path("/webhook-events/{}", one["id"])) for one in newest)
    )
    return page.data(
        [
            {
                "id": one["id"],
                "webhookId": one["webhookId"],
                "label": f"{one.get('type') or 'event'}, {one['webhookName']}",
                "payload": one.get("payload"),
            }
            for one in whole
        ]
    )
