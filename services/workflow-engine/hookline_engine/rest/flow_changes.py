"""Rerun from a task, and skip a task (rest.md 2.2, 1.2)."""

import ast
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.errors import BadRequest
from hookline_common.web import empty_answer, text_answer
from hookline_engine.core.commands import Rerun, Skip
from hookline_engine.core.model import workflow_id_of
from hookline_engine.operations import Operations
from hookline_engine.rest.fields import Fields
from hookline_engine.rest.requests import parameters, parse_json, read_object

LONGEST_LITERAL = 64 * 1024


def routes(operations: Operations) -> list[BaseRoute]:
    """The endpoints."""
    changes = FlowChanges(operations)
    one = "/api/workflow/{id}"
    return [
        Route(f"{one}/rerun", changes.rerun, methods=["POST"]),
        Route(f"{one}/skiptask/{{ref}}", changes.skip, methods=["PUT"]),
    ]


class FlowChanges:
    """Where an execution goes on."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def rerun(self, request: Request) -> Response:
        """POST /workflow/{id}/rerun with a RerunWorkflowRequest; the id of the path counts."""
        workflow_id = request.path_params["id"]
        command = parse_rerun(workflow_id, await read_object(request))
        await self._operations.rerun(workflow_id, command)
        return text_answer(workflow_id)

    async def skip(self, request: Request) -> Response:
        """PUT /workflow/{id}/skiptask/{ref} with a SkipTaskRequest, in whatever form it comes."""
        body = await read_object(request)
        given = Fields(body or written_skip(parameters(request).text("skipTaskRequest") or ""))
        command = Skip(
            request.path_params["ref"],
            _given(given, "taskInput") or {},
            _given(given, "taskOutput") or {},
        )
        await self._operations.skip(request.path_params["id"], command)
        return empty_answer()


def parse_rerun(workflow_id: str, body: Mapping[str, Any]) -> Rerun:
    """A RerunWorkflowRequest; raises BadRequest."""
    fields = Fields(body)
    command = Rerun(
        task_id=fields.word("reRunFromTaskId") or "",
        task_input=_given(fields, "taskInput"),
        workflow_input=_given(fields, "workflowInput"),
        correlation_id=fields.word("correlationId"),
    )
    if command.task_id and workflow_id_of(command.task_id) != workflow_id:
        for name in ("workflowInput", "correlationId"):
            if name in fields:
                message = f"{name} cannot change with a rerun from a task of a sub-workflow."
                raise fields.error(name, message)
    if not command.task_id and command.task_input is not None:
        raise fields.error("taskInput", "taskInput needs the task: reRunFromTaskId.")
    return command


def written_skip(text: str) -> Mapping[str, Any]:
    """The SkipTaskRequest that the SDK writes into the query: JSON, else a Python literal; an empty
    one if it is neither.
    """
    if len(text) > LONGEST_LITERAL:
        message = "skipTaskRequest is too long for a query: send it as the body."
        raise BadRequest(message, code="invalid_parameter", field="/query/skipTaskRequest")
    try:
        value = parse_json(text.encode())
    except BadRequest:
        try:
            value = parse_json(msgspec.json.encode(ast.literal_eval(text)))
        except (BadRequest, ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _given(fields: Fields, name: str) -> dict[str, Any] | None:
    part = fields.mapping(name)
    return None if part is None else dict(part.as_mapping())
