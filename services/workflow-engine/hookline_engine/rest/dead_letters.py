"""Dead letters over HTTP (specs/rest.md 2.10a): find them, look at one, redrive or drop them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.documents import EVERYTHING, All, Condition, Op, Where
from hookline_common.errors import BadRequest
from hookline_common.web import json_answer, without_nulls
from hookline_engine.dead_letter_actions import LARGEST_PAGE, DeadLetters, Done
from hookline_engine.dead_letters import DeadLetter, State, letter_of
from hookline_engine.record_views import show_event, show_headers, show_value
from hookline_engine.rest.fields import Fields
from hookline_engine.rest.requests import Parameters, parameters, read_object

MOST_LETTERS = 1000
MOST_IDS = 1000
_FILTERS = {
    "topic": "topic",
    "error": "error",
    "reason": "reason",
    "service": "service",
    "eventId": "event_id",
    "webhookId": "webhook_id",
}
"""The equality filters and their index fields."""
_STATES: tuple[State, ...] = get_args(State)
_BODY = ("ids", "filter", "dryRun", "limit")
_SELECTION = (*_FILTERS, "from", "to", "all")

Act = Callable[[Where, int], Awaitable[Done]]


def dead_letters_routes(letters: DeadLetters) -> list[BaseRoute]:
    """The endpoints of dead letters."""
    door = _Door(letters)
    return [
        Route("/api/dead-letters", door.search),
        Route("/api/dead-letters", door.drop, methods=["DELETE"]),
        Route("/api/dead-letters/redrive", door.redrive, methods=["POST"]),
        Route("/api/dead-letters/{id}", door.one),
    ]


class _Door:
    """The endpoints."""

    def __init__(self, letters: DeadLetters) -> None:
        self._letters = letters

    async def search(self, request: Request) -> Response:
        """GET: letters that meet all filters, the newest first, in pages."""
        query = parameters(request)
        limit = query.integer("limit", 100, least=1, most=MOST_LETTERS)
        where = All((*_conditions(query), *_states(query)))
        try:
            page = await self._letters.page(where, limit, query.text("cursor"))
        except BadRequest as error:  # all else in the query is made here
            field = "/query/cursor"
            raise BadRequest(str(error), code="invalid_parameter", field=field) from error
        shown = [show_letter(letter_of(document.body)) for document in page.documents]
        return json_answer(without_nulls({"deadLetters": shown, "nextCursor": page.cursor}))

    async def one(self, request: Request) -> Response:
        """GET: a letter with its message, as long as the log has it."""
        letter = await self._letters.get(request.path_params["id"])
        shown = show_letter(letter)
        message = await self._letters.message(letter)
        if message is None:
            return json_answer({**shown, "valueExpired": True})
        return json_answer(
            without_nulls(
                {
                    **shown,
                    "event": show_event(message.record),
                    "headers": show_headers(message.record),
                    **show_value(message.record.value),
                }
            )
        )

    async def redrive(self, request: Request) -> Response:
        """POST: take up to `limit` letters of the selection back to their topics."""
        return await self._act(request, self._letters.redrive, "redriven")

    async def drop(self, request: Request) -> Response:
        """DELETE: mark up to `limit` letters of the selection as done with."""
        return await self._act(request, self._letters.drop, "dropped")

    async def _act(self, request: Request, act: Act, name: str) -> Response:
        body = Fields(await read_object(request))
        body.refuse_unknown(_BODY)
        where, ids = _selection(body)
        limit = body.integer("limit", least=1, most=LARGEST_PAGE) or LARGEST_PAGE
        now_ms = await self._letters.now_ms()
        matched = await self._letters.waiting(where)
        skipped = await self._skipped(ids)
        answer: dict[str, Any] = {"matched": matched, "skipped": skipped, "now": now_ms}
        if body.boolean("dryRun"):
            return json_answer({**answer, name: 0, "expired": 0, "remaining": matched})
        done = await act(where, limit)
        answer |= {name: done.changed, "expired": done.expired, "remaining": done.remaining}
        return json_answer(answer)

    async def _skipped(self, ids: Sequence[str]) -> list[dict[str, str]]:
        """The named letters about which nothing is done, and why."""
        if not ids:
            return []
        states = await self._letters.states(list(ids))
        return [
            {"id": letter_id, "reason": states.get(letter_id, "not_found")}
            for letter_id in ids
            if states.get(letter_id) != "waiting"
        ]


def show_letter(letter: DeadLetter) -> dict[str, Any]:
    """A letter as the API answers it."""
    cause = letter.cause
    return without_nulls(
        {
            "id": letter.id,
            "state": letter.state,
            "topic": cause.topic,
            "partition": cause.partition,
            "offset": cause.offset,
            "key": letter.key,
            "reason": cause.reason,
            "error": cause.error,
            "message": cause.message,
            "stack": cause.stack or None,
            "attempts": cause.attempts,
            "service": cause.service,
            "group": cause.group,
            "firstAt": cause.first_at,
            "lastAt": cause.last_at,
            "eventId": letter.event_id,
            "webhookId": letter.webhook_id,
            "sizeBytes": letter.size_bytes,
            "preview": letter.preview,
            "redriveOf": cause.redrive_of or None,
            "changedAt": letter.changed_at or None,
        }
    )


def _conditions(query: Parameters) -> list[Where]:
    found: list[Where] = []
    for name, field in _FILTERS.items():
        values = query.texts(name)
        if values:
            found.append(Condition(field, Op.IN, values))
    return found + _between(query.moment("from"), query.moment("to"))


def _states(query: Parameters) -> list[Where]:
    states = query.texts("state")
    for state in states:
        if state not in _STATES:
            message = f"There is no state {state[:40]!r}; known are {', '.join(_STATES)}."
            raise BadRequest(message, code="invalid_parameter", field="/query/state")
    return [Condition("state", Op.IN, states)] if states else []


def _between(begin: int | None, end: int | None) -> list[Where]:
    """`from` is included, `to` is not."""
    found: list[Where] = []
    if begin is not None:
        found.append(Condition("at", Op.GE, begin))
    if end is not None:
        found.append(Condition("at", Op.LT, end))
    return found


def _selection(body: Fields) -> tuple[Where, tuple[str, ...]]:
    """Which letters: those with these ids, or those that meet the filter."""
    ids, chosen = body.texts("ids"), body.mapping("filter")
    if bool(ids) == (chosen is not None):
        raise body.error("ids", "Say which dead letters: either 'ids' or 'filter'.", "no_selection")
    if chosen is None:
        if len(ids) > MOST_IDS:
            raise body.error("ids", f"At most {MOST_IDS} can be named.", "out_of_range")
        return Condition("letter_id", Op.IN, ids), ids
    return _filter(body, chosen), ()


def _filter(body: Fields, chosen: Fields) -> Where:
    chosen.refuse_unknown(_SELECTION)
    found: list[Where] = [
        Condition(field, Op.IN, values)
        for name, field in _FILTERS.items()
        if (values := chosen.texts(name))
    ]
    found += _between(chosen.moment("from"), chosen.moment("to"))
    if found:
        return All(tuple(found))
    if not chosen.boolean("all"):
        message = f"Say which, by one or more of {', '.join(_SELECTION)}."
        raise body.error("filter", message, "no_selection")
    return EVERYTHING
