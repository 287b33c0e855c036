"""The same operation on many executions (rest.md 2.3): a failure is an entry, never a status."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.errors import ApiError, BadRequest, Retryable
from hookline_common.web import json_answer
from hookline_engine.rest.requests import parameters, read_list
from hookline_engine.shell import Shell

PREFIX = "/api/workflow/bulk"
MOST_IDS = 1_000
_AT_ONCE = 32

Operation = Callable[[str], Awaitable[Any]]


def routes(shell: Shell) -> list[BaseRoute]:
    """The bulk endpoints."""
    bulk = Bulk(shell)
    return [
        Route(f"{PREFIX}/pause", bulk.pause, methods=["PUT"]),
        Route(f"{PREFIX}/resume", bulk.resume, methods=["PUT"]),
        Route(f"{PREFIX}/restart", bulk.restart, methods=["POST"]),
        Route(f"{PREFIX}/retry", bulk.retry, methods=["POST"]),
        Route(f"{PREFIX}/terminate", bulk.terminate, methods=["POST"]),
        Route(f"{PREFIX}/remove", bulk.remove, methods=["DELETE"]),
        Route(f"{PREFIX}/terminate-remove", bulk.terminate_remove, methods=["DELETE"]),
        Route(f"{PREFIX}/search", bulk.search, methods=["POST"]),
    ]


class Bulk:
    """Each endpoint names the operation on one id."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._operations = shell.operations

    async def pause(self, request: Request) -> Response:
        """PUT /workflow/bulk/pause."""
        return await _each(request, self._operations.pause)

    async def resume(self, request: Request) -> Response:
        """PUT /workflow/bulk/resume."""
        return await _each(request, self._operations.resume)

    async def restart(self, request: Request) -> Response:
        """POST /workflow/bulk/restart."""
        latest = parameters(request).boolean("useLatestDefinitions", False)
        return await _each(request, lambda one: self._operations.restart(one, latest=latest))

    async def retry(self, request: Request) -> Response:
        """POST /workflow/bulk/retry."""
        return await _each(request, self._operations.retry)

    async def terminate(self, request: Request) -> Response:
        """POST /workflow/bulk/terminate."""
        query = parameters(request)
        reason = query.text("reason")
        failure = query.boolean("triggerFailureWorkflow", False)
        return await _each(
            request,
            lambda one: self._operations.terminate(one, reason, failure_workflow=failure),
        )

    async def remove(self, request: Request) -> Response:
        """DELETE /workflow/bulk/remove."""
        return await _each(request, self._operations.remove)

    async def terminate_remove(self, request: Request) -> Response:
        """DELETE /workflow/bulk/terminate-remove: removed even where it had ended by itself."""
        reason = parameters(request).text("reason")

        async def both(workflow_id: str) -> None:
            try:
                await self._operations.terminate(workflow_id, reason)
            finally:
                await self._operations.remove(workflow_id)

        return await _each(request, both)

    async def search(self, request: Request) -> Response:
        """POST /workflow/bulk/search: the executions themselves."""
        with_tasks = parameters(request).boolean("includeTasks", True)

        async def shown(workflow_id: str) -> dict[str, Any]:
            head = await self._shell.reader.head(workflow_id)
            return await self._shell.reader.shown(head, None if with_tasks else ())

        return await _each(request, shown)


async def _each(request: Request, operation: Operation) -> Response:
    """Do it for each id, in no order; results in the order of the ids, each id once."""
    ids = _ids(await read_list(request))
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(workflow_id: str) -> Any:
        async with gate:
            try:
                return await operation(workflow_id)
            except (ApiError, Retryable) as error:
                return error

    results = await asyncio.gather(*(one(workflow_id) for workflow_id in ids))
    errors: dict[str, str] = {}
    done: list[Any] = []
    for workflow_id, result in zip(ids, results, strict=True):
        if isinstance(result, Exception):
            errors[workflow_id] = str(result)
        else:
            done.append(workflow_id if result is None else result)
    return json_answer({"bulkErrorResults": errors, "bulkSuccessfulResults": done})


def _ids(body: Sequence[Any]) -> list[str]:
    if not body:
        raise BadRequest("WorkflowIds list cannot be null or empty.", code="no_ids", field="")
    if len(body) > MOST_IDS:
        message = f"At most {MOST_IDS} workflow ids are possible at once, not {len(body)}."
        raise BadRequest(message, code="too_many_ids", field="")
    for index, one in enumerate(body):
        if not isinstance(one, str) or not one:
            raise BadRequest("A workflow id is a text.", code="wrong_type", field=f"/{index}")
    return list(dict.fromkeys(body))
