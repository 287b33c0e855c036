"""What `${…}` means inside an execution, and the inputs of tasks (engine.md 2.9 and 3)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hookline_common import expressions
from hookline_common.jsonpath import ANY, MISSING
from hookline_engine.core.decisions import MissingLookups, Unmappable
from hookline_engine.core.model import TaskLine
from hookline_engine.core.work import Work
from hookline_engine.definitions.snapshots import Node

_LOOP_SUFFIX = re.compile(r"(?:__\d+)+$")
TASK_ID = "CPEWF_TASK_ID"


def evaluate(work: Work, template: Any, task_id: str | None = None) -> Any:
    """`template` with its expressions replaced; raises MissingBodies for all it needs at once."""
    try:
        return expressions.evaluate(template, scope_of(work, template, task_id))
    except expressions.TemplateTooDeep as error:
        raise Unmappable(str(error)) from error


def scope_of(work: Work, template: Any, task_id: str | None = None) -> "Scope":
    """What the expressions of `template` can see; raises MissingBodies for all of it at once."""
    try:
        references = expressions.references(template)
    except expressions.TemplateTooDeep as error:
        raise Unmappable(str(error)) from error
    work.require(_tokens(work, references))
    return Scope(work, references, task_id)


def task_input(work: Work, node: Node, task_id: str) -> dict[str, Any]:
    """The evaluated input of a task, with the defaults of its task definition."""
    template = node.task_def.input_template
    if not template:
        return evaluate(work, node.task.input_parameters, task_id)
    value = evaluate(work, {**template, **node.task.input_parameters}, task_id)
    return {
        key: template[key] if part is None and key in template else part
        for key, part in value.items()
    }


def own_input(work: Work, node: Node, task_id: str) -> dict[str, Any]:
    """The evaluated input of the types that ignore the task definition's template."""
    return evaluate(work, node.task.input_parameters, task_id)


def workflow_input(given: dict[str, Any], template: dict[str, Any]) -> dict[str, Any]:
    """The input of an execution with the defaults of its definition (D5)."""
    defaults = {key: value for key, value in template.items() if given.get(key) is None}
    return {**given, **defaults} if defaults else given


def newest(work: Work, ref: str) -> TaskLine | None:
    """The newest attempt of a reference, with or without loop suffix (D4)."""
    return work.tasks.get(ref) or work.tasks.get(_LOOP_SUFFIX.sub("", ref))


class Scope:
    """The documents behind the first segments of expressions, made when they are asked for."""

    def __init__(
        self, work: Work, references: frozenset[tuple[str, str]], task_id: str | None
    ) -> None:
        self._work = work
        self._references = references
        self._task_id = task_id

    def lookup(self, head: str) -> Any:
        """The document that paths beginning with `head` are read from; MISSING if there is none."""
        if head == "workflow":
            return self._workflow()
        if head == TASK_ID and self._task_id is not None:
            return self._task_id
        line = newest(self._work, head)
        return MISSING if line is None else self._task(head, line)

    def heads(self) -> Iterable[str]:
        """Every first segment there is."""
        return ("workflow", *self._work.tasks)

    def _wants(self, head: str, part: str) -> bool:
        wanted = ((head, part), (head, ANY), (ANY, ANY))
        return not self._references.isdisjoint(wanted)

    def _workflow(self) -> Mapping[str, Any]:
        work, head = self._work, self._work.head
        facts: dict[str, Any] = {
            "variables": work.variables,
            "status": work.status,
            "workflowId": head.workflow_id,
            "workflowType": head.name,
            "version": head.version,
            "correlationId": head.correlation_id,
            "parentWorkflowId": head.parent_workflow_id,
            "parentWorkflowTaskId": head.parent_task_id,
            "reasonForIncompletion": work.reason,
            "schemaVersion": work.snapshot.definition.schema_version,
            "createTime": head.created_at,
            "taskToDomain": head.task_to_domain,
            "priority": head.priority,
            "idempotencyKey": head.idempotency_key,
        }
        if self._wants("workflow", "env"):
            facts["env"] = _environment(work)
        if self._wants("workflow", "input"):
            facts["input"] = work.value(head.input)
        if self._wants("workflow", "output"):
            facts["output"] = work.value(work.output)
        return facts

    def _task(self, head: str, line: TaskLine) -> Mapping[str, Any]:
        facts: dict[str, Any] = {
            "status": line.status,
            "taskId": line.id,
            "taskType": line.type,
            "taskDefName": line.def_name,
            "referenceTaskName": line.shown_ref,
            "retryCount": line.attempt,
            "pollCount": line.poll_count,
            "correlationId": self._work.head.correlation_id,
            "scheduledTime": line.scheduled_at,
            "startTime": line.started_at,
            "endTime": line.ended_at,
            "workflowInstanceId": self._work.head.workflow_id,
            "reasonForIncompletion": line.reason,
            "callbackAfterSeconds": line.callback_after_seconds,
            "workerId": line.worker_id,
            "iteration": line.shown_iteration,
        }
        if self._wants(head, "input"):
            facts["input"] = self._work.value(line.input)
        if self._wants(head, "output"):
            facts["output"] = self._work.value(line.output)
        return facts


def _environment(work: Work) -> Mapping[str, str]:
    if work.context.environment is None:
        raise MissingLookups(environment=True)
    return work.context.environment


def _tokens(work: Work, references: frozenset[tuple[str, str]]) -> Iterator[str]:
    for head, part in references:
        if head == ANY:
            yield from (work.head.input, work.output)
            for line in work.tasks.values():
                yield from (line.input, line.output)
        elif head == "workflow":
            yield from _chosen(part, work.head.input, work.output)
        elif (line := newest(work, head)) is not None:
            yield from _chosen(part, line.input, line.output)


def _chosen(part: str, given: str, output: str) -> tuple[str, ...]:
    if part == ANY:
        return (given, output)
    return (given,) if part == "input" else (output,) if part == "output" else ()
