"""The list of webhooks: what each is, whether it works, what comes of its events."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console.pages import Page, Site, read
from hookline_console.paging import part_of
from hookline_console.webhook_rows import STATES, Choice, Row, chosen, rows, state_counts

PAGE_SIZE = 25
_STEPS = 12
_MINUTE_MS = 60_000
_STEP_MS = 120 * _MINUTE_MS


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/definitions/webhooks`."""
    return [read(site, "/definitions/webhooks", webhooks)]


async def webhooks(page: Page) -> Response:
    """One page of the list, filtered by text, platform and state."""
    found, now, day = await asyncio.gather(
        page.api.get("/metadata/webhook"), page.api.get("/stats"), _last_day(page)
    )
    everything = rows(found, now, day)
    choice = Choice(page.query("text"), page.query("platform"), page.query("state"))
    left = chosen(everything, choice)
    part = part_of(page, left, PAGE_SIZE)
    return await page.show(
        "webhooks.html",
        part=part,
        last=await _last_events(page, part.rows),
        choice=choice,
        states=STATES,
        counts=state_counts(everything),
        platforms=sorted({row.platform for row in everything}),
        total=len(everything),
    )


async def _last_day(page: Page) -> Mapping[str, Any]:
    """The counts of the last 24 hours in steps."""
    end = (page.now // _MINUTE_MS + 1) * _MINUTE_MS
    span = {"from": end - _STEPS * _STEP_MS, "to": end, "step": _STEP_MS}
    return await page.api.get("/stats", **span, webhookSteps=True)


async def _last_events(page: Page, shown: Sequence[Row]) -> Mapping[str, int]:
    """When the last event of each webhook came; those without one are left out."""
    asked = (page.api.get("/webhook-events", webhookId=row.id, limit=1) for row in shown)
    answers = await asyncio.gather(*asked)
    return {
        row.id: answer["events"][0]["receivedAt"]
        for row, answer in zip(shown, answers, strict=True)
        if answer["events"]
    }
