"""Two versions of a definition: which tasks differ, and the lines beside each other."""

from typing import Any

from hookline_console.definition_diff import diff_lines, task_changes
from tests.console.definitions import simple


def version(*refs: str, **more: Any) -> dict[str, Any]:
    tasks = [{"name": ref, "taskReferenceName": ref, "type": "SIMPLE", **more} for ref in refs]
    return {"name": "x", "version": 1, "tasks": tasks}


def test_the_same_does_not_differ() -> None:
    assert not any(task_changes(simple("a"), simple("a")).values())


def test_what_came_what_went_and_what_changed() -> None:
    before, after = version("a", "b"), version("b", "c")
    after["tasks"][0]["optional"] = True
    changes = task_changes(before, after)
    assert {kind: list(refs) for kind, refs in changes.items()} == {
        "added": ["c"],
        "removed": ["a"],
        "changed": ["b"],
    }


def test_lines_stand_beside_each_other() -> None:
    lines = diff_lines({"a": 1, "b": 2, "version": 1}, {"a": 1, "b": 3, "c": 4, "version": 2})
    assert [(line.kind, line.old, line.new) for line in lines] == [
        ("same", "{", "{"),
        ("same", '  "a": 1,', '  "a": 1,'),
        ("changed", '  "b": 2', '  "b": 3,'),
        ("added", None, '  "c": 4'),
        ("same", "}", "}"),
    ]
