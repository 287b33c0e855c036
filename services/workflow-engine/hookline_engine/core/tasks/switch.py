"""SWITCH: chooses one list of tasks by the value of an expression (engine.md 4.7)."""

from typing import Any, ClassVar

import msgspec

from hookline_engine.core.inputs import own_input
from hookline_engine.core.tasks.inline import JAVASCRIPT
from hookline_engine.core.tasks.kinds import TaskType, complete, fail, task_id_of
from hookline_engine.core.work import Work
from hookline_engine.definitions.snapshots import Node
from hookline_engine.script_errors import ScriptError


class Switch(TaskType):
    """Completes when it is reached; the first task of the chosen list is mapped with it."""

    retriable: ClassVar[bool] = False

    def shown_def_name(self, node: Node) -> str:
        """`taskDefName` is the type."""
        return node.task.type

    def create(self, work: Work, node: Node, path: tuple[int, ...], attempt: int = 0) -> None:
        """Choose and go on inside; without a task inside the flow goes on behind."""
        task_id = task_id_of(work, node.ref, path, attempt)
        given = own_input(work, node, "")
        line = self.begin(work, self.line(work, node, path, task_id, attempt))
        try:
            case = _text(_case(work, node, given, task_id))
        except ScriptError as error:
            line = msgspec.structs.replace(line, input=work.body(task_id, "in", given))
            fail(work, line, str(error), {"error": str(error)})
            return
        chosen = node.task.decision_cases.get(case, node.task.default_case)
        marks = {"case": case, **({"hasChildren": "true"} if chosen else {})}
        line = msgspec.structs.replace(
            line,
            input=work.body(task_id, "in", {**given, **marks}),
            executed=bool(chosen),
        )
        complete(work, line, {"evaluationResult": [case], "selectedCase": case})
        if chosen:
            work.reach(chosen[0].task_reference_name, path)


def _case(work: Work, node: Node, given: dict[str, Any], task_id: str) -> Any:
    kind, expression = node.task.evaluator_type, node.task.expression or ""
    if kind == "value-param":
        return given.get(expression)
    if kind not in JAVASCRIPT:
        raise ScriptError(f"there is no evaluator {kind!r}")
    return work.context.evaluator.evaluate(expression, given, work.now, task_id)


def _text(value: Any) -> str:
    """The case of a value: `null`, `true`, whole numbers without point, else its JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return msgspec.json.encode(value).decode()
