"""The home page: whether events arrive, are accepted and do something."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console.charts import FILLS, columns, top_of
from hookline_console.pages import Page, Site, read

_MINUTE = 60_000
RANGES: Mapping[str, tuple[str, int, int]] = {
    "1h": ("1 h", 60 * _MINUTE, _MINUTE),
    "6h": ("6 h", 360 * _MINUTE, 5 * _MINUTE),
    "24h": ("24 h", 1440 * _MINUTE, 20 * _MINUTE),
    "7d": ("7 days", 7 * 1440 * _MINUTE, 120 * _MINUTE),
}
"""Words, length and step, in milliseconds."""


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/`."""
    return [read(site, "/", home)]


async def home(page: Page) -> Response:
    """The state of the system in five seconds; the first steps while there is nothing."""
    chosen = page.query("range", "1h")
    words, length, step = RANGES.get(chosen, RANGES["1h"])
    span = {"from": page.now - length, "step": step}
    stats, topics, events, names, waiting = await asyncio.gather(
        page.api.get("/stats", **span),
        page.api.get("/topics"),
        page.api.get("/webhook-events", limit=8),
        page.api.get("/metadata/workflow/names"),
        page.api.get("/workflow/search", size=1),
    )
    total = stats["total"]
    return await page.show(
        "home.html",
        stats=stats,
        total=total,
        count=sum(total.values()),
        words=words,
        chosen=chosen,
        ranges=RANGES,
        chart=columns(stats["steps"], f"Events by verdict, last {words}"),
        top=top_of(stats["steps"]),
        fills=FILLS,
        lags=lags_of(topics["topics"]),
        events=events["events"],
        waiting=sum(stats["waiting"].values()),
        failing=[one for one in stats["webhooks"] if one["failing"]],
        silent=[one for one in stats["webhooks"] if one["silent"]],
        is_new=not events["events"] and not waiting["totalHits"],
        has_workflow=bool(names),
        has_run=waiting["totalHits"] > 0,
        port=page.request.url.port,
        address=str(page.request.base_url).rstrip("/"),
    )


def lags_of(topics: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How far each consumer group is behind, over all its topics."""
    found: dict[str, dict[str, Any]] = {}
    for topic in topics:
        for group in topic.get("groups") or ():
            one = found.setdefault(
                group["group"], {"group": group["group"], "members": group["members"], "lag": 0}
            )
            one["lag"] += group["lag"]
    return list(found.values())
