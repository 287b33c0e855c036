"""Two versions of a definition beside each other, line by line, and what that means by task."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from hookline_console.graph.tree import Flow, every_block, flow_of, reference
from hookline_console.json_lines import json_text

_SERVER_KEPT = ("createTime", "updateTime", "createdBy", "updatedBy", "version")


class DiffLine(msgspec.Struct, frozen=True):
    """A line of each side, or None; `kind` is same, changed, added or removed."""

    kind: str
    old: str | None
    new: str | None


def diff_lines(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[DiffLine]:
    """The JSON of both, side by side; what only the server keeps is left out."""
    left, right = (_lines(one) for one in (old, new))
    found: list[DiffLine] = []
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        if kind == "equal":
            found += [DiffLine("same", line, line) for line in left[start:end]]
            continue
        before, after = left[start:end], right[other_start:other_end]
        for number in range(max(len(before), len(after))):
            one = before[number] if number < len(before) else None
            other = after[number] if number < len(after) else None
            word = "added" if one is None else "removed" if other is None else "changed"
            found.append(DiffLine(word, one, other))
    return found


def task_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, list[str]]:
    """Reference names of tasks that were added, removed and changed."""
    before, after = (dict(_tasks(flow_of(one.get("tasks"), "/tasks"))) for one in (old, new))
    return {
        "added": [ref for ref in after if ref not in before],
        "removed": [ref for ref in before if ref not in after],
        "changed": [ref for ref in after if ref in before and before[ref] != after[ref]],
    }


def _tasks(flow: Flow) -> Iterator[tuple[str, Mapping[str, Any]]]:
    inner = ("decisionCases", "defaultCase", "forkTasks", "loopOver")
    for block in every_block(flow):
        yield reference(block.task), {k: v for k, v in block.task.items() if k not in inner}


def _lines(definition: Mapping[str, Any]) -> list[str]:
    shown = {name: value for name, value in definition.items() if name not in _SERVER_KEPT}
    return json_text(shown).split("\n")
