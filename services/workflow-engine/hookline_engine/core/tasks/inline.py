"""INLINE: a JavaScript expression over the task's input (engine.md 4.4)."""

from typing import Any

from hookline_engine.core.model import TaskLine
from hookline_engine.core.tasks.kinds import TaskType, complete, fail, fail_terminally
from hookline_engine.core.work import Work
from hookline_engine.script_errors import ScriptError, ScriptTimeout

JAVASCRIPT = ("javascript", "graaljs")


class Inline(TaskType):
    """Completes at once with `result`."""

    def launch(self, work: Work, line: TaskLine) -> None:
        """Evaluate; only a script that ran out of time may be tried again."""
        given = work.value(line.input)
        try:
            result = self._result(work, given, line)
        except ScriptTimeout as error:
            fail(work, line, str(error), {"error": str(error)})
        except ScriptError as error:
            fail_terminally(work, line, str(error), {"error": str(error)})
        else:
            complete(work, line, {"result": result})

    def _result(self, work: Work, given: dict[str, Any], line: TaskLine) -> Any:
        kind = given.get("evaluatorType") or "javascript"
        expression = given.get("expression")
        if not isinstance(expression, str) or not expression.strip():
            raise ScriptError("the expression is blank")
        if kind == "value-param":
            return given.get(expression)
        if kind not in JAVASCRIPT:
            raise ScriptError(f"there is no evaluator {kind!r}")
        return work.context.evaluator.evaluate(expression, given, work.now, line.id)
