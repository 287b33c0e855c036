"""Lists of executions over HTTP (rest.md 2.2): running ones, and those of a correlation id."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.collections import EXECUTIONS
from hookline_common.documents import All, Condition, Op, Order, Query, Where
from hookline_common.errors import BadRequest
from hookline_common.web import json_answer
from hookline_engine.core.model import Head, decode_head
from hookline_engine.rest.fields import Fields
from hookline_engine.rest.requests import parameters, read_list, read_object
from hookline_engine.shell import Shell

PREFIX = "/api/workflow"
_PAGE = 1_000
MOST_CORRELATION_IDS = 1_000


def routes(shell: Shell) -> list[BaseRoute]:
    """The endpoints of lists."""
    lists = ExecutionLists(shell)
    return [
        Route(f"{PREFIX}/running/{{name}}", lists.running, methods=["GET"]),
        Route(f"{PREFIX}/correlated/batch", lists.correlated_batch, methods=["POST"]),
        Route(f"{PREFIX}/{{name}}/correlated", lists.correlated, methods=["POST"]),
        Route(
            f"{PREFIX}/{{name}}/correlated/{{correlationId}}",
            lists.correlated_one,
            methods=["GET"],
        ),
    ]


class ExecutionLists:
    """Reads of many executions by index fields."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    async def running(self, request: Request) -> Response:
        """GET /workflow/running/{name}: ids only."""
        query = parameters(request)
        parts: list[Where] = [
            Condition("workflow_type", Op.EQ, request.path_params["name"]),
            Condition("version", Op.EQ, query.integer("version", 1)),
        ]
        since, until = query.optional_integer("startTime"), query.optional_integer("endTime")
        if since is not None and until is not None:
            parts.append(Condition("start_time", Op.GE, since))
            parts.append(Condition("start_time", Op.LE, until))
        else:
            parts.append(Condition("status", Op.IN, ("RUNNING", "PAUSED")))
        heads = await self._heads(All(tuple(parts)))
        return json_answer([head.workflow_id for head in heads])

    async def correlated_one(self, request: Request) -> Response:
        """GET /workflow/{name}/correlated/{correlationId}."""
        wanted = request.path_params["correlationId"]
        found = await self._correlated(request, [request.path_params["name"]], [wanted])
        return json_answer(found[wanted])

    async def correlated(self, request: Request) -> Response:
        """POST /workflow/{name}/correlated with a list of correlation ids."""
        wanted = [str(one) for one in await read_list(request)]
        return json_answer(await self._correlated(request, [request.path_params["name"]], wanted))

    async def correlated_batch(self, request: Request) -> Response:
        """POST /workflow/correlated/batch: several names and several ids."""
        fields = Fields(await read_object(request))
        names = _texts(fields, "workflowNames")
        return json_answer(await self._correlated(request, names, _texts(fields, "correlationIds")))

    async def _correlated(
        self, request: Request, names: Sequence[str], wanted: Sequence[str]
    ) -> dict[str, list[Any]]:
        if len(wanted) > MOST_CORRELATION_IDS:
            message = f"At most {MOST_CORRELATION_IDS} correlation ids are possible at once."
            raise BadRequest(message, code="too_many", field="")
        query = parameters(request)
        parts: list[Where] = [
            Condition("correlation_id", Op.IN, tuple(wanted)),
            Condition("workflow_type", Op.IN, tuple(names)),
        ]
        if not query.boolean("includeClosed", False):
            parts.append(Condition("status", Op.EQ, "RUNNING"))
        with_tasks = query.boolean("includeTasks", False)
        found: dict[str, list[Any]] = {one: [] for one in wanted}
        for head in await self._heads(All(tuple(parts))):
            shown = await self._shell.reader.shown(head, None if with_tasks else ())
            found[str(head.correlation_id)].append(shown)
        return found

    async def _heads(self, where: Where) -> Sequence[Head]:
        """All executions that meet the condition, the oldest first."""
        heads: list[Head] = []
        cursor: str | None = None
        while True:
            query = Query(where, (Order("start_time"),), limit=_PAGE, after=cursor)
            page = await self._shell.documents.find(EXECUTIONS, query)
            heads += [decode_head(document.body) for document in page.documents]
            cursor = page.cursor
            if cursor is None:
                return heads


def _texts(fields: Fields, name: str) -> list[str]:
    values = fields.raw(name)
    if not isinstance(values, list):
        raise fields.error(name, f"{name!r} must be a list of texts.", "wrong_type")
    return [str(value) for value in values]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
