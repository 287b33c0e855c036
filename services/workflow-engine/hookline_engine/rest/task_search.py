"""Search of tasks over HTTP (rest.md 1.7, 2.4, 3.4).

Tasks lie in their executions and have no index of their own, which would be paid for by every
save. So a search goes through executions, the newest first and at most MOST_EXECUTIONS of those
that the query's own conditions on the execution leave; if there are more, the answer says so.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.collections import EXECUTIONS
from hookline_common.documents import All, Order, Query, Where
from hookline_common.web import json_answer
from hookline_engine.core.model import Head, TaskLine, decode_head
from hookline_engine.execution_json import body_of, queue_wait_ms
from hookline_engine.execution_reader import FoundTask
from hookline_engine.rest.requests import Parameters, parameters
from hookline_engine.rest.search import LARGEST_PAGE, Search, summary_time
from hookline_engine.rest.search_language import SearchField, parse_query, parse_sort
from hookline_engine.rest.search_rows import Row, demanded, in_order, meets
from hookline_engine.shell import Shell

MOST_EXECUTIONS = 2_000
_PAGE = 200

TASK_FIELDS: Mapping[str, SearchField] = {
    "taskId": SearchField("task_id"),
    "taskType": SearchField("task_type"),
    "taskDefName": SearchField("def_name"),
    "status": SearchField("status"),
    "workflowId": SearchField("workflow_id"),
    "workflowType": SearchField("workflow_type"),
    "correlationId": SearchField("correlation_id"),
    "domain": SearchField("domain"),
    "scheduledTime": SearchField("scheduled_time", "integer"),
    "startTime": SearchField("start_time", "integer"),
    "updateTime": SearchField("update_time", "integer"),
    "endTime": SearchField("end_time", "integer"),
}
_OF_EXECUTION = frozenset({"workflow_id", "workflow_type", "correlation_id"})
"""Fields that the index of executions has too, under the same names."""


def routes(shell: Shell) -> list[BaseRoute]:
    """The endpoints of the search of tasks."""
    search = TaskSearch(shell)
    return [
        Route("/api/tasks/search", search.summaries, methods=["GET"]),
        Route("/api/tasks/search-v2", search.tasks, methods=["GET"]),
        Route("/api/workflow/search-by-tasks", search.workflow_summaries, methods=["GET"]),
        Route("/api/workflow/search-by-tasks-v2", search.workflows, methods=["GET"]),
    ]


class _Hits(NamedTuple):
    """All that was found, in order; `complete`: every execution in question was looked at."""

    found: Sequence[FoundTask]
    complete: bool


class TaskSearch:
    """Finds tasks by going through executions; what was just saved is found."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._executions = Search(shell)

    async def summaries(self, request: Request) -> Response:
        """GET /tasks/search."""
        query = parameters(request)
        hits = await self._find(query)
        page = _page(query, hits.found)
        bodies = await self._bodies(page)
        results = [_summary(one, bodies) for one in page]
        return _answer(len(hits.found), results, hits)

    async def tasks(self, request: Request) -> Response:
        """GET /tasks/search-v2."""
        query = parameters(request)
        hits = await self._find(query)
        shown = await self._shell.reader.shown_tasks(_page(query, hits.found))
        return _answer(len(hits.found), shown, hits)

    async def workflow_summaries(self, request: Request) -> Response:
        """GET /workflow/search-by-tasks: executions with such a task, each once."""
        query = parameters(request)
        hits = await self._find(query)
        heads = _heads(hits.found)
        shown = await self._executions.summaries_of(_page(query, heads))
        return _answer(len(heads), shown, hits)

    async def workflows(self, request: Request) -> Response:
        """GET /workflow/search-by-tasks-v2."""
        query = parameters(request)
        hits = await self._find(query)
        heads = _heads(hits.found)
        shown = [await self._shell.reader.shown(head, ()) for head in _page(query, heads)]
        return _answer(len(heads), shown, hits)

    async def _find(self, query: Parameters) -> _Hits:
        where = parse_query(query.text("query"), TASK_FIELDS)
        order = parse_sort(query.text("sort"), TASK_FIELDS)
        _bounds(query)
        text = query.text("freeText")
        wanted = None if text in (None, "*") else text
        found: dict[str, FoundTask] = {}
        rows: list[Row] = []
        examined, complete = 0, True
        async for heads in self._candidates(where):
            if examined + len(heads) > MOST_EXECUTIONS:
                complete = False
                break
            examined += len(heads)
            tasks = [task for head in heads for task in await self._tasks(head)]
            for task in await self._with_text(tasks, wanted):
                row = _row(task)
                if meets(row, where):
                    rows.append(row)
                    found[task.line.id] = task
        ordered = in_order(rows, (*order, Order("task_id")))
        return _Hits([found[str(row["task_id"])] for row in ordered], complete)

    async def _candidates(self, where: Where) -> AsyncIterator[Sequence[Head]]:
        narrowed = await self._executions.narrowed(All(demanded(where, _OF_EXECUTION)))
        newest = (Order("start_time", descending=True),)
        cursor: str | None = None
        while True:
            query = Query(narrowed, newest, limit=_PAGE, after=cursor)
            page = await self._shell.documents.find(EXECUTIONS, query)
            yield [decode_head(document.body) for document in page.documents]
            cursor = page.cursor
            if cursor is None:
                return

    async def _tasks(self, head: Head) -> Sequence[FoundTask]:
        return [FoundTask(head, line) for line in await self._shell.reader.lines(head)]

    async def _with_text(self, tasks: Sequence[FoundTask], text: str | None) -> Sequence[FoundTask]:
        if text is None:
            return tasks
        bodies = await self._bodies(tasks)
        wanted = text.casefold()
        return [one for one in tasks if wanted in _text(one, bodies).casefold()]

    async def _bodies(self, tasks: Sequence[FoundTask]) -> Mapping[str, Any]:
        tokens = [token for one in tasks for token in (one.line.input, one.line.output) if token]
        return await self._shell.reader.bodies(tokens)


def _bounds(query: Parameters) -> tuple[int, int]:
    start = query.integer("start", 0, least=0)
    return start, query.integer("size", 100, least=0, most=LARGEST_PAGE)


def _page(query: Parameters, found: Sequence[Any]) -> Sequence[Any]:
    start, size = _bounds(query)
    return found[start : start + size]


def _heads(found: Sequence[FoundTask]) -> Sequence[Head]:
    return list({one.head.workflow_id: one.head for one in found}.values())


def _answer(total: int, results: Sequence[Any], hits: _Hits) -> Response:
    """`complete` is only there where something older was not looked at."""
    rest = {} if hits.complete else {"complete": False, "executionsExamined": MOST_EXECUTIONS}
    return json_answer({"totalHits": total, "results": results, **rest})


def _row(task: FoundTask) -> Row:
    head, line = task.head, task.line
    return {
        "task_id": line.id,
        "task_type": line.type,
        "def_name": line.def_name,
        "status": line.status,
        "workflow_id": head.workflow_id,
        "workflow_type": head.name,
        "correlation_id": head.correlation_id,
        "domain": line.domain,
        "scheduled_time": line.scheduled_at or None,
        "start_time": line.started_at or None,
        "update_time": line.updated_at or None,
        "end_time": line.ended_at or None,
    }


def _text(task: FoundTask, bodies: Mapping[str, Any]) -> str:
    line = task.line
    named = (line.id, line.def_name, line.type, task.head.correlation_id, line.status, line.reason)
    return "\n".join([*(one or "" for one in named), *_bodies_of(line, bodies)])


def _bodies_of(line: TaskLine, bodies: Mapping[str, Any]) -> list[str]:
    return [bytes(body_of(bodies, token)).decode() for token in (line.input, line.output)]


def _summary(task: FoundTask, bodies: Mapping[str, Any]) -> dict[str, Any]:
    """The TaskSummary of the API; an unset time is the epoch."""
    head, line = task.head, task.line
    given, output = _bodies_of(line, bodies)
    shown: dict[str, Any] = {
        "workflowId": head.workflow_id,
        "workflowType": head.name,
        "correlationId": head.correlation_id,
        "scheduledTime": summary_time(line.scheduled_at),
        "startTime": summary_time(line.started_at),
        "updateTime": summary_time(line.updated_at),
        "endTime": summary_time(line.ended_at),
        "status": line.status,
        "reasonForIncompletion": line.reason,
        "executionTime": max(0, line.ended_at - line.started_at) if line.started_at else 0,
        "queueWaitTime": queue_wait_ms(line),
        "taskDefName": line.def_name,
        "taskType": line.type,
        "input": given,
        "output": output,
        "taskId": line.id,
        "workflowPriority": line.priority,
        "domain": line.domain,
    }
    return {name: value for name, value in shown.items() if value is not None}
