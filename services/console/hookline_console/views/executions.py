"""The list of executions: find them, and act on several at once."""

import asyncio
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console.bulk import ACTIONS
from hookline_console.execution_search import PAGE_SIZE, PERIODS, Filters, search_parameters
from hookline_console.moments import exact_text, ms_of
from hookline_console.pages import Page, Site, read
from hookline_console.paging import start_of


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/executions`."""
    return [read(site, "/executions", executions)]


async def executions(page: Page) -> Response:
    """A page of the executions that the filters let through."""
    filters = filters_of(page)
    now = page.now
    found, names = await asyncio.gather(
        page.api.get("/workflow/search", **search_parameters(filters, now)),
        page.api.get("/metadata/workflow/names"),
    )
    total = found["totalHits"]
    return await page.show(
        "executions.html",
        filters=filters,
        rows=[row(one, now) for one in found["results"]],
        total=total,
        names=sorted(names),
        periods=PERIODS,
        actions=ACTIONS,
        newer=_at(page, filters.start - PAGE_SIZE) if filters.start else "",
        older=_at(page, filters.start + PAGE_SIZE) if filters.start + PAGE_SIZE < total else "",
    )


def filters_of(page: Page) -> Filters:
    """The filters of the address."""
    return Filters(
        workflow=page.query("workflow"),
        version=page.query("version"),
        statuses=tuple(page.request.query_params.getlist("status")),
        correlation=page.query("correlation"),
        period=page.query("period"),
        since=page.query("from"),
        until=page.query("to"),
        text=page.query("text"),
        start=start_of(page),
    )


def _at(page: Page, start: int) -> str:
    query = [(k, v) for k, v in page.request.query_params.multi_items() if k != "start" and v]
    return page.with_query([*query, ("start", str(max(0, start)))] if start > 0 else query)


def row(summary: dict[str, Any], now: int) -> dict[str, Any]:
    """A summary of the search with its times in milliseconds and its duration in words."""
    started = _ms(summary.get("startTime"))
    ended = _ms(summary.get("endTime"))
    return {
        **summary,
        "startedAt": started,
        "took": exact_text((ended or now) - started) if started else "",
        "correlationId": summary.get("correlationId", ""),
        "reason": summary.get("reasonForIncompletion", ""),
        "failedAt": summary.get("failedReferenceTaskNames", ""),
    }


def _ms(text: str | None) -> int | None:
    """Search summaries hold times as text (rest.md 1.3)."""
    return ms_of(text) if text else None
