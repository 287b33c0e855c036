"""Actions on several executions: what each is called, and to which statuses it applies."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec


class BulkAction(msgspec.Struct, frozen=True):
    """An action: its call under `/workflow/bulk`, its words, and where it makes sense."""

    method: str
    label: str
    done: str
    icon: str
    statuses: frozenset[str]
    warning: str = ""
    """What a person must know before; empty for what needs no question."""
    has_reason: bool = False


_ENDED = frozenset({"COMPLETED", "FAILED", "TIMED_OUT", "TERMINATED"})

ACTIONS: Mapping[str, BulkAction] = {
    "pause": BulkAction("PUT", "Pause", "Paused", "paused", frozenset({"RUNNING"})),
    "resume": BulkAction("PUT", "Resume", "Resumed", "play", frozenset({"PAUSED"})),
    "retry": BulkAction(
        "POST", "Retry", "Retried", "replay", frozenset({"FAILED", "TIMED_OUT", "TERMINATED"})
    ),
    "restart": BulkAction(
        "POST",
        "Restart",
        "Restarted",
        "t-loop",
        _ENDED,
        "Each runs again from its beginning with the same input; what it has done outside is done"
        " again, and its tasks so far are gone.",
    ),
    "terminate": BulkAction(
        "POST",
        "Terminate",
        "Terminated",
        "stop",
        frozenset({"RUNNING", "PAUSED"}),
        "They end now. What they wait for closes: an event that comes later resumes nothing in"
        " them. This cannot be undone; each can be restarted.",
        has_reason=True,
    ),
}


def outcome_text(action: BulkAction, answer: Mapping[str, Any]) -> tuple[str, str]:
    """What a BulkResponse says (rest.md 3.6), and the kind of its notice."""
    done: Sequence[str] = answer["bulkSuccessfulResults"]
    errors: Mapping[str, str] = answer["bulkErrorResults"]
    text = f"{action.done} {len(done)} of {len(done) + len(errors)}."
    if not errors:
        return text, "good"
    reasons = "; ".join(f"{name}: {why}" for name, why in list(errors.items())[:3])
    more = f" and {len(errors) - 3} more" if len(errors) > 3 else ""
    return f"{text} Not: {reasons}{more}.", "warn"
