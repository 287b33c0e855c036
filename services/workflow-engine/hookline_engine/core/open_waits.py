"""The waits that an execution has open, made again from the execution itself (protocols.md F7)."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hookline_common.matching.waits import WaitUnresolvable
from hookline_common.messages import WaitOpened
from hookline_engine.core.model import Head, TaskLine
from hookline_engine.core.tasks.wait import waits_for_event
from hookline_engine.core.tasks.wait_for_webhook import reopened
from hookline_engine.definitions.snapshots import Snapshot


def input_tokens(head: Head, snapshot: Snapshot) -> Sequence[str]:
    """The bodies that `open_waits` needs."""
    return [line.input for line in _waiting(head, snapshot) if line.input]


def _waiting(head: Head, snapshot: Snapshot) -> Sequence[TaskLine]:
    """The tasks that wait for an event now."""
    if head.terminal:
        return ()
    return [
        line
        for line in sorted(head.tasks.values(), key=lambda line: line.seq)
        if line.status == "IN_PROGRESS" and waits_for_event(snapshot.nodes[line.ref])
    ]


def open_waits(head: Head, snapshot: Snapshot, bodies: Mapping[str, Any]) -> tuple[WaitOpened, ...]:
    """A WaitOpened for each task that waits for an event now."""
    messages: list[WaitOpened] = []
    for line in _waiting(head, snapshot):
        given: Any = bodies[line.input] if line.input else {}
        value: Any = msgspec.json.decode(given) if isinstance(given, msgspec.Raw) else given
        try:
            messages.append(reopened(head, snapshot.nodes[line.ref], line, value))
        except WaitUnresolvable:
            continue  # a WAIT with matches whose input was changed by hand: nothing can meet it
    return tuple(messages)
