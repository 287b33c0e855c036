"""An execution for its page: states of its graph, what it waits for, its tasks in time."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from hookline_console.graph import Kind, NodeState
from hookline_console.graph.tree import every_block, flow_of, reference
from hookline_console.moments import exact_text

_KINDS: Mapping[str, Kind] = {
    "COMPLETED": "done",
    "COMPLETED_WITH_ERRORS": "done",
    "SKIPPED": "done",
    "SCHEDULED": "now",
    "IN_PROGRESS": "now",
    "FAILED": "fail",
    "FAILED_WITH_TERMINAL_ERROR": "fail",
    "TIMED_OUT": "fail",
    "CANCELED": "fail",
}
_WAITS = ("WAIT_FOR_WEBHOOK", "WAIT")


class Bar(msgspec.Struct, frozen=True):
    """A task in time: percent of the whole from its schedule on, its queue, its run."""

    ref: str
    kind: str
    queued_from: float
    started_at: float
    ended_at: float
    took: str
    says: str


def base_name(ref: str) -> str:
    """The reference name without the round of a loop (`name__3`)."""
    name, mark, round_number = ref.rpartition("__")
    return name if mark and round_number.isdecimal() else ref


def states_of(tasks: Sequence[Mapping[str, Any]]) -> Mapping[str, NodeState]:
    """The state of each node: that of its last attempt, with rounds and attempts counted."""
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for task in tasks:
        by_name.setdefault(base_name(task["referenceTaskName"]), []).append(task)
    return {name: _state(found) for name, found in by_name.items()}


def _state(tasks: Sequence[Mapping[str, Any]]) -> NodeState:
    last = tasks[-1]
    rounds = len({task["referenceTaskName"] for task in tasks})
    attempts = len(tasks) - rounds + 1
    notes = [
        f"{rounds} rounds" if rounds > 1 else "",
        f"{attempts} attempts" if attempts > 1 else "",
    ]
    return NodeState(_KINDS.get(last["status"], ""), ", ".join(filter(None, notes)))


def shown_status(task: Mapping[str, Any]) -> str:
    """The status of a task; a wait that goes on is WAITING."""
    waits = task["status"] == "IN_PROGRESS" and task.get("taskType") in _WAITS
    return "WAITING" if waits else task["status"]


def waiting_tasks(tasks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The tasks that wait for an event now."""
    return [
        task
        for task in tasks
        if task.get("taskType") == "WAIT_FOR_WEBHOOK" and task["status"] == "IN_PROGRESS"
    ]


def not_reached(execution: Mapping[str, Any]) -> list[str]:
    """The reference names of its definition that have no task yet, in the order of the flow."""
    definition = cast(Mapping[str, Any], execution.get("workflowDefinition") or {})
    reached = {base_name(task["referenceTaskName"]) for task in execution.get("tasks") or ()}
    names = (reference(block.task) for block in every_block(flow_of(definition.get("tasks"), "")))
    return [name for name in names if name and name not in reached]


def clauses_of(task: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The clauses of a wait, with their values resolved."""
    given = cast(Mapping[str, Any], task.get("inputData") or {})
    matches = cast(Mapping[str, Any], given.get("matches") or {})
    return [_clause(path, expected) for path, expected in matches.items()]


def _clause(path: str, expected: Any) -> dict[str, Any]:
    if isinstance(expected, dict) and "operator" in expected:
        given = cast(Mapping[str, Any], expected)
        shown = given.get("values", given.get("value", ""))
        return {"path": path, "operator": given["operator"], "expected": shown}
    return {"path": path, "operator": "equals", "expected": expected}


def sample_values(task: Mapping[str, Any]) -> dict[str, Any]:
    """The values that a sample must have to meet a wait's equality clauses, by members joined with
    dots, as `POST …/test` takes them.
    """
    equal = [one for one in clauses_of(task) if one["operator"] == "equals"]
    return {".".join(_members(one["path"])): one["expected"] for one in equal}


def _members(path: str) -> list[str]:
    found = re.findall(r"\[['\"]?([^'\"\]]+)['\"]?\]|([^.\[\]]+)", path.removeprefix("$"))
    return [bracketed or plain for bracketed, plain in found]


def bars_of(tasks: Sequence[Mapping[str, Any]], now: int) -> list[Bar]:
    """One bar a task, placed between the first schedule and the last end."""
    if not tasks:
        return []
    begin = min(task.get("scheduledTime") or now for task in tasks)
    end = max((task.get("endTime") or now) for task in tasks)
    span = max(end - begin, 1)

    def place(moment: int) -> float:
        return round(100 * min(max(moment - begin, 0), span) / span, 2)

    return [_bar(task, place, now) for task in tasks]


def _bar(task: Mapping[str, Any], place: Any, now: int) -> Bar:
    scheduled = task.get("scheduledTime") or now
    started = task.get("startTime") or scheduled
    ended = task.get("endTime") or now
    took = exact_text(max(ended - started, 0))
    says = f"{task['referenceTaskName']}: {shown_status(task)}, {took}"
    kind = _KINDS.get(task["status"], "")
    return Bar(
        task["referenceTaskName"], kind, place(scheduled), place(started), place(ended), took, says
    )
