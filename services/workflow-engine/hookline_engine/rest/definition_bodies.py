"""Reads definitions from requests: validated, with their author; errors name a JSON Pointer."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

import msgspec

from hookline_common.errors import BadRequest
from hookline_engine.definition_store import DefinitionStore
from hookline_engine.definitions.model import TaskDef, WorkflowDef
from hookline_engine.definitions.validation import parse_task_def, parse_workflow_def

_ARGUMENT = re.compile(r"^\w+\.arg0")
_INDEX = re.compile(r"\[([^\]]*)\]")


async def read_workflow_def(
    body: Any,
    operation: str,
    store: DefinitionStore,
    author: str | None = None,
    index: int | None = None,
) -> WorkflowDef:
    """The definition in a request; raises BadRequest. `author` is the key that it came with, None
    while no keys are on: then it is whoever the definition says.
    """
    names = sorted(set(_http_task_names(body)))
    task_defs = await store.task_defs(names) if names else None
    try:
        definition = parse_workflow_def(body, operation, index, task_defs)
    except BadRequest as error:
        raise _with_pointer(error) from error
    return msgspec.structs.replace(definition, created_by=author) if author else definition


def read_task_def(
    body: Any, operation: str, author: str | None = None, index: int | None = None
) -> TaskDef:
    """The task definition in a request; raises BadRequest."""
    try:
        definition = parse_task_def(body, operation, index)
    except BadRequest as error:
        raise _with_pointer(error) from error
    return msgspec.structs.replace(definition, created_by=author) if author else definition


def not_empty(bodies: Sequence[Any]) -> Sequence[Any]:
    """The list, if there is something in it; raises BadRequest."""
    if not bodies:
        raise BadRequest("The list is empty.", code="empty_list", field="")
    return bodies


def _http_task_names(body: Any) -> Iterator[str]:
    """Names of all HTTP tasks in the request: a task definition's template may complete them."""
    pending = [body]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending += cast("list[Any]", item)
        elif isinstance(item, dict):
            fields = cast("dict[str, Any]", item)
            pending += fields.values()
            if fields.get("type") == "HTTP" and isinstance(fields.get("name"), str):
                yield fields["name"]


def _with_pointer(error: BadRequest) -> BadRequest:
    """The same error; its field as a JSON Pointer (`registerTaskDef.arg0[0].name` -> `/0/name`)."""
    pointer = as_pointer(_ARGUMENT.sub("", error.field or ""))
    return BadRequest(str(error), code=error.code, field=pointer, violations=error.violations)


def as_pointer(path: str) -> str:
    """A path inside a definition (`.tasks[0].name`) as a JSON Pointer."""
    return _INDEX.sub(r".\1", path).replace(".", "/")
