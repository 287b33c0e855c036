"""The form of Run Workflow: from a definition or an earlier execution, and to a start request."""

import json
from collections.abc import Mapping
from typing import Any, cast

import msgspec

from hookline_common.errors import HooklineError
from hookline_console.forms import Form
from hookline_console.json_lines import json_text

STRATEGIES: Mapping[str, str] = {
    "FAIL": "Refuse (FAIL)",
    "RETURN_EXISTING": "Return the existing execution (RETURN_EXISTING)",
    "FAIL_ON_RUNNING": "Refuse only while it runs (FAIL_ON_RUNNING)",
}
"""specs/rest.md 1.8."""


class BadField(HooklineError):
    """A field of a form that cannot be understood."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class RunForm(msgspec.Struct, frozen=True):
    """The fields as the person sees them; `domains` are pairs of task and domain."""

    name: str = ""
    version: str = ""
    input: str = "{}"
    correlation_id: str = ""
    domains: tuple[tuple[str, str], ...] = ()
    priority: str = ""
    key: str = ""
    strategy: str = "FAIL"


def blank(name: str, version: str, definition: Mapping[str, Any] | None) -> RunForm:
    """The form for a definition: its declared input keys are there to be filled."""
    return RunForm(name=name, version=version, input=json_text(_prefilled(definition or {})))


def _prefilled(definition: Mapping[str, Any]) -> dict[str, Any]:
    declared = {str(name): "" for name in definition.get("inputParameters") or ()}
    return declared | dict(definition.get("inputTemplate") or {})


def again(execution: Mapping[str, Any]) -> RunForm:
    """The form filled in as an earlier execution was started; its idempotency key is used up."""
    return RunForm(
        name=execution["workflowName"],
        version=str(execution["workflowVersion"]),
        input=json_text(execution.get("input") or {}),
        correlation_id=execution.get("correlationId") or "",
        domains=_pairs(execution.get("taskToDomain")),
        priority=str(execution.get("priority") or ""),
    )


def _pairs(domains: Any) -> tuple[tuple[str, str], ...]:
    return tuple((str(task), str(domain)) for task, domain in dict(domains or {}).items())


def typed(form: Form) -> RunForm:
    """What was typed, as it was typed."""
    pairs = zip(form.all("task"), form.all("domain"), strict=False)
    return RunForm(
        name=form.text("name"),
        version=form.text("version"),
        input=form.raw("input"),
        correlation_id=form.text("correlationId"),
        domains=tuple((task.strip(), domain.strip()) for task, domain in pairs if task or domain),
        priority=form.text("priority"),
        key=form.text("idempotencyKey"),
        strategy=form.text("idempotencyStrategy", "FAIL"),
    )


def start_request(form: RunForm) -> dict[str, Any]:
    """The body of `POST /workflow`; raises BadField for what no API call could say."""
    if not form.name:
        raise BadField("name", "Choose the workflow to run.")
    request: dict[str, Any] = {"name": form.name, "input": _input(form.input)}
    if form.version:
        request["version"] = _whole(form.version, "version", "A version is a whole number.")
    if form.correlation_id:
        request["correlationId"] = form.correlation_id
    if form.domains:
        request["taskToDomain"] = dict(form.domains)
    if form.priority:
        request["priority"] = _whole(form.priority, "priority", "A priority is a number to 99.")
    if form.key:
        request["idempotencyKey"] = form.key
        request["idempotencyStrategy"] = form.strategy
    return request


def _input(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise BadField(
            "input", f"Not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError as error:
        raise BadField("input", "This JSON is nested too deep.") from error
    if not isinstance(value, dict):
        raise BadField("input", 'The input is a JSON object, such as {"number": 42}.')
    return cast(dict[str, Any], value)


def _whole(text: str, field: str, message: str) -> int:
    if not text.isdecimal():
        raise BadField(field, message)
    return int(text)
