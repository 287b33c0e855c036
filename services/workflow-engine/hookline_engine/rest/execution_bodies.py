"""Reads the bodies of requests about executions and tasks (rest.md 1.3, engine.md 1.7 and 1.8)."""

from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from hookline_common.errors import BadRequest, NotFound
from hookline_common.webhooks import IdempotencyStrategy
from hookline_engine.core.commands import ResultStatus, UpdateTask
from hookline_engine.core.model import workflow_id_of
from hookline_engine.definitions.validation import parse_workflow_def
from hookline_engine.rest.fields import Fields
from hookline_engine.rest.requests import Parameters
from hookline_engine.starts import StartRequest
from hookline_engine.synchronous import DEFAULT_WAIT_SECONDS, ReturnStrategy, Wanted

_STRATEGIES: tuple[IdempotencyStrategy, ...] = get_args(IdempotencyStrategy)
_RETURNS: tuple[ReturnStrategy, ...] = get_args(ReturnStrategy)
_STATUSES: tuple[ResultStatus, ...] = get_args(ResultStatus)
LONGEST_REASON = 500
LONGEST_WAIT_SECONDS = 300


def _violation(operation: str, field: str, message: str, value: Any = None) -> BadRequest:
    """One breach of a rule of the model, in the shape of OSS (rest.md 1.5)."""
    breach = {"path": f"{operation}.arg0.{field}", "message": message}
    if value is not None:
        breach["invalidValue"] = str(value)
    return BadRequest(
        f"{field}: {message}",
        code="validation_failed",
        field=f"/{field}",
        violations=[breach],
    )


def parse_start(body: Mapping[str, Any], operation: str = "startWorkflow") -> StartRequest:
    """A StartWorkflowRequest; raises BadRequest."""
    fields = Fields(body)
    name = fields.word("name")
    inline = fields.raw("workflowDef")
    definition = None if inline is None else parse_workflow_def(inline, operation)
    if name is None and definition is None:
        raise _violation(operation, "name", "Workflow name cannot be null or empty")
    if "input" in body and body["input"] is None:
        raise BadRequest("Input is null.", code="input_null", field="/input")
    if fields.word("externalInputPayloadStoragePath"):
        raise fields.error(
            "externalInputPayloadStoragePath",
            "There is no external payload storage here.",
            "no_external_storage",
        )
    given = fields.mapping("input")
    return StartRequest(
        name=name or (definition.name if definition else ""),
        version=fields.integer("version", least=0, most=2**31 - 1),
        input=given.as_mapping() if given else {},
        definition=definition,
        correlation_id=fields.word("correlationId"),
        priority=parse_priority(fields.raw("priority"), operation),
        task_to_domain=_texts(fields, "taskToDomain"),
        created_by=fields.word("createdBy"),
        idempotency_key=fields.word("idempotencyKey"),
        idempotency_strategy=_strategy(fields),
    )


def parse_priority(value: Any, operation: str) -> int:
    """A priority from 0 to 99; null is 0."""
    number = Fields({"priority": value}).integer("priority")
    if number is not None and not 0 <= number <= 99:
        raise _violation(operation, "priority", "priority should be from 0 to 99", number)
    return number or 0


def _texts(fields: Fields, name: str) -> Mapping[str, str]:
    part = fields.mapping(name)
    if part is None:
        return {}
    return {key: text for key in part if (text := part.text(key)) is not None}


def _strategy(fields: Fields) -> IdempotencyStrategy:
    word = fields.word("idempotencyStrategy")
    if word is None:
        return "FAIL"
    for strategy in _STRATEGIES:
        if strategy == word.upper():
            return strategy
    raise fields.error("idempotencyStrategy", f"{word!r} is none of {', '.join(_STRATEGIES)}.")


def parse_wanted(query: Parameters, request_id: str) -> Wanted:
    """How long to wait, for what, and what to answer (rest.md 2.2, execute)."""
    name = (query.word("returnStrategy") or "TARGET_WORKFLOW").upper()
    strategy: ReturnStrategy | None = next((one for one in _RETURNS if one == name), None)
    if strategy is None:
        message = f"{name!r} is none of {', '.join(_RETURNS)}."
        raise BadRequest(message, code="invalid_parameter", field="/query/returnStrategy")
    refs = query.texts("waitUntilTaskRef")
    seconds = query.integer("waitForSeconds", DEFAULT_WAIT_SECONDS, most=LONGEST_WAIT_SECONDS)
    return Wanted(
        request_id=query.word("requestId") or request_id,
        refs=frozenset(ref for ref in refs if ref.lower() not in ("none", "null")),
        seconds=seconds or DEFAULT_WAIT_SECONDS,
        strategy=strategy,
    )


class TaskResult(msgspec.Struct, frozen=True):
    """A worker's result, as it is applied."""

    workflow_id: str
    update: UpdateTask
    extend_lease: bool
    logs: list[Any]


def parse_task_result(body: Mapping[str, Any]) -> TaskResult:
    """A TaskResult; raises BadRequest."""
    fields = Fields(body)
    workflow_id = fields.word("workflowInstanceId")
    task_id = fields.word("taskId")
    if workflow_id is None:
        raise _violation("updateTask", "workflowInstanceId", "Workflow Id cannot be null or empty")
    if task_id is None:
        raise _violation("updateTask", "taskId", "Task ID cannot be null or empty")
    extend = fields.boolean("extendLease") or False
    update = UpdateTask(
        task_id=task_id,
        status=_status(fields, extend=extend),
        output=_output(fields.raw("outputData")),
        reason=_cut(fields.text("reasonForIncompletion")),
        worker_id=fields.word("workerId"),
        callback_after_seconds=fields.integer("callbackAfterSeconds", least=0) or 0,
        sub_workflow_id=fields.word("subWorkflowId"),
    )
    logs = fields.raw("logs")
    return TaskResult(workflow_id, update, extend, logs if isinstance(logs, list) else [])  # pyright: ignore[reportUnknownArgumentType]


def belongs(result: TaskResult) -> bool:
    """Whether the task can be one of the execution named beside it (D23)."""
    return workflow_id_of(result.update.task_id) == result.workflow_id


def _status(fields: Fields, *, extend: bool) -> ResultStatus:
    word = fields.word("status")
    if word is None and extend:
        return "IN_PROGRESS"
    return parse_status(word, fields.pointer("status"))


def parse_status(word: str | None, pointer: str) -> ResultStatus:
    """One of the states that a result may have, in any case."""
    for status in _STATUSES:
        if word is not None and status == word.upper():
            return status
    message = f"the status {word!r} is none of {', '.join(_STATUSES)}"
    raise BadRequest(message, code="invalid_status", field=pointer)


def _output(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    return dict(Fields(value, "/outputData").as_mapping())


def _cut(reason: str | None) -> str | None:
    return None if reason is None else reason[:LONGEST_REASON]


def nothing_pending(workflow_id: str, ref: str) -> NotFound:
    """404: no live task has the reference."""
    return NotFound(
        f"No pending task {ref} is there in workflow {workflow_id}.", code="nothing_pending"
    )
