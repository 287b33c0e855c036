"""The page of one event: what happened, the way it took, why it did not match, its content."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console.api import ApiRefusal, path
from hookline_console.event_clauses import Why, why
from hookline_console.event_payload import curl, shown
from hookline_console.event_rows import NOT_REPLAYED, check_of
from hookline_console.event_story import filled, sentence, stations, took, way
from hookline_console.pages import HEADERS, Page, Site, read

_MOST_REACHED = 20
_DOWNLOAD = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/events/{id}`, what a row of a list opens, and the raw request."""
    return [
        read(site, "/events/{id}", show),
        read(site, "/events/{id}/detail", detail),
        read(site, "/events/{id}/raw", raw),
    ]


async def show(page: Page) -> Response:
    """The whole page."""
    event, compared = await _event(page)
    older, newer, same, reached, webhook = await asyncio.gather(
        _older(page, event),
        _newer(page, event),
        _same_delivery(page, event),
        asyncio.gather(*(_reached(page, one) for one in _touched(event))),
        _optional(page, "/metadata/webhook/{}", event["webhookId"]),
    )
    return await page.show(
        "event.html",
        **_content(page, event, compared),
        older=older,
        newer=newer,
        same=same,
        reached=reached,
        webhook=webhook,
        platform=webhook.get("sourcePlatform", "") if webhook else "",
        stops=stations(event),
        legs=way(event),
        live=_may_change(event),
    )


async def detail(page: Page) -> Response:
    """The opened row of a list."""
    event, compared = await _event(page)
    return page.part("event_detail.html", **_content(page, event, compared))


async def raw(page: Page) -> Response:
    """The bytes as they came, of their own type, as a download that no browser shows."""
    event_id = page.param("id")
    answer = await page.api.answer("GET", path("/webhook-events/{}/raw", event_id))
    name = "".join(one for one in event_id if one.isalnum() or one == "-") or "event"
    kind = answer.headers.get("content-type", "application/octet-stream")
    disposition = f'attachment; filename="{name}"'
    headers = {**HEADERS, **_DOWNLOAD, "Content-Type": kind, "Content-Disposition": disposition}
    return Response(answer.content, headers=headers)


async def _event(page: Page) -> tuple[Mapping[str, Any], Why | None]:
    """The record, and how it compares; without the latter where the API cannot say."""
    one = page.param("id")
    event, explained = await asyncio.gather(
        page.api.get(path("/webhook-events/{}", one)),
        _optional(page, "/webhook-events/{}/explain", one),
    )
    return filled(event), why(explained) if explained else None


def _content(page: Page, event: Mapping[str, Any], compared: Why | None) -> dict[str, Any]:
    marked = [one.path for wait in (compared.waits[:1] if compared else ()) for one in wait.rows]
    whole = page.query("payload") == "whole"
    return {
        "event": event,
        "why": compared,
        "sentence": sentence(event),
        "took": took(event),
        "check": check_of(event),
        "payload": shown(event.get("payload"), marked, whole=whole),
        "whole": whole,
        "curl": curl(event),
        "replayable": event["verdict"] not in NOT_REPLAYED,
    }


def _touched(event: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [one for one in event["effects"] if one.get("workflowId")][:_MOST_REACHED]


async def _reached(page: Page, effect: Mapping[str, Any]) -> Mapping[str, Any]:
    """An effect with the state of its execution and task today, where they are still there."""
    workflow_id, task_id = effect["workflowId"], effect.get("taskId")
    execution, task = await asyncio.gather(
        _optional(page, "/workflow/{}", workflow_id, includeTasks=False),
        _optional(page, "/tasks/{}", task_id) if task_id else _nothing(),
    )
    return {"effect": effect, "execution": execution, "task": task}


async def _same_delivery(page: Page, event: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Other events of this delivery: its duplicates and the first one, the newest first."""
    if not event.get("deliveryId"):
        return []
    found = await page.api.get(
        "/webhook-events",
        webhookId=event["webhookId"],
        deliveryId=event["deliveryId"],
        limit=_MOST_REACHED,
    )
    return [one for one in found["events"] if one["id"] != event["id"]]


async def _older(page: Page, event: Mapping[str, Any]) -> str:
    return await _neighbour(page, event, to=event["receivedAt"])


async def _newer(page: Page, event: Mapping[str, Any]) -> str:
    return await _neighbour(page, event, **{"from": event["receivedAt"] + 1, "order": "oldest"})


async def _neighbour(page: Page, event: Mapping[str, Any], **where: Any) -> str:
    found = await page.api.get("/webhook-events", webhookId=event["webhookId"], limit=1, **where)
    return found["events"][0]["id"] if found["events"] else ""


def _may_change(event: Mapping[str, Any]) -> bool:
    early = event.get("early")
    kept = event["verdict"] == "unmatched" and early and not early["expired"]
    return event["verdict"] == "pending" or bool(kept)


async def _optional(page: Page, template: str, value: str, **params: Any) -> Any:
    try:
        return await page.api.get(path(template, value), **params)
    except ApiRefusal as refusal:
        if refusal.status != 404:
            raise
        return None


async def _nothing() -> None:
    return None
