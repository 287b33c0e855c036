"""Waits until an execution ends or blocks, and describes it (rest.md 3.2 and 3.3)."""

import asyncio
from typing import Any, Literal, TypeAlias

import msgspec

from hookline_engine.core.model import Head, TaskLine
from hookline_engine.execution_json import task_json
from hookline_engine.execution_reader import ExecutionReader
from hookline_engine.execution_store import ExecutionStore
from hookline_engine.execution_watch import ExecutionWatch

ReturnStrategy: TypeAlias = Literal[
    "TARGET_WORKFLOW", "BLOCKING_WORKFLOW", "BLOCKING_TASK", "BLOCKING_TASK_INPUT"
]
DEFAULT_WAIT_SECONDS = 10
_BLOCKING = frozenset(("WAIT", "WAIT_FOR_WEBHOOK", "YIELD", "HUMAN"))
_DEEPEST = 50


class Wanted(msgspec.Struct, frozen=True):
    """What a caller waits for, and how it wants to be told."""

    request_id: str
    refs: frozenset[str] = frozenset()
    seconds: float = DEFAULT_WAIT_SECONDS
    strategy: ReturnStrategy = "TARGET_WORKFLOW"


class Blocked(msgspec.Struct, frozen=True):
    """The first blocking task and the execution that holds it."""

    head: Head
    line: TaskLine


class SynchronousAnswers:
    """Answers of `execute`, `state` and `signal/sync`."""

    def __init__(
        self, store: ExecutionStore, reader: ExecutionReader, watch: ExecutionWatch
    ) -> None:
        self._store = store
        self._reader = reader
        self._watch = watch

    async def answer(self, workflow_id: str, wanted: Wanted) -> dict[str, Any]:
        """Wait until the execution has ended, a task blocks, or the time is up; then describe."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + max(0.0, wanted.seconds)
        while True:
            head = await self._reader.head(workflow_id)
            blocked = await self._blocked(head, wanted.refs, 0)
            remaining = deadline - loop.time()
            if head.terminal or blocked is not None or remaining <= 0:
                timed_out = not head.terminal and blocked is None
                return await self._describe(head, blocked, wanted, timed_out=timed_out)
            await self._watch.change(remaining)

    async def _blocked(self, head: Head, refs: frozenset[str], depth: int) -> Blocked | None:
        lines = sorted(head.tasks.values(), key=lambda line: line.seq)
        for line in lines:
            if _blocks(line, refs):
                return Blocked(head, line)
        if depth == _DEEPEST:
            return None
        for line in lines:
            child_id = line.sub_workflow_id if line.live else None
            child = await self._store.head(child_id) if child_id else None
            if child is not None and not child.terminal:
                found = await self._blocked(child, refs, depth + 1)
                if found is not None:
                    return found
        return None

    async def _describe(
        self, target: Head, blocked: Blocked | None, wanted: Wanted, *, timed_out: bool
    ) -> dict[str, Any]:
        common: dict[str, Any] = {
            "responseType": wanted.strategy,
            "targetWorkflowId": target.workflow_id,
            "targetWorkflowStatus": target.status,
            "requestId": wanted.request_id,
            "signalTimeout": timed_out,
        }
        if wanted.strategy in ("BLOCKING_TASK", "BLOCKING_TASK_INPUT"):
            if blocked is None:
                return common | await self._summary(target)
            return common | await self._task_run(blocked)
        described = target
        if wanted.strategy == "BLOCKING_WORKFLOW" and blocked is not None:
            described = blocked.head
        return common | await self._workflow_run(described)

    async def _workflow_run(self, head: Head) -> dict[str, Any]:
        shown = await self._reader.shown(head)
        return _picked(
            shown,
            "workflowId",
            "correlationId",
            "input",
            "output",
            "status",
            "priority",
            "variables",
            "createdBy",
            "createTime",
            "updateTime",
            "tasks",
            "reasonForIncompletion",
        )

    async def _summary(self, head: Head) -> dict[str, Any]:
        """Of an execution that has no blocking task to describe (OSS answers 500 here)."""
        shown = await self._reader.shown(head, lines=())
        return _picked(shown, "workflowId", "correlationId", "input", "output", "status")

    async def _task_run(self, blocked: Blocked) -> dict[str, Any]:
        head, line = blocked.head, blocked.line
        bodies = await self._reader.bodies([one for one in (line.input, line.output) if one])
        shown = task_json(head, await self._reader.snapshot(head), line, bodies)
        run = _picked(
            shown,
            "taskType",
            "taskId",
            "referenceTaskName",
            "retryCount",
            "taskDefName",
            "retriedTaskId",
            "workflowType",
            "reasonForIncompletion",
            "status",
            "correlationId",
            "updateTime",
        )
        return run | {
            "workflowId": head.workflow_id,
            "input": shown["inputData"],
            "output": shown["outputData"],
            "priority": line.priority,
            "createTime": line.started_at,
            **({"createdBy": line.worker_id} if line.worker_id else {}),
        }


def _blocks(line: TaskLine, refs: frozenset[str]) -> bool:
    if line.live:
        return line.type in _BLOCKING and not line.wake_at
    return line.shown_ref in refs and not line.retried


def _picked(shown: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: shown[name] for name in names if name in shown}
