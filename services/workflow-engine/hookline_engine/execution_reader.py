"""Reads executions and tasks for the API, whole or in part."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hookline_common.errors import NotFound
from hookline_engine.core.model import Head, TaskLine, find_line, workflow_id_of
from hookline_engine.definitions.snapshots import Snapshot
from hookline_engine.execution_json import body_tokens, task_json, workflow_json
from hookline_engine.execution_store import ExecutionStore

_BODIES_AT_ONCE = 500


class FoundTask(msgspec.Struct, frozen=True):
    """A task and the execution that it belongs to."""

    head: Head
    line: TaskLine


class ExecutionReader:
    """Reads from the store afresh: an answered call is seen by the next one (D2)."""

    def __init__(self, store: ExecutionStore) -> None:
        self._store = store

    async def head(self, workflow_id: str) -> Head:
        """The execution; raises NotFound with its id."""
        head = await self._store.head(workflow_id)
        if head is None:
            raise no_such_workflow(workflow_id)
        return head

    async def find(self, task_id: str) -> FoundTask | None:
        """A task by id, in whatever run, or None."""
        head = await self._store.head(workflow_id_of(task_id))
        if head is None:
            return None
        line = find_line(head, task_id)
        if line is None and head.pages:
            lines = await self.lines(head)
            line = next((one for one in lines if one.id == task_id), None)
        return None if line is None else FoundTask(head, line)

    async def task(self, task_id: str) -> FoundTask:
        """A task by id; raises NotFound with the id."""
        found = await self.find(task_id)
        if found is None:
            raise NotFound(f"No such task found by id: {task_id}", code="task_not_found")
        return found

    async def lines(self, head: Head) -> Sequence[TaskLine]:
        """All attempts of all tasks, in the order of their scheduling."""
        pages = await self._store.pages(head.pages)
        lines = [line for token in head.pages for line in pages[token]]
        lines += head.past
        lines += head.tasks.values()
        return sorted(lines, key=lambda line: line.seq)

    async def snapshot(self, head: Head) -> Snapshot | None:
        """The definition of the execution; None for the mark of one that never began."""
        return (await self._store.snapshots([head.snapshot])).get(head.snapshot)

    async def bodies(self, tokens: Sequence[str]) -> Mapping[str, Any]:
        """Bodies by token; those that are being removed are left out."""
        found: dict[str, Any] = {}
        for start in range(0, len(tokens), _BODIES_AT_ONCE):
            found |= await self._store.present_bodies(tokens[start : start + _BODIES_AT_ONCE])
        return found

    async def shown(self, head: Head, lines: Sequence[TaskLine] | None = None) -> dict[str, Any]:
        """The Workflow of the API with these lines, by default all."""
        chosen = await self.lines(head) if lines is None else lines
        snapshot = await self.snapshot(head)
        bodies = await self.bodies(body_tokens(head, chosen))
        return workflow_json(head, snapshot, chosen, bodies)

    async def plain(self, head: Head) -> dict[str, Any]:
        """As `shown`, as plain values without raw JSON inside."""
        return msgspec.json.decode(msgspec.json.encode(await self.shown(head)))

    async def shown_tasks(self, found: Sequence[FoundTask]) -> list[dict[str, Any]]:
        """Tasks of whatever executions, as the API shows them."""
        tokens = [token for one in found for token in (one.line.input, one.line.output) if token]
        bodies = await self.bodies(tokens)
        snapshots = await self._store.snapshots({one.head.snapshot for one in found})
        return [
            task_json(one.head, snapshots.get(one.head.snapshot), one.line, bodies) for one in found
        ]


def no_such_workflow(workflow_id: str) -> NotFound:
    """404 with the id that was asked for."""
    return NotFound(f"No such workflow found by id: {workflow_id}", code="workflow_not_found")
