"""What happened lately, over HTTP (rest.md 2.10a): counts of events, waits, failing webhooks."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.clock import Clock
from hookline_common.collections import EVENT_COUNTS, WAITERS, WEBHOOK_EVENTS
from hookline_common.documents import All, Condition, Document, Documents, Op, Order, Query
from hookline_common.errors import BadRequest
from hookline_common.web import json_answer
from hookline_common.webhooks import WebhookConfig
from hookline_engine.event_stats import (
    MINUTE_MS,
    VERDICTS,
    Minute,
    Span,
    by_step,
    by_webhook,
    is_silent,
    total,
    watched,
)
from hookline_engine.rest.requests import Parameters, parameters
from hookline_engine.webhook_store import WebhookStore

HOUR_MS = 60 * MINUTE_MS
MOST_STEPS = 1_500
MOST_COUNTERS = 100_000
_PAGE = 1_000


def stats_routes(documents: Documents, webhooks: WebhookStore, clock: Clock) -> list[BaseRoute]:
    """The endpoint."""
    return [Route("/api/stats", Stats(documents, webhooks, clock).show)]


class Stats:
    """Sums up the counters that the matcher keeps per webhook and minute."""

    def __init__(self, documents: Documents, webhooks: WebhookStore, clock: Clock) -> None:
        self._documents = documents
        self._webhooks = webhooks
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """GET: by default the last hour in minutes. Counts may be short of what a crash has lost,
        at most a batch each; `complete` is false if there were too many counters to read. With
        `webhookSteps` each webhook has its steps, too.
        """
        query = parameters(request)
        span = span_of(query, self._clock.now_ms())
        minutes, complete = await self._minutes(span)
        webhooks = await self._webhooks.all()
        steps = by_step(minutes, span)
        of_each = span if query.boolean("webhookSteps", default=False) else None
        return json_answer(
            {
                "from": span.begin,
                "to": span.end,
                "step": span.step,
                "complete": complete,
                "total": total(steps),
                "steps": steps,
                "webhooks": by_webhook(minutes, webhooks, await self._silent(webhooks), of_each),
                "waiting": await self._waiting(webhooks),
            }
        )

    async def _minutes(self, span: Span) -> tuple[Sequence[Minute], bool]:
        since = Condition("minute", Op.GE, span.begin // MINUTE_MS)
        where = All((since, Condition("minute", Op.LT, span.end // MINUTE_MS)))
        found: list[Minute] = []
        cursor: str | None = None
        while len(found) < MOST_COUNTERS:
            query = Query(where, (Order("minute", descending=True),), limit=_PAGE, after=cursor)
            page = await self._documents.find(EVENT_COUNTS, query)
            found += [_minute(document) for document in page.documents]
            cursor = page.cursor
            if cursor is None:
                return found, True
        return found, False

    async def _silent(self, webhooks: Sequence[WebhookConfig]) -> frozenset[str]:
        now = self._clock.now_ms()
        found: set[str] = set()
        for webhook in filter(watched, webhooks):
            where = Condition("webhook_id", Op.EQ, webhook.id)
            query = Query(where, (Order("received_at", descending=True),), limit=1)
            last = (await self._documents.find(WEBHOOK_EVENTS, query)).documents
            at = int(str(last[0].fields["received_at"])) if last else None
            if is_silent(webhook, at, now):
                found.add(webhook.id)
        return frozenset(found)

    async def _waiting(self, webhooks: Sequence[WebhookConfig]) -> dict[str, int]:
        """Open waits by workflow, of those that webhooks resume."""
        names = sorted({name for webhook in webhooks for name in webhook.receivers})
        return {name: await self._open_waits(name) for name in names}

    async def _open_waits(self, workflow: str) -> int:
        is_open = Condition("state", Op.EQ, "open")
        where = All((Condition("workflow", Op.EQ, workflow), is_open))
        return await self._documents.count(WAITERS, where)


def span_of(query: Parameters, now_ms: int) -> Span:
    """`from`, `to` (epoch milliseconds or ISO 8601) and `step` (milliseconds) in whole minutes."""
    end = query.moment("to")
    begin = query.moment("from")
    end = -(-(now_ms + 1 if end is None else end) // MINUTE_MS) * MINUTE_MS
    begin = (end - HOUR_MS if begin is None else begin) // MINUTE_MS * MINUTE_MS
    step = query.integer("step", MINUTE_MS, least=MINUTE_MS)
    step = step // MINUTE_MS * MINUTE_MS
    if begin >= end:
        message = "'from' must be before 'to'."
        raise BadRequest(message, code="invalid_parameter", field="/query/from")
    if (end - begin) // step > MOST_STEPS:
        message = f"These are more than {MOST_STEPS} steps: ask for longer ones, or for less time."
        raise BadRequest(message, code="invalid_parameter", field="/query/step")
    return Span(begin, end, step)


def _minute(document: Document) -> Minute:
    fields = document.fields
    counts = {verdict: int(str(fields.get(verdict) or 0)) for verdict in VERDICTS}
    return Minute(str(fields["webhook_id"]), int(str(fields["minute"])) * MINUTE_MS, counts)
