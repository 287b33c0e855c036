"""The page of one execution."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console.api import ApiRefusal, path
from hookline_console.definition_lines import parsed_object
from hookline_console.execution_view import (
    clauses_of,
    not_reached,
    sample_values,
    shown_status,
    states_of,
    timeline_of,
    waiting_tasks,
)
from hookline_console.graph import draw_graph
from hookline_console.pages import Page, Site, change, read
from hookline_console.sessions import Notice

HOME = "/executions"
_API = "/workflow/{}"
_ACTIONS: Mapping[str, tuple[str, str, str]] = {
    "pause": ("PUT", "/pause", "Paused."),
    "resume": ("PUT", "/resume", "Resumed."),
    "retry": ("POST", "/retry", "Retried from the failed task."),
    "restart": ("POST", "/restart", "Restarted from the beginning."),
}


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/executions/{id}` and what is done to it."""
    one = f"{HOME}/{{id}}"
    return [
        read(site, one, execution),
        change(site, f"{one}/terminate", terminate),
        change(site, f"{one}/remove", remove),
        change(site, f"{one}/rerun", rerun),
        change(site, f"{one}/skip", skip),
        change(site, f"{one}/{{action}}", act),
    ]


async def execution(page: Page) -> Response:
    """Where it stands, how it came there, and how to make it go on."""
    found, events, webhooks = await asyncio.gather(
        page.api.get(path(_API, page.param("id")), includeTasks=True),
        page.api.get("/webhook-events", workflowId=page.param("id"), limit=20),
        page.api.get("/metadata/webhook"),
    )
    tasks: list[dict[str, Any]] = found.get("tasks") or []
    resuming = [
        hook
        for hook in webhooks
        if hook["receiverWorkflowNamesToVersions"].get(found["workflowName"])
        in (0, found["workflowVersion"])
    ]
    chosen = page.query("task") or (tasks[-1]["taskId"] if tasks else "")
    task = next((one for one in tasks if one["taskId"] == chosen), None)
    return await page.show(
        "execution.html",
        execution=found,
        graph=draw_graph(
            found.get("workflowDefinition") or {},
            icons=page.asset("icons.svg"),
            states=states_of(tasks),
            webhooks=webhooks,
        ),
        tasks=list(reversed(tasks)),
        timeline=timeline_of(tasks, page.now),
        shown_status=shown_status,
        waits=[
            {"task": one, "clauses": clauses_of(one), "values": json.dumps(sample_values(one))}
            for one in waiting_tasks(tasks)
        ],
        webhooks=resuming,
        events=events["events"],
        task=task,
        skippable=not_reached(found) if found["status"] == "RUNNING" else (),
        logs=await _logs(page, task),
    )


async def _logs(page: Page, task: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]]:
    if task is None:
        return ()
    try:
        return await page.api.get(path("/tasks/{}/log", task["taskId"])) or ()
    except ApiRefusal as refusal:
        if refusal.status != 404:
            raise
        return ()


async def act(page: Page) -> Response:
    """Pause, resume, retry or restart it."""
    address = path(HOME + "/{}", page.param("id"))
    action = _ACTIONS.get(page.param("action"))
    if action is None:
        return page.go(address, Notice(f"There is no action {page.param('action')!r}.", "warn"))
    method, tail, done = action
    await page.api.call(method, path(_API, page.param("id")) + tail)
    return page.go(address, Notice(done))


async def rerun(page: Page) -> Response:
    """Go back to one of its tasks: what came after that is done again."""
    address = path(HOME + "/{}", page.param("id"))
    body: dict[str, Any] = {"reRunFromTaskId": page.form.text("task")}
    if text := page.form.text("input"):
        given, _, fault = parsed_object(text)
        if fault:
            return page.go(address, Notice(f"Not rerun: the input is not JSON: {fault}", "warn"))
        body["taskInput"] = given
    await page.api.post(path(_API + "/rerun", page.param("id")), body)
    return page.go(address, Notice("It runs again from that task."))


async def skip(page: Page) -> Response:
    """Step over a task that the flow has not reached."""
    address, ref = path(HOME + "/{}", page.param("id")), page.form.text("ref")
    output, _, fault = parsed_object(page.form.text("output") or "{}")
    if fault:
        return page.go(address, Notice(f"Not skipped: the output is not JSON: {fault}", "warn"))
    await page.api.put(
        path(_API + "/skiptask/{}", page.param("id"), ref), {"taskInput": {}, "taskOutput": output}
    )
    return page.go(address, Notice(f"{ref} will be skipped."))


async def terminate(page: Page) -> Response:
    """End it now."""
    reason = page.form.text("reason") or "terminated on the console"
    await page.api.delete(path(_API, page.param("id")), reason=reason)
    return page.go(path(HOME + "/{}", page.param("id")), Notice("Terminated."))


async def remove(page: Page) -> Response:
    """Take it out of the store."""
    await page.api.delete(path(_API + "/remove", page.param("id")))
    return page.go(HOME, Notice("The execution is removed."))
