"""How verdicts, statuses and platforms look: word, colour class, shape of the icon."""

from collections.abc import Mapping

import msgspec


class Mark(msgspec.Struct, frozen=True):
    """A word with the class of its colour and the name of its icon."""

    word: str
    kind: str
    icon: str


VERDICTS: Mapping[str, Mark] = {
    "resumed_and_started": Mark("Resumed + started", "good", "both"),
    "resumed": Mark("Resumed", "good", "resumed"),
    "started": Mark("Started", "info", "started"),
    "unmatched": Mark("Unmatched", "warn", "unmatched"),
    "duplicate": Mark("Duplicate", "", "duplicate"),
    "rejected": Mark("Rejected", "bad", "rejected"),
    "failed": Mark("Failed", "bad", "failed"),
    "handshake": Mark("Handshake", "note", "handshake"),
    "paused": Mark("Paused", "line", "paused"),
    "dead": Mark("Dead", "dead", "dead"),
    "pending": Mark("On its way", "line", "clock"),
}
"""specs/webhooks.md 7, and `pending` until there is one."""

STATUSES: Mapping[str, Mark] = {
    "RUNNING": Mark("Running", "info", "running"),
    "COMPLETED": Mark("Completed", "good", "done"),
    "FAILED": Mark("Failed", "bad", "failed"),
    "TIMED_OUT": Mark("Timed out", "warn", "timedout"),
    "TERMINATED": Mark("Terminated", "", "stopped"),
    "PAUSED": Mark("Paused", "line", "paused"),
}
"""Of executions (specs/rest.md 3.1)."""

TASK_STATUSES: Mapping[str, Mark] = {
    "SCHEDULED": Mark("Scheduled", "line", "clock"),
    "IN_PROGRESS": Mark("In progress", "info", "running"),
    "WAITING": Mark("Waiting", "tint", "waiting"),
    "COMPLETED": STATUSES["COMPLETED"],
    "COMPLETED_WITH_ERRORS": Mark("Completed with errors", "warn", "done"),
    "FAILED": STATUSES["FAILED"],
    "FAILED_WITH_TERMINAL_ERROR": Mark("Failed for good", "bad", "failed"),
    "TIMED_OUT": STATUSES["TIMED_OUT"],
    "CANCELED": Mark("Cancelled", "", "stopped"),
    "SKIPPED": Mark("Skipped", "line", "skipped"),
}
"""Of tasks; WAITING stands for a task in progress that only an event can end."""

_PLATFORM_ICONS = {
    "github": "p-github",
    "slack": "p-slack",
    "stripe": "p-stripe",
    "microsoft teams": "p-teams",
    "sendgrid": "p-sendgrid",
}


def verdict_mark(verdict: str) -> Mark:
    """The mark of a verdict."""
    return VERDICTS.get(verdict, Mark(verdict, "line", "info"))


def status_mark(status: str) -> Mark:
    """The mark of the status of an execution or a task."""
    return STATUSES.get(status) or TASK_STATUSES.get(status) or Mark(status, "line", "info")


def platform_icon(label: str) -> str:
    """The icon of a platform by its label."""
    return _PLATFORM_ICONS.get(label.lower(), "p-custom")
