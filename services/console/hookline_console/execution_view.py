"""An execution for its page: states of its graph, what it waits for, its tasks in time."""

import itertools
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
    case = cast(Mapping[str, Any], last.get("outputData") or {}).get("selectedCase")
    words = ", ".join(filter(None, notes))
    return NodeState(_KINDS.get(last["status"], ""), words, None if case is None else str(case))


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
    return [name for name in names if name not in reached]


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


class Timeline(msgspec.Struct, frozen=True):
    """Tasks in time. `folds` are where long stretches are drawn short: percent, and how long."""

    bars: Sequence[Bar]
    folds: Sequence[tuple[float, str]]


def timeline_of(tasks: Sequence[Mapping[str, Any]], now: int) -> Timeline:
    """One bar a task, placed between the first schedule and the last end.

    A stretch in which nothing begins or ends is drawn at most twice as long as all shorter ones
    together, so that milliseconds stay visible beside days.
    """
    moments = sorted({moment for task in tasks for moment in _moments(task, now)})
    lengths = [there - here for here, there in itertools.pairwise(moments)]
    shown = _folded(lengths)
    whole = sum(shown) or 1
    places = [100 * drawn / whole for drawn in itertools.accumulate(shown, initial=0)]
    at = {moment: round(place, 2) for moment, place in zip(moments, places, strict=False)}
    folds = [
        (round((here + there) / 2, 2), exact_text(length))
        for length, drawn, (here, there) in zip(
            lengths, shown, itertools.pairwise(places), strict=False
        )
        if drawn < length
    ]
    return Timeline([_bar(task, at, now) for task in tasks], folds)


def _folded(lengths: Sequence[int]) -> list[int]:
    shown = list(lengths)
    shorter = 0
    for position in sorted(range(len(lengths)), key=lengths.__getitem__):
        shown[position] = min(lengths[position], 2 * shorter or lengths[position])
        shorter += shown[position]
    return shown


def _moments(task: Mapping[str, Any], now: int) -> tuple[int, int, int]:
    """When it was scheduled, began and ended; what has not come yet is now."""
    scheduled = int(task.get("scheduledTime") or now)
    started = max(int(task.get("startTime") or scheduled), scheduled)
    return scheduled, started, max(int(task.get("endTime") or now), started)


def _bar(task: Mapping[str, Any], at: Mapping[int, float], now: int) -> Bar:
    scheduled, started, ended = _moments(task, now)
    took = exact_text(ended - started)
    says = f"{task['referenceTaskName']}: {shown_status(task)}, {took}"
    kind = _KINDS.get(task["status"], "")
    return Bar(task["referenceTaskName"], kind, at[scheduled], at[started], at[ended], took, says)
