"""DO_WHILE: runs its body again while a condition holds, or once per item (engine.md 4.13).

Loops may be nested (D2): every line carries the iterations of all loops around it.
"""

from typing import Any, ClassVar

import msgspec

from hookline_common.jsonpath import is_array
from hookline_engine.core.inputs import evaluate
from hookline_engine.core.model import TaskLine
from hookline_engine.core.tasks.kinds import TaskType, complete, fail_terminally, start
from hookline_engine.core.work import Work
from hookline_engine.definitions.snapshots import Node
from hookline_engine.script_errors import ScriptError


class DoWhile(TaskType):
    """Looks in every round whether its current iteration is done."""

    retriable: ClassVar[bool] = False

    def launch(self, work: Work, line: TaskLine) -> None:
        """The first iteration; a list without items has none."""
        node = work.node(line.ref)
        line = start(work, line)
        items = _items(work, node)
        if items is not None and not items:
            complete(work, line, {"iteration": 0})
        else:
            _iterate(work, node, line, {}, items)

    def look(self, work: Work, line: TaskLine) -> None:
        """Collect the iteration and go on or end."""
        node = work.node(line.ref)
        inside = (*line.path, line.iteration)
        depth = len(inside)
        if any(work.tasks[ref].path[:depth] == inside for ref in work.pending if ref != line.ref):
            return
        try:
            output = _collected(work, node, line)
            items = _items(work, node)
            again = _again(work, node, line, output, items)
        except ScriptError as error:
            fail_terminally(work, line, str(error), work.value(line.output))
            return
        if again:
            _iterate(work, node, line, output, items)
        else:
            complete(work, line, output)


def _iterate(
    work: Work, node: Node, line: TaskLine, output: dict[str, Any], items: list[Any] | None
) -> None:
    number = line.iteration + 1
    if number > work.context.limits.iterations:
        fail_terminally(work, line, f"the loop ran {line.iteration} times, which is the limit")
        return
    output = {**output, "iteration": number}
    if items is not None:
        output |= {"loopIndex": number - 1, "loopItem": items[number - 1]}
    token = work.body(line.id, "out", output)
    work.put(msgspec.structs.replace(line, iteration=number, output=token, updated_at=work.now))
    work.reach(node.task.loop_over[0].task_reference_name, (*line.path, number))


def _collected(work: Work, node: Node, line: TaskLine) -> dict[str, Any]:
    """The loop's output with that of the tasks of this iteration; old ones leave (keepLastN)."""
    inside = (*line.path, line.iteration)
    lines = [work.tasks[ref] for ref in node.body if ref in work.tasks]
    current = [one for one in lines if one.path == inside]
    work.require(token for token in (line.output, *(one.output for one in current)))
    gathered = {one.ref: work.value(one.output) for one in current}
    output = {**work.value(line.output), str(line.iteration): gathered}
    keep = _whole(node.task.input_parameters.get("keepLastN"))
    if keep is not None and keep > 0:
        return {
            key: value
            for key, value in output.items()
            if not key.isdigit() or int(key) > line.iteration - keep
        }
    return output


def _again(
    work: Work, node: Node, line: TaskLine, output: dict[str, Any], items: list[Any] | None
) -> bool:
    if items is not None and line.iteration >= len(items):
        return False
    condition = node.task.loop_condition
    if not condition:
        return items is not None
    scope = _condition_scope(work, node, line, output)
    if items is not None:
        scope |= {"loopIndex": line.iteration - 1, "loopItem": items[line.iteration - 1]}
    seed = f"{line.id}:{line.iteration}"
    value = work.context.evaluator.evaluate(condition, scope, work.now, seed)
    return value if isinstance(value, bool) else isinstance(value, int | float) and value > 0


def _condition_scope(
    work: Work, node: Node, line: TaskLine, output: dict[str, Any]
) -> dict[str, Any]:
    """`$`: the input, the loop's own output, the newest output of each body task."""
    scope = dict(evaluate(work, node.task.input_parameters, line.id))
    lines = [work.tasks[ref] for ref in node.body if ref in work.tasks]
    work.require(one.output for one in lines)
    return {**scope, node.ref: output, **{one.ref: work.value(one.output) for one in lines}}


def _items(work: Work, node: Node) -> list[Any] | None:
    """The items of a list loop, evaluated each time; None for a loop without a list."""
    template = node.task.items
    if template is None:
        template = node.task.input_parameters.get("_items")
        if template is None:
            return None
    value = evaluate(work, template)
    if value is None:
        return []
    return value if is_array(value) else [value]


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None
