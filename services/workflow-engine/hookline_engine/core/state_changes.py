"""`onStateChange` of a node: what its author wants told when the task changes (D12).

Told on `workflow.events`, never felt by the flow: what cannot be evaluated is told without it.
"""

from typing import Any

import msgspec

from hookline_common.messages import StateChange
from hookline_engine.core.decisions import Unmappable
from hookline_engine.core.inputs import evaluate
from hookline_engine.core.model import TaskLine
from hookline_engine.core.work import Work

KIND = "TaskStateChanged"
LARGEST_PAYLOAD_BYTES = 64 * 1024


def tell(work: Work) -> None:
    """Tell the changes noted since the last call, with payloads as of now."""
    for on, line in work.take_changes():
        for names, wanted in work.node(line.ref).task.on_state_change.items():
            if on in (name.strip() for name in names.split(",")):
                for one in wanted:
                    payload, fault = _payload(work, line, one.payload)
                    change = StateChange(on=on, type=one.type, payload=payload)
                    work.feed(KIND, line, state_change=change, reason=fault)


def _payload(
    work: Work, line: TaskLine, template: dict[str, Any]
) -> tuple[dict[str, Any], str | None]:
    """The evaluated payload; the empty one, and why, where there is none."""
    try:
        payload = evaluate(work, template, line.id)
    except Unmappable as error:
        return {}, str(error)
    if len(msgspec.json.encode(payload)) > LARGEST_PAYLOAD_BYTES:
        return {}, f"the payload is larger than {LARGEST_PAYLOAD_BYTES} bytes"
    return payload, None
