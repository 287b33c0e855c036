"""The waits that an execution has open, made again from the execution itself (protocols.md F7)."""

from collections.abc import Mapping
from typing import Any

from hookline_common.matching.waits import WaitUnresolvable
from hookline_common.messages import WaitOpened
from hookline_engine.core.decisions import Context
from hookline_engine.core.model import Head
from hookline_engine.core.tasks.wait import waits_for_event
from hookline_engine.core.tasks.wait_for_webhook import reopened
from hookline_engine.core.work import Work
from hookline_engine.definitions.snapshots import Snapshot


def open_waits(
    head: Head, snapshot: Snapshot, bodies: Mapping[str, Any], context: Context
) -> tuple[WaitOpened, ...]:
    """A WaitOpened for each task that waits for an event now. Raises MissingBodies."""
    work = Work(head, snapshot, bodies, context)
    lines = [
        line
        for line in work.live()
        if line.status == "IN_PROGRESS" and waits_for_event(work.node(line.ref))
    ]
    work.require(line.input for line in lines)
    messages: list[WaitOpened] = []
    for line in lines:
        try:
            messages.append(reopened(work, line))
        except WaitUnresolvable:
            continue  # a WAIT with matches whose input was changed by hand: nothing can meet it
    return tuple(messages)
