"""What each task type asks of its node when a definition is saved (engine.md 4, "Check")."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from hookline_common.durations import DurationSyntaxError, parse_duration
from hookline_common.expressions import has_placeholder
from hookline_common.jsonpath import is_object
from hookline_common.matching.waits import wait_violations
from hookline_engine.definitions.instants import InstantSyntaxError, parse_instant
from hookline_engine.definitions.lenient import Violation
from hookline_engine.definitions.model import TaskDef, WorkflowTask
from hookline_engine.scripts import syntax_error

Problems = Iterator[tuple[str, str]]
"""(field of the node, message)"""

NOT_BUILT_YET = frozenset(
    (
        "DYNAMIC",
        "FORK_JOIN_DYNAMIC",
        "EXCLUSIVE_JOIN",
        "DECISION",
        "HUMAN",
        "EVENT",
        "KAFKA_PUBLISH",
        "JSON_JQ_TRANSFORM",
        "LAMBDA",
        "NOOP",
        "START_WORKFLOW",
        "PULL_WORKFLOW_MESSAGES",
        "YIELD",
        "LLM_TEXT_COMPLETE",
        "LLM_CHAT_COMPLETE",
        "LLM_INDEX_TEXT",
        "LLM_SEARCH_INDEX",
        "LLM_GENERATE_EMBEDDINGS",
        "LLM_STORE_EMBEDDINGS",
        "LLM_GET_EMBEDDINGS",
        "LLM_SEARCH_EMBEDDINGS",
        "GENERATE_IMAGE",
        "GENERATE_AUDIO",
        "GENERATE_VIDEO",
        "GENERATE_PDF",
        "LIST_MCP_TOOLS",
        "CALL_MCP_TOOL",
        "AGENT",
        "GET_AGENT_CARD",
        "CANCEL_AGENT",
        "JDBC",
    )
)
STATUSES = ("COMPLETED", "FAILED", "TERMINATED")
SCRIPTS = ("javascript", "graaljs")
EVALUATORS = (*SCRIPTS, "value-param")


def node_violations(
    task: WorkflowTask, path: str, registered: TaskDef | None
) -> Iterator[Violation]:
    """What is wrong with one node; `registered` is the task definition of its name."""
    for field, value in (
        ("name", task.name),
        ("taskReferenceName", task.task_reference_name),
        ("type", task.type),
    ):
        if not value.strip():
            message = f"WorkflowTask {field} cannot be null or empty"
            yield Violation(f"{path}.{field}", message)
    if task.start_delay < 0:
        message = "startDelay must be >= 0"
        yield Violation(f"{path}.startDelay", message, task.start_delay)
    if task.type in NOT_BUILT_YET:
        message = f"task type {task.type} is not supported yet"
        yield Violation(f"{path}.type", message, task.type)
    check = _CHECKS.get(task.type)
    template = (task.task_definition or registered or TaskDef()).input_template
    for field, message in check(task, template) if check else ():
        where = f"{path}.{field}" if field else path
        yield Violation(where, f"{message} (taskReferenceName: {task.task_reference_name})")


def _simple(task: WorkflowTask, _: Mapping[str, Any]) -> Problems:
    if task.name in _CHECKS or task.name in NOT_BUILT_YET:
        yield "name", f"a SIMPLE task cannot have the name of the built-in type {task.name}"


def _switch(task: WorkflowTask, _: Mapping[str, Any]) -> Problems:
    if not task.evaluator_type:
        yield "evaluatorType", "SWITCH needs an evaluatorType"
    elif task.evaluator_type not in EVALUATORS:
        yield "evaluatorType", f"evaluatorType must be one of {', '.join(EVALUATORS)}"
    if not task.expression:
        yield "expression", "SWITCH needs an expression"
    elif task.evaluator_type in SCRIPTS and (error := syntax_error(task.expression)):
        yield "expression", f"the expression is not JavaScript: {error}"
    if not task.decision_cases:
        yield "decisionCases", "SWITCH needs at least one decisionCases entry"


def _do_while(task: WorkflowTask, _: Mapping[str, Any]) -> Problems:
    has_items = task.items is not None or task.input_parameters.get("_items") is not None
    if not task.loop_condition and not has_items:
        yield "loopCondition", "DO_WHILE needs a loopCondition or items"
    if task.loop_condition and (error := syntax_error(task.loop_condition)):
        yield "loopCondition", f"the condition is not JavaScript: {error}"
    if not task.loop_over:
        yield "loopOver", "DO_WHILE needs tasks in loopOver"


def _fork(task: WorkflowTask, _: Mapping[str, Any]) -> Problems:
    if not task.fork_tasks:
        yield "forkTasks", "FORK_JOIN needs at least one branch in forkTasks"


def _sub_workflow(task: WorkflowTask, _: Mapping[str, Any]) -> Problems:
    parameters = task.sub_workflow_param
    if parameters is None:
        yield "subWorkflowParam", "SUB_WORKFLOW needs a subWorkflowParam"
        return
    definition = parameters.workflow_definition
    if definition is None:
        if not parameters.name:
            yield "subWorkflowParam.name", "SUB_WORKFLOW needs the name of a workflow"
    elif isinstance(definition, str):
        if not (definition.startswith("${") and definition.endswith("}")):
            yield "subWorkflowParam.workflowDefinition", "a text must be an expression ${…}"
    elif not is_object(definition):
        yield "subWorkflowParam.workflowDefinition", "must be a definition or an expression"


def _terminate(task: WorkflowTask, _: Mapping[str, Any]) -> Problems:
    if task.optional:
        yield "optional", "TERMINATE cannot be optional"
    status = task.input_parameters.get("terminationStatus")
    if status not in STATUSES and not has_placeholder(status):
        yield (
            "inputParameters.terminationStatus",
            f"terminationStatus must be one of {', '.join(STATUSES)}",
        )


def _wait(task: WorkflowTask, _: Mapping[str, Any]) -> Problems:
    given = task.input_parameters
    if "matches" in given:
        yield from _wait_for_webhook(task, _)
        return
    duration, until = given.get("duration"), given.get("until")
    if duration and until:
        yield "inputParameters", "a WAIT has either a duration or an until, not both"
    if duration and not has_placeholder(duration):
        try:
            parse_duration(str(duration))
        except DurationSyntaxError as error:
            yield "inputParameters.duration", str(error)
    if until and not has_placeholder(until):
        try:
            parse_instant(str(until))
        except InstantSyntaxError as error:
            yield "inputParameters.until", str(error)


def _wait_for_webhook(task: WorkflowTask, _: Mapping[str, Any]) -> Problems:
    for pointer, message in wait_violations(task.input_parameters, "/inputParameters"):
        yield pointer.removeprefix("/").replace("/", ".", 1), message


def _http(task: WorkflowTask, template: Mapping[str, Any]) -> Problems:
    given = task.input_parameters
    if not ({"http_request", "uri", "method"} & given.keys() or "http_request" in template):
        yield "inputParameters", "HTTP needs http_request, uri or method in its input"


def _nothing(_: WorkflowTask, __: Mapping[str, Any]) -> Problems:
    return iter(())


_CHECKS: Mapping[str, Callable[[WorkflowTask, Mapping[str, Any]], Problems]] = MappingProxyType(
    {
        "SIMPLE": _simple,
        "SWITCH": _switch,
        "DO_WHILE": _do_while,
        "FORK_JOIN": _fork,
        "JOIN": _nothing,
        "SUB_WORKFLOW": _sub_workflow,
        "TERMINATE": _terminate,
        "WAIT": _wait,
        "WAIT_FOR_WEBHOOK": _wait_for_webhook,
        "HTTP": _http,
        "SET_VARIABLE": _nothing,
        "INLINE": _nothing,
    }
)
