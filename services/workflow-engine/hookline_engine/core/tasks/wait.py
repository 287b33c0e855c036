"""WAIT: until a time, for a while, or for a signal; with `matches`, for an event (4.16)."""

from typing import Any, ClassVar

import msgspec

from hookline_common.durations import DurationSyntaxError, parse_duration
from hookline_engine.core.inputs import own_input
from hookline_engine.core.model import TaskLine
from hookline_engine.core.tasks.kinds import TaskType, complete, fail_terminally, start
from hookline_engine.core.tasks.wait_for_webhook import WaitForWebhook
from hookline_engine.core.work import Work
from hookline_engine.definitions.instants import InstantSyntaxError, parse_instant
from hookline_engine.definitions.snapshots import Node


class Wait(TaskType):
    """Evaluated by decide itself: its end is a time at which the execution wakes."""

    ends_in_pause: ClassVar[bool] = True

    def __init__(self) -> None:
        self._for_event = WaitForWebhook()

    def input(self, work: Work, node: Node, task_id: str) -> dict[str, Any]:
        """The evaluated input."""
        return own_input(work, node, task_id)

    def launch(self, work: Work, line: TaskLine) -> None:
        """Fix the end now."""
        if waits_for_event(work.node(line.ref)):
            self._for_event.launch(work, line)
            return
        try:
            end = _end(work.value(line.input), work.now)
        except (DurationSyntaxError, InstantSyntaxError) as error:
            fail_terminally(work, line, str(error))
            return
        waiting = start(work, msgspec.structs.replace(line, wake_at=end or 0))
        if end is not None and end <= work.now:
            complete(work, waiting, {})

    def look(self, work: Work, line: TaskLine) -> None:
        """Its time may have come."""
        if waits_for_event(work.node(line.ref)):
            self._for_event.look(work, line)
        elif line.wake_at and line.wake_at <= work.now:
            complete(work, line)

    def release(self, work: Work, line: TaskLine, reason: str) -> None:
        """A wait for an event is closed."""
        if waits_for_event(work.node(line.ref)):
            self._for_event.release(work, line, reason)


def waits_for_event(node: Node) -> bool:
    """Whether an event ends the task: WAIT_FOR_WEBHOOK, and WAIT with `matches`."""
    if node.task.type == "WAIT":
        return "matches" in node.task.input_parameters
    return node.task.type == "WAIT_FOR_WEBHOOK"


def _end(given: dict[str, Any], now: int) -> int | None:
    """When the wait ends; None = it waits for a signal."""
    duration, until = given.get("duration"), given.get("until")
    if duration and until:
        raise DurationSyntaxError("a WAIT has either a duration or an until, not both")
    if duration:
        return now + parse_duration(str(duration))
    if until:
        return parse_instant(str(until))
    return None
