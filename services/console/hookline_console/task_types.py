"""The task types that people draw with: their words, where they stand in the picker, their icon."""

from collections.abc import Mapping

import msgspec


class TaskTypeWords(msgspec.Struct, frozen=True):
    """A task type for people."""

    group: str
    type: str
    label: str
    icon: str
    says: str


_ALL = (
    TaskTypeWords(
        "Wait",
        "WAIT_FOR_WEBHOOK",
        "Wait for Webhook",
        "hook",
        "Goes on when an event meets its clauses",
    ),
    TaskTypeWords("Wait", "WAIT", "Wait", "clock", "Goes on after a time, or at a moment"),
    TaskTypeWords("Do", "SIMPLE", "Simple task", "t-simple", "Done by a worker of yours"),
    TaskTypeWords("Do", "HTTP", "HTTP", "t-http", "Calls an address"),
    TaskTypeWords("Do", "INLINE", "Inline", "t-script", "A few lines of JavaScript"),
    TaskTypeWords("Do", "SET_VARIABLE", "Set Variable", "edit", "Keeps values for later tasks"),
    TaskTypeWords(
        "Do", "SUB_WORKFLOW", "Sub Workflow", "t-sub", "Runs another workflow, waits for it"
    ),
    TaskTypeWords("Flow", "SWITCH", "Switch", "t-switch", "One of several branches, by a value"),
    TaskTypeWords("Flow", "FORK_JOIN", "Fork and Join", "t-fork", "Branches at the same time"),
    TaskTypeWords("Flow", "JOIN", "Join", "t-join", "Waits for branches"),
    TaskTypeWords("Flow", "DO_WHILE", "Do While", "t-loop", "Repeats while a condition holds"),
    TaskTypeWords("Flow", "TERMINATE", "Terminate", "stop", "Ends the workflow here"),
)
TASK_TYPES: Mapping[str, TaskTypeWords] = {one.type: one for one in _ALL}
"""In the order of the picker; those of specs/engine.md that this engine runs."""


def words_of(task_type: str) -> TaskTypeWords:
    """The words of a type; one that is not listed is a worker's queue (engine.md 4.25)."""
    known = TASK_TYPES.get(task_type)
    return known or TaskTypeWords("", task_type, task_type or "No type", "t-simple", "")
