"""The time of a task has come: its work begins, unless that is settled already.

An input that does not fit its schema fails the task before anything is queued (D10); a known
output completes it at once (D11).
"""

from hookline_engine.core import task_cache
from hookline_engine.core.fitting import misfit_reason
from hookline_engine.core.model import TaskLine
from hookline_engine.core.tasks.kinds import TaskType, complete, fail_terminally
from hookline_engine.core.work import Work
from hookline_engine.definitions.snapshots import Node


def launch(work: Work, node: Node, kind: TaskType, line: TaskLine) -> None:
    """Begin what the task does."""
    definition = node.task_def
    if definition.enforce_schema and definition.input_schema is not None:
        schema, value = definition.input_schema, work.value(line.input)
        reason = misfit_reason(work.context.schemas, schema, value, "the input")
        if reason is not None:
            fail_terminally(work, line, reason)
            return
    if node.task.cache_config is not None and kind.cacheable:
        line = task_cache.with_key(work, node, node.task.cache_config, line)
        known = task_cache.known_output(work, node.task.cache_config, line)
        if known is not None:
            complete(work, task_cache.from_cache(line), known.output)
            return
    if kind.queued is None:
        work.note_change("onStart", line)
    kind.launch(work, line)
