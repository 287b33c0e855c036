"""Operations on executions by people and programs (engine.md 5): each is done when it returns."""

from collections.abc import Sequence
from typing import Any

import msgspec

from hookline_common.errors import ApiError, BadRequest, Conflict
from hookline_common.ids import random_id
from hookline_engine.core import commands
from hookline_engine.core.model import Head, TaskLine, live_line, workflow_id_of
from hookline_engine.definitions.snapshots import Snapshot
from hookline_engine.drafts import Applied
from hookline_engine.execution_reader import ExecutionReader
from hookline_engine.execution_store import ExecutionStore
from hookline_engine.executions import Executions
from hookline_engine.snapshot_source import SnapshotSource
from hookline_engine.start_keys import StartKeys

DEEPEST_CHILD = 50


class Operations:
    """Pause, resume, terminate, restart, retry, rerun, skip, remove and the like."""

    def __init__(
        self,
        store: ExecutionStore,
        reader: ExecutionReader,
        source: SnapshotSource,
        keys: StartKeys,
        executions: Executions,
    ) -> None:
        self._store = store
        self._reader = reader
        self._source = source
        self._keys = keys
        self._executions = executions

    async def pause(self, workflow_id: str) -> None:
        """Schedule nothing new until `resume`."""
        await self._executions.run(workflow_id, commands.Pause())

    async def resume(self, workflow_id: str) -> None:
        """Go on after a pause."""
        await self._executions.run(workflow_id, commands.Resume())

    async def decide(self, workflow_id: str) -> None:
        """Look at the execution now."""
        await self._executions.run(workflow_id, commands.Wake())

    async def reset_callbacks(self, workflow_id: str) -> None:
        """Worker tasks that were put off become visible now."""
        await self._executions.run(workflow_id, commands.ResetCallbacks())

    async def terminate(
        self, workflow_id: str, reason: str | None, *, failure_workflow: bool = False
    ) -> None:
        """End it as TERMINATED."""
        what_then = "start" if failure_workflow else "skip"
        await self._executions.run(workflow_id, commands.Terminate(reason, what_then))

    async def restart(self, workflow_id: str, *, latest: bool) -> None:
        """Begin again with the definition it had, or with the newest one."""
        head = await self._reader.head(workflow_id)
        snapshot: Snapshot | None = None
        if latest:
            snapshot = await self._source.registered(head.name)
        await self._executions.run(workflow_id, commands.Restart(), snapshot)

    async def retry(self, workflow_id: str, *, in_sub_workflows: bool = False) -> None:
        """Run again from what failed, here or in the sub-workflow that failed deepest."""
        target = await self._reader.head(workflow_id)
        if in_sub_workflows:
            if not target.terminal:
                raise Conflict(
                    f"Workflow {workflow_id} is still {target.status}.", code="not_terminal"
                )
            deepest = await self._deepest_failed(target)
            if deepest is None:
                return
            target = deepest
        await self._executions.run(target.workflow_id, commands.Retry())

    async def rerun(self, workflow_id: str, command: commands.Rerun) -> None:
        """Run again from a task, here or in a sub-workflow, or from the first node.

        A task of a sub-workflow also makes the SUB_WORKFLOW tasks above it wait again.
        """
        top = await self._reader.head(workflow_id)
        below: Sequence[Head] = ()
        if command.task_id and workflow_id_of(command.task_id) != workflow_id:
            below = await self._down_to(top, command.task_id)
        for head in (top, *below):
            if not head.terminal:
                message = f"Workflow {head.workflow_id} is still {head.status}."
                raise Conflict(message, code="not_terminal")
        if below:
            await self._rerun_below(below, msgspec.structs.replace(command, up_to=workflow_id))
        else:
            await self._executions.run(workflow_id, command)

    async def _rerun_below(self, below: Sequence[Head], command: commands.Rerun) -> None:
        """The log brings the news to the parents too; the caller shall see it at once."""
        applied = await self._executions.run(below[0].workflow_id, command)
        for head in below:
            revived = commands.ChildRevived(
                head.parent_task_id or "",
                head.parent_run,
                head.workflow_id,
                applied.head.revivals if applied.head else 0,
                command.up_to,
            )
            applied = await self._executions.run(head.parent_workflow_id or "", revived)

    async def _down_to(self, top: Head, task_id: str) -> Sequence[Head]:
        """The executions from that of the task up to the one below `top`; raises BadRequest."""
        found: list[Head] = []
        head = await self._store.head(workflow_id_of(task_id))
        while head is not None and head.parent_workflow_id and len(found) < DEEPEST_CHILD:
            found.append(head)
            if head.parent_workflow_id == top.workflow_id:
                return found
            head = await self._store.head(head.parent_workflow_id)
        message = f"Neither workflow {top.workflow_id} nor its sub-workflows have task {task_id}."
        raise BadRequest(message, code="unknown_task", field="/reRunFromTaskId")

    async def skip(self, workflow_id: str, command: commands.Skip) -> None:
        """Step over a node that the flow has not reached."""
        await self._reader.head(workflow_id)
        await self._executions.run(workflow_id, command)

    async def _deepest_failed(self, head: Head) -> Head | None:
        """The execution whose own task failed first: down through failed sub-workflows."""
        for _ in range(DEEPEST_CHILD):
            failed = _first_failed(head)
            if failed is None:
                return None
            child_id = failed.sub_workflow_id
            child = await self._store.head(child_id) if child_id else None
            if child is None or not child.terminal or _first_failed(child) is None:
                return head
            head = child
        return head

    async def remove(self, workflow_id: str) -> None:
        """End it, with its sub-workflows, and delete it (D40)."""
        head = await self._reader.head(workflow_id)
        if not head.terminal:
            applied = await self._executions.run(workflow_id, commands.Terminate("removed"))
            if applied.log_failure is not None:
                # Its effects are in its outbox, which would be lost with it.
                raise applied.log_failure
        await self._keys.mark_removed(head)
        await self._store.remove(workflow_id)

    async def update_variables(self, workflow_id: str, variables: dict[str, Any]) -> None:
        """Merge top-level keys into the variables."""
        await self._executions.run(workflow_id, commands.UpdateVariables(variables, random_id()))

    async def update_by_ref(
        self, workflow_id: str, ref: str, update: commands.UpdateTask
    ) -> Applied | None:
        """Update the live task of a reference (`update.task_id` is filled in); None: there is
        none.
        """
        head = await self._store.head(workflow_id)
        line = live_line(head, ref) if head is not None else None
        if line is None:
            return None
        return await self.update_line(workflow_id, line, update)

    async def update_line(
        self, workflow_id: str, line: TaskLine, update: commands.UpdateTask
    ) -> Applied:
        """Update a task; the output is merged into what it has."""
        command = commands.UpdateTask(
            line.id,
            update.status,
            update.output,
            "merge",
            update.reason,
            update.worker_id,
        )
        return await self._executions.run(workflow_id, command)

    async def signal(self, workflow_id: str, update: commands.UpdateTask) -> str | None:
        """Complete the first waiting task, here or in a running sub-workflow, depth first.

        Returns the task id; None when nothing waits. Raises NotFound for an unknown execution.
        """
        head = await self._reader.head(workflow_id)
        found = await self._waiting(head, 0)
        if found is None:
            return None
        holder, line = found
        try:
            await self.update_line(holder.workflow_id, line, update)
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return line.id

    async def _waiting(self, head: Head, depth: int) -> tuple[Head, TaskLine] | None:
        live = sorted((one for one in head.tasks.values() if one.live), key=lambda one: one.seq)
        for line in live:
            if line.type in SIGNALLED:
                return head, line
        if depth == DEEPEST_CHILD:
            return None
        for line in live:
            child = await self._store.head(line.sub_workflow_id) if line.sub_workflow_id else None
            if child is not None and not child.terminal:
                found = await self._waiting(child, depth + 1)
                if found is not None:
                    return found
        return None


SIGNALLED = frozenset(("WAIT", "YIELD", "HUMAN"))
"""The tasks that a signal completes (rest.md 2.4)."""


def _first_failed(head: Head) -> TaskLine | None:
    """The newest attempt that failed first; of a loop, the sub-workflow that failed in it."""
    failed = [line for line in head.tasks.values() if line.failed and not line.retried]
    failed.sort(key=lambda line: line.seq)
    inner = next((line for line in failed if line.path and line.sub_workflow_id), None)
    first = failed[0] if failed else None
    return inner if first is not None and first.type == "DO_WHILE" and inner else first
