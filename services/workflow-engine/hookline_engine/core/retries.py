"""What follows a failed attempt: another one, or the flow, or the end (engine.md 2.5)."""

import msgspec

from hookline_common.ids import digest
from hookline_engine.core import ending
from hookline_engine.core.model import TaskLine
from hookline_engine.core.tasks.kinds import task_id_of
from hookline_engine.core.tasks.registry import type_of
from hookline_engine.core.work import Work
from hookline_engine.definitions.model import TaskDef
from hookline_engine.definitions.snapshots import Node

_LONGEST_DELAY_SECONDS = 2_147_483_647
_RETRIED = ("FAILED", "TIMED_OUT")
MAX_PERMISSIVE_REASONS = 100


def settle_failures(work: Work) -> None:
    """Decide every attempt that ended without success and was not decided yet."""
    for line in work.waiting():
        if line.failed and work.tasks[line.ref] is line and not work.terminal:
            node = work.node(line.ref)
            if node.body:
                ending.cancel_live(work, line.reason or "the loop ended", node.body)
            _settle(work, node, line)


def retry_delay_ms(rule: TaskDef, attempt: int, identity: str) -> int:
    """Before the attempt after `attempt`; the jitter is derived from `identity`."""
    seconds = rule.retry_delay_seconds
    if rule.retry_logic == "LINEAR_BACKOFF":
        seconds *= rule.backoff_scale_factor * (attempt + 1)
    elif rule.retry_logic == "EXPONENTIAL_BACKOFF":
        seconds *= 2 ** min(attempt, 40)
    seconds = max(0, min(seconds, _LONGEST_DELAY_SECONDS))
    if rule.max_retry_delay_seconds > 0:
        seconds = min(seconds, rule.max_retry_delay_seconds)
    jitter = int(digest(identity)[:8], 16) % (rule.backoff_jitter_ms + 1)
    return seconds * 1000 + jitter


def new_attempt(work: Work, node: Node, old: TaskLine, delay_ms: int) -> TaskLine:
    """A copy of `old` that starts after the delay, with its expressions evaluated afresh."""
    task_id = task_id_of(work, node.ref, old.path, old.attempt + 1)
    kind = type_of(node)
    given = kind.input_again(work, node, task_id, old)
    line = msgspec.structs.replace(
        kind.line(work, node, old.path, task_id, old.attempt + 1),
        type=old.type,
        retried_id=old.id,
        reason=old.reason,
        first_scheduled_at=old.first_scheduled_at,
        input=old.input if given is None else work.body(task_id, "in", given),
        start_delay_seconds=delay_ms // 1000,
        callback_after_seconds=delay_ms // 1000,
        ready_at=work.now + delay_ms if delay_ms else 0,
        priority=old.priority,
    )
    work.put(msgspec.structs.replace(old, retried=True))
    return kind.begin(work, line)


def _settle(work: Work, node: Node, line: TaskLine) -> None:
    rule = node.task_def
    budget_end = line.first_scheduled_at + rule.total_timeout_seconds * 1000
    limited = rule.total_timeout_seconds > 0 and line.first_scheduled_at > 0
    if _may_retry(node, line):
        if limited and work.now >= budget_end:
            status = "TIMED_OUT" if line.status == "TIMED_OUT" else "FAILED"
            ending.end_failed(work, status, _reason(line), line)
            return
        delay = retry_delay_ms(rule, line.attempt, line.id)
        if limited:  # D43: the last attempt begins while there is still time for it
            delay = min(delay, max(0, budget_end - work.now))
        new_attempt(work, node, line, delay)
    elif node.task.optional:
        work.put(msgspec.structs.replace(line, status="COMPLETED_WITH_ERRORS"))
    elif node.task.permissive:
        reasons = (*work.permissive_reasons, line.reason or f"{line.shown_ref} {line.status}")
        work.permissive_reasons = reasons[:MAX_PERMISSIVE_REASONS]
    else:
        _end(work, line)


def _may_retry(node: Node, line: TaskLine) -> bool:
    limit = node.task_def.retry_count if node.task.retry_count is None else node.task.retry_count
    if line.status not in _RETRIED or not type_of(node).retriable:
        return False
    return limit > line.attempt


def _end(work: Work, line: TaskLine) -> None:
    if line.status == "CANCELED":
        ending.end_failed(work, "TERMINATED", _reason(line), line)
    elif line.status == "TIMED_OUT":
        ending.end_failed(work, "TIMED_OUT", _reason(line), line)
    else:
        ending.end_failed(work, "FAILED", _reason(line), line)


def _reason(line: TaskLine) -> str:
    return f"Task {line.id} failed with status: {line.status} and reason: '{line.reason or ''}'"
