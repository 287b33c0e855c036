"""SUB_WORKFLOW: runs another workflow and takes over its end (engine.md 4.14)."""

from typing import Any, ClassVar

import msgspec

from hookline_common.ids import derived_uuid
from hookline_common.jsonpath import is_object
from hookline_engine.core.decisions import Unmappable
from hookline_engine.core.effects import StartChild, TerminateChild
from hookline_engine.core.inputs import evaluate
from hookline_engine.core.model import TaskLine
from hookline_engine.core.tasks.kinds import TaskType
from hookline_engine.core.work import Work
from hookline_engine.definitions.model import SubWorkflowParams
from hookline_engine.definitions.snapshots import Node


class SubWorkflow(TaskType):
    """The child's id is derived from this attempt, so that a crash cannot start two."""

    delayed: ClassVar[bool] = True
    cacheable: ClassVar[bool] = True

    def input(self, work: Work, node: Node, task_id: str) -> dict[str, Any]:
        """What the child is started with; the keys are Conductor's."""
        parameters = node.task.sub_workflow_param or SubWorkflowParams()
        texts = {
            "name": parameters.name,
            "taskToDomain": parameters.task_to_domain,
            "priority": parameters.priority,
            "idempotencyKey": parameters.idempotency_key,
            "definition": parameters.workflow_definition,
        }
        inline = is_object(parameters.workflow_definition)
        if inline:  # data in a definition is no template of this execution
            texts.pop("definition")
        resolved = evaluate(work, texts, task_id)
        definition = parameters.workflow_definition if inline else resolved["definition"]
        if definition is not None and not is_object(definition):
            raise Unmappable("subWorkflowParam.workflowDefinition is not a definition")
        if definition is None and not isinstance(resolved["name"], str):
            raise Unmappable("subWorkflowParam.name did not resolve to a name")
        return {
            "subWorkflowName": definition.get("name") if definition else resolved["name"],
            "subWorkflowVersion": None if definition is not None else parameters.version,
            "subWorkflowTaskToDomain": _domains(resolved["taskToDomain"]),
            "priority": resolved["priority"],
            "idempotencyKey": _key(resolved["idempotencyKey"]),
            "idempotencyStrategy": parameters.idempotency_strategy,
            "subWorkflowDefinition": definition,
            "workflowInput": evaluate(work, node.task.input_parameters, task_id),
        }

    def input_again(
        self,
        work: Work,
        node: Node,
        task_id: str,
        old: TaskLine,  # noqa: ARG002 - all is fresh
    ) -> dict[str, Any] | None:
        """All of it evaluated afresh."""
        return self.input(work, node, task_id)

    def launch(self, work: Work, line: TaskLine) -> None:
        """Ask for the child; the task is in progress from now on."""
        child_id = derived_uuid("subworkflow", work.head.workflow_id, line.id, str(line.attempt))
        request = _request(work, line)
        work.emit(StartChild(f"{child_id}:start", child_id, line.id, work.head.run, request))
        work.put(
            msgspec.structs.replace(
                line,
                status="IN_PROGRESS",
                started_at=work.now,
                updated_at=work.now,
                sub_workflow_id=child_id,
                output=work.body(line.id, "out", {"subWorkflowId": child_id}),
            )
        )

    def release(self, work: Work, line: TaskLine, reason: str) -> None:
        """The child ends with its task."""
        if line.sub_workflow_id:
            effect_id = f"{line.sub_workflow_id}:{line.child_run}:terminate"
            work.emit(TerminateChild(effect_id, line.sub_workflow_id, line.id, reason))


def _request(work: Work, line: TaskLine) -> dict[str, Any]:
    given, head = work.value(line.input), work.head
    definition = given.get("subWorkflowDefinition")
    child_input: dict[str, Any] = given.get("workflowInput") or {}
    if definition is not None:
        child_input = {**child_input, "_systemMetadata": {"dynamic": True}}
    priority = given.get("priority")
    return {
        "name": given["subWorkflowName"],
        "version": given.get("subWorkflowVersion"),
        "workflowDef": definition,
        "inputToken": work.body(line.id, "child", child_input),
        "taskToDomain": given.get("subWorkflowTaskToDomain") or head.task_to_domain,
        "correlationId": head.correlation_id,
        "priority": _priority(priority),
        "idempotencyKey": given.get("idempotencyKey"),
        "idempotencyStrategy": given.get("idempotencyStrategy"),
    }


def _domains(mapping: dict[str, Any]) -> dict[str, str] | None:
    return {name: str(domain) for name, domain in mapping.items() if domain is not None} or None


def _key(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _priority(value: Any) -> int:
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return max(0, min(99, int(value)))
    return 0
