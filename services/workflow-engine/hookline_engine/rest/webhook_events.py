"""The history of events over HTTP (specs/webhooks.md section 7)."""

from collections.abc import Sequence
from typing import Any, get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.clock import Clock
from hookline_common.collections import WEBHOOK_EVENTS
from hookline_common.documents import All, Condition, Documents, Op, Order, Page, Query, Where
from hookline_common.errors import BadRequest, Gone, Undecodable
from hookline_common.eventlog import EventLog
from hookline_common.eventrecords import EventRecord, Verdict
from hookline_common.rawevents import RawEvent
from hookline_common.web import json_answer, without_nulls
from hookline_engine.event_history import event_record, events_in
from hookline_engine.explained_verdicts import early_event
from hookline_engine.explaining import Explainer
from hookline_engine.raw_requests import raw_request
from hookline_engine.rest.requests import Parameters, parameters

MOST_EVENTS = 1000
_VERDICTS = frozenset(get_args(Verdict))
_ONLY_IN_ONE = frozenset({"payload", "headers", "query", "steps"})
"""What a list leaves out: it can be large, and `GET /webhook-events/{id}` has it."""
_INTERNAL = frozenset({"planRevision", "countsFrom", "standsFor", "position"})
_UNSET_TIMES = frozenset({"verifiedAt", "matchedAt", "doneAt", "keptUntil"})


def routes(
    documents: Documents, log: EventLog, explainer: Explainer, clock: Clock
) -> list[BaseRoute]:
    """The endpoints of the history."""
    history = History(documents, log, explainer, clock)
    return [
        Route("/api/webhook-events", history.search),
        Route("/api/webhook-events/{id}", history.one),
        Route("/api/webhook-events/{id}/raw", history.raw),
        Route("/api/webhook-events/{id}/explain", history.explain),
        Route("/api/metadata/webhook/{id}/events", history.of_webhook),
    ]


class History:
    """The endpoints; they only read."""

    def __init__(
        self, documents: Documents, log: EventLog, explainer: Explainer, clock: Clock
    ) -> None:
        self._documents = documents
        self._log = log
        self._explainer = explainer
        self._clock = clock

    async def search(self, request: Request) -> Response:
        """GET: events that meet all filters, the newest first, in pages."""
        query = parameters(request)
        return await self._page(query, query.texts("webhookId"))

    async def of_webhook(self, request: Request) -> Response:
        """GET: the same list for one webhook, also for a deleted one."""
        return await self._page(parameters(request), (request.path_params["id"],))

    async def one(self, request: Request) -> Response:
        """GET: one event with its whole story."""
        return json_answer(show_event(await self._event(request), self._clock.now_ms()))

    async def raw(self, request: Request) -> Response:
        """GET: the bytes as they came, as a download; 410 once the log has let go of them."""
        event = await self._event(request)
        found = await self._raw(event)
        if found is None:
            message = f"The request of the event {event.id} is kept no longer."
            raise Gone(message, code="raw_expired")
        return Response(found.body, headers=_download_headers(found))

    async def explain(self, request: Request) -> Response:
        """GET: why the event did what it did."""
        return json_answer(await self._explainer.explain(request.path_params["id"]))

    async def _page(self, query: Parameters, webhooks: Sequence[str]) -> Response:
        page = await self._found(
            Query(
                All(tuple(_conditions(query, webhooks))),
                (Order("received_at", descending=not _oldest_first(query)),),
                limit=query.integer("limit", 100, least=1, most=MOST_EVENTS),
                after=query.text("cursor"),
            )
        )
        now = self._clock.now_ms()
        events = [show_summary(event, now) for event in events_in(page.documents)]
        return json_answer(without_nulls({"events": events, "nextCursor": page.cursor}))

    async def _found(self, query: Query) -> Page:
        try:
            return await self._documents.find(WEBHOOK_EVENTS, query)
        except BadRequest as error:  # all else in the query is made here
            field = "/query/cursor"
            raise BadRequest(str(error), code="invalid_parameter", field=field) from error

    async def _event(self, request: Request) -> EventRecord:
        return await event_record(self._documents, request.path_params["id"])

    async def _raw(self, event: EventRecord) -> RawEvent | None:
        try:
            found = await raw_request(self._log, event)
        except Undecodable:
            return None
        return None if found is None else found.raw


def _conditions(query: Parameters, webhooks: Sequence[str]) -> list[Where]:
    found: list[Where] = []
    if webhooks:
        found.append(_one_of("webhook_id", webhooks))
    verdicts = [verdict.lower() for verdict in query.texts("verdict")]
    if verdicts:
        _check_verdicts(verdicts)
        found.append(_one_of("verdict", verdicts))
    for name, field in (("type", "type"), ("deliveryId", "delivery_id")):
        value = query.text(name)
        if value is not None:
            found.append(Condition(field, Op.EQ, value))
    workflow = query.text("workflowId")
    if workflow is not None:
        found.append(Condition("workflows", Op.EQ, workflow))
    text = query.text("text")
    if text is not None:
        found.append(Condition("search", Op.CONTAINS, text))
    return found + _between(query)


def _oldest_first(query: Parameters) -> bool:
    order = query.text("order") or "newest"
    if order not in ("newest", "oldest"):
        message = f"There is no order {order[:40]!r}: write newest or oldest."
        raise BadRequest(message, code="invalid_parameter", field="/query/order")
    return order == "oldest"


def _one_of(field: str, values: Sequence[str]) -> Condition:
    if len(values) == 1:
        return Condition(field, Op.EQ, values[0])
    return Condition(field, Op.IN, tuple(values))


def _check_verdicts(verdicts: Sequence[str]) -> None:
    for verdict in verdicts:
        if verdict not in _VERDICTS:
            known = ", ".join(sorted(_VERDICTS))
            message = f"There is no verdict {verdict[:40]!r}; known are {known}."
            raise BadRequest(message, code="invalid_parameter", field="/query/verdict")


def _between(query: Parameters) -> list[Where]:
    """`from` is included, `to` is not."""
    begin, end = query.moment("from"), query.moment("to")
    found: list[Where] = []
    if begin is not None:
        found.append(Condition("received_at", Op.GE, begin))
    if end is not None:
        found.append(Condition("received_at", Op.LT, end))
    return found


def show_event(event: EventRecord, now_ms: int) -> dict[str, Any]:
    """The record as the API answers it: nulls and unset times left out, all else written; and how
    long it is, or was, kept for waits that open late.
    """
    shown = {
        name: value
        for name, value in _in_full(event).items()
        if not (name in _INTERNAL or (name in _UNSET_TIMES and not value))
    }
    early = early_event(event, now_ms)
    return shown if early is None else {**shown, "early": early}


def show_summary(event: EventRecord, now_ms: int) -> dict[str, Any]:
    """An event in a list."""
    shown = show_event(event, now_ms)
    return {name: value for name, value in shown.items() if name not in _ONLY_IN_ONE}


def _in_full(value: Any) -> Any:
    if isinstance(value, msgspec.Raw):
        return value
    if isinstance(value, msgspec.Struct):
        names = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
        parts = ((shown, getattr(value, field)) for shown, field in names)
        return {shown: _in_full(part) for shown, part in parts if part is not None}
    return [_in_full(part) for part in value] if isinstance(value, tuple) else value  # pyright: ignore[reportUnknownVariableType]


def _download_headers(raw: RawEvent) -> dict[str, str]:
    """The type that was sent, but never shown by a browser as a page of ours."""
    types = [value for name, value in raw.headers if name == "content-type"]
    given = types[0] if types and types[0].isascii() and types[0].isprintable() else ""
    return {
        "Content-Type": given or "application/octet-stream",
        "Content-Disposition": f'attachment; filename="{raw.id}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
