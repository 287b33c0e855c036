"""Search of executions over HTTP (rest.md 1.7, 2.2, 3.4), on the index of the store."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.collections import EXECUTIONS
from hookline_common.documents import All, AnyOf, Condition, Op, Query, Where
from hookline_common.web import json_answer
from hookline_engine.core.model import Head, decode_head
from hookline_engine.execution_json import body_of
from hookline_engine.execution_store import classifier_of
from hookline_engine.rest.requests import Parameters, parameters
from hookline_engine.rest.search_language import WORKFLOW_FIELDS, parse_query, parse_sort
from hookline_engine.shell import Shell

PREFIX = "/api/workflow"
LARGEST_PAGE = 5_000


def routes(shell: Shell) -> list[BaseRoute]:
    """The endpoints of the search."""
    search = Search(shell)
    return [
        Route(f"{PREFIX}/search", search.summaries, methods=["GET"]),
        Route(f"{PREFIX}/search-v2", search.executions, methods=["GET"]),
    ]


class _Hits(msgspec.Struct, frozen=True):
    total: int
    heads: Sequence[Head]


class Search:
    """Finds executions by their index fields: what was just saved is found."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    async def summaries(self, request: Request) -> Response:
        """GET /workflow/search."""
        hits = await self._find(parameters(request))
        results = await self.summaries_of(hits.heads)
        return json_answer({"totalHits": hits.total, "results": results})

    async def summaries_of(self, heads: Sequence[Head]) -> list[dict[str, Any]]:
        """The WorkflowSummary of each."""
        tokens = [token for one in heads for token in (one.input, one.output) if token]
        bodies = await self._shell.reader.bodies(tokens)
        snapshots = await self._shell.store.snapshots({head.snapshot for head in heads})
        results: list[dict[str, Any]] = []
        for head in heads:
            snapshot = snapshots.get(head.snapshot)
            label = classifier_of(snapshot.definition) if snapshot else "workflow"
            texts = [_text(body_of(bodies, token)) for token in (head.input, head.output)]
            results.append(summary_json(head, texts[0], texts[1], label))
        return results

    async def executions(self, request: Request) -> Response:
        """GET /workflow/search-v2: the executions without their tasks."""
        hits = await self._find(parameters(request))
        results = [await self._shell.reader.shown(head, ()) for head in hits.heads]
        return json_answer({"totalHits": hits.total, "results": results})

    async def _find(self, query: Parameters) -> _Hits:
        start = query.integer("start", 0, least=0)
        size = query.integer("size", 100, least=0, most=LARGEST_PAGE)
        where = await self.narrowed(_where(query))
        order = parse_sort(query.text("sort"), WORKFLOW_FIELDS)
        total = await self._shell.documents.count(EXECUTIONS, where)
        if size == 0 or start >= total:
            return _Hits(total, ())
        page = await self._shell.documents.find(
            EXECUTIONS, Query(where, order, limit=size, offset=start)
        )
        return _Hits(total, [decode_head(document.body) for document in page.documents])

    async def narrowed(self, where: All) -> Where:
        """With the start times of the executions that are asked for by id: there is an index of
        times, while one of random ids would cost more on every save than it is worth here.
        """
        ids = _ids(where)
        if ids is None:
            return where
        stored = await self._shell.store.heads(ids)
        times = tuple({one.head.created_at for one in stored.values()})
        return All((*where.parts, Condition("start_time", Op.IN, times)))


def _ids(where: Where) -> Sequence[str] | None:
    """The ids that a condition which must hold names, or None."""
    match where:
        case All(parts=parts):
            found = (_ids(part) for part in parts)
            return next((ids for ids in found if ids is not None), None)
        case Condition(field="workflow_id", op=Op.EQ):
            return [str(where.value)]
        case Condition(field="workflow_id", op=Op.IN):
            return [str(value) for value in where.value]
        case _:
            return None


def _where(query: Parameters) -> All:
    parts: list[Where] = [parse_query(query.text("query"), WORKFLOW_FIELDS)]
    free = query.text("freeText")
    if free is not None and free != "*":
        parts.append(_free_text(free))
    labels = query.texts("classifier")
    if labels:
        parts.append(Condition("classifier", Op.IN, labels))
    if query.boolean("topLevelOnly", False):
        parts.append(Condition("parent_workflow_id", Op.EQ, None))
    return All(tuple(parts))


def _free_text(wanted: str) -> Where:
    """In input and output, which are JSON, quotes and the like are written with a backslash."""
    written = msgspec.json.encode(wanted)[1:-1].decode()
    forms = dict.fromkeys((wanted, written))
    return AnyOf(tuple(Condition("search", Op.CONTAINS, form) for form in forms))


def _text(body: Any) -> str:
    return body.decode() if isinstance(body, bytes) else bytes(body).decode()


def summary_time(milliseconds: int) -> str:
    """`yyyy-MM-ddTHH:mm:ss.SSSZ` in UTC."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def summary_json(head: Head, given: str, output: str, classifier: str) -> dict[str, Any]:
    """The WorkflowSummary of the API."""
    shown: dict[str, Any] = {
        "workflowType": head.name,
        "version": head.version,
        "workflowId": head.workflow_id,
        "correlationId": head.correlation_id,
        "startTime": summary_time(head.created_at),
        "updateTime": summary_time(head.updated_at),
        "endTime": summary_time(head.ended_at) if head.ended_at else None,
        "status": head.status,
        "input": given,
        "output": output,
        "reasonForIncompletion": head.reason,
        "executionTime": head.ended_at - head.created_at if head.ended_at else 0,
        "event": head.event,
        "failedReferenceTaskNames": ",".join(head.failed_refs),
        "failedTaskNames": head.failed_names,
        "priority": head.priority,
        "createdBy": head.created_by,
        "taskToDomain": head.task_to_domain,
        "idempotencyKey": head.idempotency_key,
        "parentWorkflowId": head.parent_workflow_id or "",
        "classifier": classifier,
        "inputSize": len(given),
        "outputSize": len(output),
    }
    return {name: value for name, value in shown.items() if value is not None}
