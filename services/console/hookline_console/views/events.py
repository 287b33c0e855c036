"""The history of events: of all webhooks, and of one; each row opens in place."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console.api import ApiRefusal
from hookline_console.event_rows import NOT_REPLAYED, RANGES, Filters, filters_of, row
from hookline_console.pages import Page, Site, read

PAGE_SIZE = 50
_TRAIL = 20
"""How many pages back are remembered in the address."""


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/events` and `/definitions/webhooks/{id}/events`."""
    return [
        read(site, "/events", all_events),
        read(site, "/definitions/webhooks/{id}/events", of_webhook),
    ]


async def all_events(page: Page) -> Response:
    """The events of all webhooks, or of the chosen one."""
    return await _history(page, "events.html", "")


async def of_webhook(page: Page) -> Response:
    """The execution history of one webhook, also of a deleted one."""
    return await _history(page, "webhook_history.html", page.param("id"))


async def _history(page: Page, template: str, webhook_id: str) -> Response:
    now = page.now
    filters = filters_of(page.query, now, webhook_id)
    span = filters.for_stats(now)
    found, webhooks, stats = await asyncio.gather(
        _found(page, filters),
        page.api.get("/metadata/webhook"),
        page.api.get("/stats", **span) if span else _nothing(),
    )
    webhook = next((one for one in webhooks if one["id"] == filters.webhook_id), None)
    rows = [row(event) for event in found["events"]]
    return await page.show(
        template,
        filters=filters,
        rows=rows,
        types=sorted({one.event["type"] for one in rows if one.event.get("type")}),
        webhooks=sorted((one["id"], one["name"]) for one in webhooks),
        webhook=webhook,
        name=webhook["name"] if webhook else (rows[0].event["webhookName"] if rows else ""),
        counts=_counts(stats, filters),
        ranges=RANGES,
        replay=_replay_address(filters),
        newer=_newer(page),
        older=_older(page, found.get("nextCursor")),
        error=filters.error or found.get("error", ""),
    )


async def _found(page: Page, filters: Filters) -> Mapping[str, Any]:
    """A page of the list; a cursor or a filter that the API refuses is said on the page."""
    query = filters.for_list() | {"limit": PAGE_SIZE, "cursor": page.query("cursor")}
    try:
        return await page.api.get("/webhook-events", **query)
    except ApiRefusal as refusal:
        if refusal.status != 400:
            raise
        return {"events": [], "error": str(refusal)}


async def _nothing() -> None:
    return None


def _counts(stats: Mapping[str, Any] | None, filters: Filters) -> Mapping[str, int]:
    if stats is None:
        return {}
    if not filters.webhook_id:
        return stats["total"]
    counts: Sequence[Mapping[str, Any]] = stats["webhooks"]
    mine = [one["counts"] for one in counts if one["id"] == filters.webhook_id]
    return mine[0] if mine else {}


def _replay_address(filters: Filters) -> str:
    """Where the shown events can be replayed; empty for verdicts that never are."""
    if filters.verdict in NOT_REPLAYED:
        return ""
    chosen = {name: value for name, value in filters.for_list().items() if value not in (None, "")}
    return f"/events/replay?{urlencode(chosen)}" if chosen else "/events/replay"


def _older(page: Page, cursor: str | None) -> str:
    if not cursor:
        return ""
    trail = [*_trail(page), page.query("cursor") or "first"][-_TRAIL:]
    return page.address(cursor=cursor, trail=" ".join(trail))


def _newer(page: Page) -> str:
    if not page.query("cursor"):
        return ""
    trail = _trail(page)
    before = trail[-1] if trail else "first"
    cursor = None if before == "first" else before
    return page.address(cursor=cursor, trail=" ".join(trail[:-1]) or None)


def _trail(page: Page) -> list[str]:
    return page.query("trail").split()
