"""Tasks over HTTP (rest.md 2.4 and 4): polls, results, logs."""

from typing import Any, cast

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.errors import BadRequest, NotFound
from hookline_common.ids import random_id
from hookline_common.web import empty_answer, json_answer, text_answer
from hookline_engine.core.commands import ExtendLease, UpdateTask
from hookline_engine.core.model import TaskLine, workflow_id_of
from hookline_engine.drafts import Applied
from hookline_engine.rest.execution_bodies import (
    TaskResult,
    belongs,
    nothing_pending,
    parse_status,
    parse_task_result,
    parse_wanted,
)
from hookline_engine.rest.requests import parameters, read_json, read_object, read_string
from hookline_engine.shell import Shell
from hookline_engine.task_polls import Poll

PREFIX = "/api/tasks"
LONGEST_POLL_MS = 5_000

_log = structlog.get_logger()


def routes(shell: Shell) -> list[BaseRoute]:
    """The endpoints of workers."""
    polling = Polling(shell)
    results = Results(shell)
    logs = Logs(shell)
    return [
        Route(f"{PREFIX}/poll/{{type}}", polling.one, methods=["GET"]),
        Route(f"{PREFIX}/poll/batch/{{type}}", polling.batch, methods=["GET"]),
        Route(PREFIX, results.update, methods=["POST"]),
        Route(f"{PREFIX}/update-v2", results.update_v2, methods=["POST"]),
        Route(f"{PREFIX}/{{id}}/{{ref}}/{{status}}", results.by_ref, methods=["POST"]),
        Route(f"{PREFIX}/{{id}}/{{ref}}/{{status}}/sync", results.by_ref_sync, methods=["POST"]),
        Route(f"{PREFIX}/{{id}}/{{status}}/signal", results.signal, methods=["POST"]),
        Route(f"{PREFIX}/{{id}}/{{status}}/signal/sync", results.signal_sync, methods=["POST"]),
        Route(f"{PREFIX}/{{id}}/log", logs.add, methods=["POST"]),
        Route(f"{PREFIX}/{{id}}/log", logs.all, methods=["GET"]),
        Route(f"{PREFIX}/{{id}}", logs.task, methods=["GET"]),
    ]


class Polling:
    """Hand-out of tasks."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    async def one(self, request: Request) -> Response:
        """GET /tasks/poll/{type}: a task, or 204."""
        found = await self._shell.task_polls.poll(self._poll(request, count=1, timeout_ms=100))
        return json_answer(found[0]) if found else empty_answer(204)

    async def batch(self, request: Request) -> Response:
        """GET /tasks/poll/batch/{type}: a list, perhaps empty."""
        query = parameters(request)
        count = query.integer("count", 1, least=0)
        timeout = query.integer("timeout", 100, least=0, most=LONGEST_POLL_MS)
        if count == 0:
            return json_answer([])
        poll = self._poll(request, count=count, timeout_ms=timeout)
        return json_answer(await self._shell.task_polls.poll(poll))

    def _poll(self, request: Request, *, count: int, timeout_ms: int) -> Poll:
        query = parameters(request)
        return Poll(
            request.path_params["type"],
            query.text("workerid"),
            query.text("domain"),
            count,
            timeout_ms,
        )


class Results:
    """What workers, and others in their place, say of a task."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    async def update(self, request: Request) -> Response:
        """POST /tasks."""
        result = parse_task_result(await read_object(request))
        await self._apply(result)
        return text_answer(result.update.task_id)

    async def update_v2(self, request: Request) -> Response:
        """POST /tasks/update-v2: the next task of the type, or 204; never 404 (rest.md 4.4)."""
        result = parse_task_result(await read_object(request))
        try:
            applied = await self._apply(result)
        except NotFound as error:
            # A worker that gets a 404 here stops using this call for good, and a retry helps not.
            _log.info("update_of_unknown_task", task_id=result.update.task_id, error=str(error))
            return empty_answer(204)
        line = applied.line
        if line is None or line.live or result.update.status == "IN_PROGRESS":
            return empty_answer(204)
        poll = Poll(line.type, result.update.worker_id, line.domain, 1, 0)
        found = await self._shell.task_polls.poll(poll)
        return json_answer(found[0]) if found else empty_answer(204)

    async def by_ref(self, request: Request) -> Response:
        """POST /tasks/{workflow id}/{ref}/{status}: the task id."""
        return text_answer((await self._update_ref(request)).id)

    async def by_ref_sync(self, request: Request) -> Response:
        """POST /tasks/{workflow id}/{ref}/{status}/sync: the execution."""
        await self._update_ref(request)
        head = await self._shell.reader.head(request.path_params["id"])
        return json_answer(await self._shell.reader.shown(head))

    async def signal(self, request: Request) -> Response:
        """POST /tasks/{workflow id}/{status}/signal: silent when nothing waits."""
        await self._signal(request)
        return empty_answer()

    async def signal_sync(self, request: Request) -> Response:
        """POST /tasks/{workflow id}/{status}/signal/sync: then as execute, without references."""
        query = parameters(request)
        timeout = query.integer("timeoutMillis", 5000, least=0, most=300_000)
        wanted = parse_wanted(query, random_id())
        workflow_id = request.path_params["id"]
        if await self._signal(request) is None:
            raise NotFound(f"Nothing waits in workflow {workflow_id}.", code="nothing_waits")
        timed = msgspec.structs.replace(wanted, refs=frozenset(), seconds=timeout / 1000)
        return json_answer(await self._shell.synchronous.answer(workflow_id, timed))

    async def _apply(self, result: TaskResult) -> Applied:
        task_id = result.update.task_id
        workflow_id = workflow_id_of(task_id)
        if not belongs(result):
            await self._check_task(result)
        if result.extend_lease:
            return await self._shell.executions.run(workflow_id, ExtendLease(task_id))
        if result.logs:
            found = await self._shell.reader.task(task_id)
            if found.line.live and not found.head.terminal:
                await self._shell.task_logs.add_sent(task_id, result.logs)
        return await self._shell.executions.run(workflow_id, result.update)

    async def _check_task(self, result: TaskResult) -> None:
        """The task is not one of that execution: 404 if there is none, else 400 (D23)."""
        await self._shell.reader.task(result.update.task_id)
        raise BadRequest(
            f"Task {result.update.task_id} is not one of workflow {result.workflow_id}.",
            code="task_of_another_workflow",
            field="/workflowInstanceId",
        )

    async def _update_ref(self, request: Request) -> TaskLine:
        workflow_id, ref = request.path_params["id"], request.path_params["ref"]
        update = await _update(request, parameters(request).text("workerid"))
        applied = await self._shell.operations.update_by_ref(workflow_id, ref, update)
        if applied is None or applied.line is None:
            raise nothing_pending(workflow_id, ref)
        return applied.line

    async def _signal(self, request: Request) -> str | None:
        update = await _update(request, None)
        return await self._shell.operations.signal(request.path_params["id"], update)


async def _update(request: Request, worker_id: str | None) -> UpdateTask:
    """The update that path and body describe. A body that is no object is its `result`."""
    status = parse_status(request.path_params["status"], "/status")
    body: Any = await read_json(request)
    if body is None:
        body = {}
    output = cast("dict[str, Any]", body) if isinstance(body, dict) else {"result": body}
    return UpdateTask("", status, output, "merge", None, worker_id)


class Logs:
    """A task and its log."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    async def task(self, request: Request) -> Response:
        """GET /tasks/{id}."""
        found = await self._shell.reader.task(request.path_params["id"])
        (shown,) = await self._shell.reader.shown_tasks([found])
        return json_answer(shown)

    async def add(self, request: Request) -> Response:
        """POST /tasks/{id}/log with a text."""
        task_id = request.path_params["id"]
        text = await read_string(request)
        await self._shell.reader.task(task_id)
        await self._shell.task_logs.add(task_id, text)
        await self._shell.documents.sync()
        return empty_answer()

    async def all(self, request: Request) -> Response:
        """GET /tasks/{id}/log: the entries, or 204."""
        found = await self._shell.task_logs.of_task(request.path_params["id"])
        return json_answer(found) if found else empty_answer(204)
