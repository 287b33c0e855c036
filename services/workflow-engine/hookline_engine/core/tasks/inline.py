"""INLINE: a JavaScript expression over the task's input (engine.md 4.4)."""

from typing import Any, ClassVar

from hookline_engine.core.decisions import MissingLookups
from hookline_engine.core.model import TaskLine
from hookline_engine.core.revealing import Revealed, revealed
from hookline_engine.core.tasks.kinds import TaskType, complete, fail, fail_terminally
from hookline_engine.core.work import Work
from hookline_engine.script_errors import ScriptError, ScriptTimeout

JAVASCRIPT = ("javascript", "graaljs")


class Inline(TaskType):
    """Completes at once with `result`."""

    cacheable: ClassVar[bool] = True

    def launch(self, work: Work, line: TaskLine) -> None:
        """Evaluate; only a script that ran out of time may be tried again."""
        given = _with_secrets(work, line)
        try:
            result = self._result(work, given.value, line)
        except ScriptTimeout as error:
            reason = given.redacted(str(error))
            fail(work, line, reason, {"error": reason})
        except ScriptError as error:
            reason = given.redacted(str(error))
            fail_terminally(work, line, reason, {"error": reason})
        else:
            complete(work, line, {"result": given.redacted(result)})

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


def _with_secrets(work: Work, line: TaskLine) -> Revealed:
    """The input as the script sees it; raises MissingLookups."""
    node, given = work.node(line.ref), work.value(line.input)
    if not node.names_secrets:
        return Revealed(given, {}, frozenset())
    found = revealed(node, given, work.context.secrets)
    if found.missing:
        raise MissingLookups(secrets=found.missing)
    return found
