"""Executions over HTTP (rest.md 2.2): start, look, steer, remove."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.ids import random_id
from hookline_common.web import empty_answer, json_answer, text_answer
from hookline_engine.core.commands import UpdateTask
from hookline_engine.core.model import Head, TaskLine
from hookline_engine.execution_reader import FoundTask
from hookline_engine.rest.execution_bodies import (
    nothing_pending,
    parse_priority,
    parse_start,
    parse_status,
    parse_wanted,
)
from hookline_engine.rest.fields import Fields
from hookline_engine.rest.requests import Parameters, parameters, read_object
from hookline_engine.shell import Shell
from hookline_engine.starts import StartRequest

PREFIX = "/api/workflow"


def routes(shell: Shell) -> list[BaseRoute]:
    """The endpoints of single executions."""
    starting = Starting(shell)
    looking = Looking(shell)
    steering = Steering(shell)
    one = f"{PREFIX}/{{id}}"
    return [
        Route(PREFIX, starting.start, methods=["POST"]),
        Route(f"{PREFIX}/{{name}}", starting.start_by_name, methods=["POST"]),
        Route(f"{PREFIX}/execute/{{name}}", starting.execute_as_api, methods=["GET", "POST"]),
        Route(f"{PREFIX}/execute/{{name}}/{{version}}", starting.execute, methods=["POST"]),
        Route(one, looking.one, methods=["GET"]),
        Route(f"{one}/status", looking.status, methods=["GET"]),
        Route(f"{one}/tasks", looking.tasks, methods=["GET"]),
        Route(f"{PREFIX}/decide/{{id}}", steering.decide, methods=["PUT"]),
        Route(f"{one}/pause", steering.pause, methods=["PUT"]),
        Route(f"{one}/resume", steering.resume, methods=["PUT"]),
        Route(f"{one}/restart", steering.restart, methods=["POST"]),
        Route(f"{one}/retry", steering.retry, methods=["POST"]),
        Route(f"{one}/resetcallbacks", steering.reset_callbacks, methods=["POST"]),
        Route(one, steering.terminate, methods=["DELETE"]),
        Route(f"{one}/remove", steering.remove, methods=["DELETE"]),
        Route(f"{one}/terminate-remove", steering.terminate_remove, methods=["DELETE"]),
        Route(f"{one}/variables", steering.variables, methods=["POST"]),
        Route(f"{one}/state", steering.state, methods=["POST"]),
    ]


class Starting:
    """Starts, and starts that wait for the end."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    async def start(self, request: Request) -> Response:
        """POST /workflow."""
        return text_answer(await self._shell.starts.start(parse_start(await read_object(request))))

    async def start_by_name(self, request: Request) -> Response:
        """POST /workflow/{name} with the input as the body."""
        query = parameters(request)
        started = StartRequest(
            name=request.path_params["name"],
            version=query.optional_integer("version"),
            input=await read_object(request),
            correlation_id=query.text("correlationId"),
            priority=parse_priority(query.text("priority"), "startWorkflow"),
            input_pointer="",
        )
        return text_answer(await self._shell.starts.start(started))

    async def execute(self, request: Request) -> Response:
        """POST /workflow/execute/{name}/{version}: start, wait, describe."""
        wanted = parse_wanted(parameters(request), random_id())
        version = Fields(request.path_params).integer("version", least=0, most=2**31 - 1)
        body = {**await read_object(request), "name": request.path_params["name"]}
        body["version"] = version or None
        workflow_id = await self._shell.starts.start(parse_start(body, "executeWorkflow"))
        return json_answer(await self._shell.synchronous.answer(workflow_id, wanted))

    async def execute_as_api(self, request: Request) -> Response:
        """POST or GET /workflow/execute/{name}: the answer is the output alone."""
        given = await read_object(request) if request.method == "POST" else {}
        started = StartRequest(
            name=request.path_params["name"],
            version=parameters(request).optional_integer("version"),
            input=given,
            input_pointer="",
        )
        wanted = parse_wanted(_from_headers(request), random_id())
        workflow_id = await self._shell.starts.start(started)
        answer = await self._shell.synchronous.answer(workflow_id, wanted)
        return json_answer(answer.get("output", {}))


def _from_headers(request: Request) -> Parameters:
    """These two endpoints take from headers what others take from the query."""
    names = ("requestId", "waitUntilTaskRef", "waitForSeconds")
    given = {name: value for name in names if (value := request.headers.get(name))}
    return Parameters(urlencode(given).encode())


class Looking:
    """Reads of one execution."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    async def one(self, request: Request) -> Response:
        """GET /workflow/{id}."""
        head = await self._shell.reader.head(request.path_params["id"])
        with_tasks = parameters(request).boolean("includeTasks", True)
        return json_answer(await self._shell.reader.shown(head, None if with_tasks else ()))

    async def status(self, request: Request) -> Response:
        """GET /workflow/{id}/status."""
        query = parameters(request)
        head = await self._shell.reader.head(request.path_params["id"])
        shown: dict[str, Any] = {"workflowId": head.workflow_id, "status": head.status}
        if head.correlation_id:
            shown["correlationId"] = head.correlation_id
        if query.boolean("includeOutput", False):
            bodies = await self._shell.reader.bodies([head.output] if head.output else [])
            shown["output"] = bodies.get(head.output, {})
        if query.boolean("includeVariables", False):
            shown["variables"] = head.variables
        return json_answer(shown)

    async def tasks(self, request: Request) -> Response:
        """GET /workflow/{id}/tasks: a page of its tasks."""
        query = parameters(request)
        start = query.integer("start", 0, least=0)
        count = query.integer("count", 15, least=0, most=5000)
        head = await self._shell.reader.head(request.path_params["id"])
        lines = _with_status(await self._shell.reader.lines(head), query.texts("status"))
        page = [FoundTask(head, line) for line in lines[start : start + count]]
        shown = await self._shell.reader.shown_tasks(page)
        return json_answer({"totalHits": len(lines), "results": shown})


def _with_status(lines: Sequence[TaskLine], statuses: Sequence[str]) -> Sequence[TaskLine]:
    wanted = {status.upper() for status in statuses}
    return [line for line in lines if not wanted or line.status in wanted]


class Steering:
    """Changes of one execution."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._operations = shell.operations

    async def decide(self, request: Request) -> Response:
        """PUT /workflow/decide/{id}."""
        await self._operations.decide(request.path_params["id"])
        return empty_answer()

    async def pause(self, request: Request) -> Response:
        """PUT /workflow/{id}/pause."""
        await self._operations.pause(request.path_params["id"])
        return empty_answer()

    async def resume(self, request: Request) -> Response:
        """PUT /workflow/{id}/resume."""
        await self._operations.resume(request.path_params["id"])
        return empty_answer()

    async def restart(self, request: Request) -> Response:
        """POST /workflow/{id}/restart."""
        latest = parameters(request).boolean("useLatestDefinitions", False)
        await self._operations.restart(request.path_params["id"], latest=latest)
        return empty_answer(204)

    async def retry(self, request: Request) -> Response:
        """POST /workflow/{id}/retry."""
        inside = parameters(request).boolean("resumeSubworkflowTasks", False)
        await self._operations.retry(request.path_params["id"], in_sub_workflows=inside)
        return empty_answer(204)

    async def reset_callbacks(self, request: Request) -> Response:
        """POST /workflow/{id}/resetcallbacks."""
        await self._operations.reset_callbacks(request.path_params["id"])
        return empty_answer(204)

    async def terminate(self, request: Request) -> Response:
        """DELETE /workflow/{id}."""
        query = parameters(request)
        await self._operations.terminate(
            request.path_params["id"],
            query.text("reason"),
            failure_workflow=query.boolean("triggerFailureWorkflow", False),
        )
        return empty_answer()

    async def remove(self, request: Request) -> Response:
        """DELETE /workflow/{id}/remove."""
        await self._operations.remove(request.path_params["id"])
        return empty_answer()

    async def terminate_remove(self, request: Request) -> Response:
        """DELETE /workflow/{id}/terminate-remove."""
        workflow_id = request.path_params["id"]
        await self._operations.terminate(workflow_id, parameters(request).text("reason"))
        await self._operations.remove(workflow_id)
        return empty_answer()

    async def variables(self, request: Request) -> Response:
        """POST /workflow/{id}/variables: merge, answer the execution."""
        workflow_id = request.path_params["id"]
        await self._operations.update_variables(workflow_id, await read_object(request))
        head: Head = await self._shell.reader.head(workflow_id)
        return json_answer(await self._shell.reader.shown(head))

    async def state(self, request: Request) -> Response:
        """POST /workflow/{id}/state: variables, then a task's result, then wait as execute."""
        workflow_id = request.path_params["id"]
        wanted = parse_wanted(parameters(request), random_id())
        fields = Fields(await read_object(request))
        await self._shell.reader.head(workflow_id)
        variables = fields.mapping("variables")
        if variables:
            await self._operations.update_variables(workflow_id, dict(variables.as_mapping()))
        ref = fields.word("taskReferenceName")
        if ref is not None:
            result = fields.mapping("taskResult") or Fields({})
            await self._update(workflow_id, ref, result)
        return json_answer(await self._shell.synchronous.answer(workflow_id, wanted))

    async def _update(self, workflow_id: str, ref: str, result: Fields) -> None:
        status = parse_status(result.word("status"), result.pointer("status"))
        output = result.mapping("outputData")
        update = UpdateTask(
            task_id="",
            status=status,
            output=dict(output.as_mapping()) if output else {},
            reason=result.text("reasonForIncompletion"),
            worker_id=result.word("workerId"),
        )
        if await self._operations.update_by_ref(workflow_id, ref, update) is None:
            raise nothing_pending(workflow_id, ref)
