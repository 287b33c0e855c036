"""Replays over HTTP (specs/rest.md 2.10a): make one, look ahead, follow it, pause, resume, stop."""

from collections.abc import Awaitable, Callable
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.errors import BadRequest
from hookline_common.eventrecords import Verdict
from hookline_common.web import json_answer, without_nulls
from hookline_engine.replay_jobs import (
    DEFAULT_PER_SECOND,
    MOST_IDS,
    MOST_PER_SECOND,
    ReplayFilter,
    ReplayJob,
)
from hookline_engine.replay_preview import MOST_EVENTS
from hookline_engine.replay_selection import NOTHING_TO_REPLAY
from hookline_engine.replays import ReplayRequest, Replays
from hookline_engine.rest.fields import Fields
from hookline_engine.rest.requests import parameters, read_object

_FILTER = ("webhookId", "verdicts", "types", "from", "to", "ids", "text")
_BODY = ("filter", "dryRun", "restart", "perSecond", "limit")
_VERDICTS = tuple(sorted(set(get_args(Verdict)) - NOTHING_TO_REPLAY.keys()))

Act = Callable[[str], Awaitable[ReplayJob]]


def replays_routes(replays: Replays) -> list[BaseRoute]:
    """The endpoints of replays."""
    door = _Door(replays)
    one = "/api/replays/{id}"
    return [
        Route("/api/replays", door.newest),
        Route("/api/replays", door.create, methods=["POST"]),
        Route(one, door.one),
        Route(f"{one}/events", door.events),
        Route(f"{one}/pause", door.acting(replays.pause), methods=["PUT"]),
        Route(f"{one}/resume", door.acting(replays.resume), methods=["PUT"]),
        Route(f"{one}/stop", door.acting(replays.stop), methods=["PUT"]),
    ]


class _Door:
    """The endpoints."""

    def __init__(self, replays: Replays) -> None:
        self._replays = replays

    async def create(self, request: Request) -> Response:
        """POST: a job that runs (201); with `dryRun` what it would resume and start (200)."""
        fields = Fields(await read_object(request))
        fields.refuse_unknown(_BODY)
        asked = ReplayRequest(
            filter=_filter(fields),
            restart=fields.boolean("restart") or False,
            per_second=fields.integer("perSecond", least=1, most=MOST_PER_SECOND)
            or DEFAULT_PER_SECOND,
        )
        if fields.boolean("dryRun"):
            most = fields.integer("limit", least=0, most=MOST_EVENTS)
            found = await self._replays.preview(asked, 100 if most is None else most)
            return json_answer(found)
        return json_answer(show_replay(await self._replays.create(asked)), 201)

    async def newest(self, request: Request) -> Response:
        """GET: replays, the newest first, in pages."""
        query = parameters(request)
        limit = query.integer("limit", 100, least=1, most=1000)
        try:
            jobs, cursor = await self._replays.newest(limit, query.text("cursor"))
        except BadRequest as error:
            raise _bad_cursor(error) from error
        shown = [show_replay(job) for job in jobs]
        return json_answer(without_nulls({"replays": shown, "nextCursor": cursor}))

    async def one(self, request: Request) -> Response:
        """GET: a replay and how far it is."""
        return json_answer(show_replay(await self._replays.get(request.path_params["id"])))

    async def events(self, request: Request) -> Response:
        """GET: its events and what became of their replays, the oldest first, in pages."""
        query = parameters(request)
        limit = query.integer("limit", 100, least=1, most=1000)
        job_id: str = request.path_params["id"]
        try:
            events, cursor = await self._replays.events(job_id, limit, query.text("cursor"))
        except (BadRequest, ValueError) as error:
            raise _bad_cursor(error) from error
        return json_answer(without_nulls({"events": events, "nextCursor": cursor}))

    def acting(self, act: Act) -> Callable[[Request], Awaitable[Response]]:
        """PUT: do that with the replay; the answer is the replay as it is then."""

        async def endpoint(request: Request) -> Response:
            return json_answer(show_replay(await act(request.path_params["id"])))

        return endpoint


def show_replay(job: ReplayJob) -> dict[str, Any]:
    """A job as the API answers it."""
    return without_nulls(
        {
            "id": job.id,
            "state": job.state,
            "filter": job.filter,
            "restart": job.restart,
            "perSecond": job.per_second,
            "counts": job.counts,
            "createdAt": job.created_at,
            "updatedAt": job.updated_at,
            "finishedAt": job.finished_at or None,
            "error": job.error,
        }
    )


def _filter(body: Fields) -> ReplayFilter:
    fields = body.mapping("filter")
    if fields is None or not any(fields.raw(name) not in (None, "", []) for name in fields):
        names = ", ".join(_FILTER)
        message = f"Say which events to replay, by one or more of {names}."
        raise body.error("filter", message, "missing_field")
    fields.refuse_unknown(_FILTER)
    wanted = ReplayFilter(
        webhook_id=fields.word("webhookId"),
        verdicts=_verdicts(fields),
        types=fields.texts("types"),
        begin=fields.moment("from"),
        end=fields.moment("to"),
        ids=fields.texts("ids"),
        text=fields.word("text"),
    )
    if wanted.ids and wanted.text is not None:
        raise fields.error("text", "'text' cannot be combined with 'ids'.")
    if len(wanted.ids) > MOST_IDS:
        raise fields.error("ids", f"At most {MOST_IDS} events can be named.", "out_of_range")
    return wanted


def _verdicts(fields: Fields) -> tuple[str, ...]:
    verdicts = tuple(verdict.lower() for verdict in fields.texts("verdicts"))
    for verdict in verdicts:
        if verdict in NOTHING_TO_REPLAY:
            message = f"{verdict!r} cannot be replayed: {NOTHING_TO_REPLAY[verdict]}."
            raise fields.error("verdicts", message, "not_replayable")
        if verdict not in _VERDICTS:
            message = f"There is no verdict {verdict[:40]!r}; known are {', '.join(_VERDICTS)}."
            raise fields.error("verdicts", message)
    return verdicts


def _bad_cursor(error: Exception) -> BadRequest:
    field = "/query/cursor"
    return BadRequest(
        f"the cursor is not one of these: {error}", code="invalid_parameter", field=field
    )
