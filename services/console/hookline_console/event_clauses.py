"""What `explain` says of an event as rows: expected beside actual, what differs marked."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

Part = tuple[str, bool]
"""A piece of a value and whether it differs."""

MOST_WAITS = 20
_LONGEST = 300


class Row(msgspec.Struct, frozen=True):
    """A clause. `kind` is empty where it holds, `near` where only case or type differ, `no`."""

    path: str
    operator: str
    expected: Sequence[Part]
    actual: Sequence[Part]
    kind: str
    result: str
    note: str = ""


class Wait(msgspec.Struct, frozen=True):
    """A waiting task beside the event; `near` says that nothing but near misses keeps it away."""

    workflow: str
    version: int
    workflow_id: str
    task_ref: str
    state: str
    opened_at: int
    held: int
    rows: Sequence[Row]
    obstacles: Sequence[str]
    meets: bool
    near: bool


class Receiver(msgspec.Struct, frozen=True):
    """A workflow that the webhook names but where nothing can be compared, and why."""

    workflow: str
    text: str
    defined: bool


class Rule(msgspec.Struct, frozen=True):
    """A start rule."""

    workflow: str
    version: int
    holds: bool
    why: str
    rows: Sequence[Row]


class Why(msgspec.Struct, frozen=True):
    """The whole comparison; `left_out` counts waits beyond the nearest."""

    callout: str
    waits: Sequence[Wait]
    left_out: int
    open_waits: int
    idle: Sequence[Receiver]
    rules: Sequence[Rule]
    failed_checks: Sequence[Mapping[str, Any]]
    webhook: str


def why(explained: Mapping[str, Any]) -> Why:
    """The nearest waits first, open ones before those that ended, then what cannot be compared."""
    waits = sorted((_wait(one) for one in _all_waits(explained)), key=_nearness)
    return Why(
        callout=_callout(explained, waits),
        waits=waits[:MOST_WAITS],
        left_out=max(0, len(waits) - MOST_WAITS),
        open_waits=sum(one["openWaits"] for one in explained["receivers"]),
        idle=[_idle(one) for one in explained["receivers"] if not one["waits"]],
        rules=[_rule(one) for one in explained["startRules"]],
        failed_checks=[one for one in explained["checks"] if not one["ok"]],
        webhook=_webhook(str(explained.get("webhook", "present"))),
    )


def row(clause: Mapping[str, Any]) -> Row:
    """One clause: the part that differs is marked on both sides."""
    expected = value_text(clause["expected"])
    actual = value_text(clause["actual"]) if clause["found"] else "nothing there"
    note = str(clause.get("note") or "")
    if clause["holds"]:
        return Row(
            clause["path"], clause["operator"], [(expected, False)], [(actual, False)], "", "Holds"
        )
    near = note.startswith("differs only")
    left, right = _whole(expected), [(actual, False)]
    if clause["found"]:
        left, right = differing(expected, actual)
    return Row(
        path=clause["path"],
        operator=clause["operator"],
        expected=left,
        actual=right,
        kind="near" if near else "no",
        result=_result(note, found=clause["found"]),
        note=note,
    )


def differing(left: str, right: str) -> tuple[Sequence[Part], Sequence[Part]]:
    """Both texts in parts: letter by letter where only case differs, else as a whole."""
    if left.lower() != right.lower() or len(left) != len(right):
        return _whole(left), _whole(right)
    return _parts(left, right), _parts(right, left)


def value_text(value: Any) -> str:
    """A text as it is, anything else as JSON; cut where it is very long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _whole(text: str) -> Sequence[Part]:
    return [(text, True)]


def _parts(text: str, other: str) -> Sequence[Part]:
    parts: list[tuple[str, bool]] = []
    for mine, theirs in zip(text, other, strict=True):
        differs = mine != theirs
        if parts and parts[-1][1] == differs:
            parts[-1] = (parts[-1][0] + mine, differs)
        else:
            parts.append((mine, differs))
    return parts


def _result(note: str, *, found: bool) -> str:
    if not found:
        return "Not there"
    if not note.startswith("differs only"):
        return "Differs"
    return "Case differs" if "case" in note else "Type differs"


def _all_waits(explained: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [wait for receiver in explained["receivers"] for wait in receiver["waits"]]


def _wait(found: Mapping[str, Any]) -> Wait:
    rows = [row(clause) for clause in found["clauses"]]
    failing = [one.kind for one in rows if one.kind]
    return Wait(
        workflow=found["workflow"],
        version=found["version"],
        workflow_id=found["workflowId"],
        task_ref=found["taskRef"],
        state=found["state"],
        opened_at=found["openedAt"],
        held=len(rows) - len(failing),
        rows=rows,
        obstacles=[str(one["text"]) for one in found["obstacles"]],
        meets=found["meets"],
        near=bool(failing) and all(kind == "near" for kind in failing),
    )


def _nearness(wait: Wait) -> tuple[bool, int, int]:
    return wait.state != "open", len(wait.rows) - wait.held, -wait.opened_at


def _idle(receiver: Mapping[str, Any]) -> Receiver:
    name = str(receiver["workflow"])
    if not receiver["defined"]:
        text = "There is no such workflow: save its definition, then replay the event."
        return Receiver(name, text, defined=False)
    text = "No task of it waits: run the workflow, or see whether its wait has ended."
    return Receiver(name, text, defined=True)


def _rule(rule: Mapping[str, Any]) -> Rule:
    rows = [row(clause) for clause in rule["clauses"]]
    return Rule(rule["workflow"], rule["version"], rule["holds"], rule["why"], rows)


def _webhook(state: str) -> str:
    return {
        "changed": "The webhook was changed since: this compares with what it is today.",
        "deleted": "The webhook was deleted since: nothing can be compared, nor replayed.",
        "replaced": "The webhook was deleted since, and another has its id today.",
    }.get(state, "")


def _callout(explained: Mapping[str, Any], waits: Sequence[Wait]) -> str:
    """The one reason that stands first."""
    if explained["verdict"] != "unmatched" or not waits or waits[0].state != "open":
        return " ".join(explained["summary"])
    nearest = waits[0]
    failing = [one for one in nearest.rows if one.kind]
    if not failing:
        return f"The closest wait meets every clause, but {'; '.join(nearest.obstacles)}."
    first = failing[0]
    expected, actual = (
        "".join(text for text, _ in side) for side in (first.expected, first.actual)
    )
    count = "one clause" if len(failing) == 1 else f"{len(failing)} clauses"
    told = f"{first.path} is {actual}, and {expected} was expected"
    return f"The closest wait failed on {count}: {told}."
