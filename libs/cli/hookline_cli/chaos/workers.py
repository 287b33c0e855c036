"""The run's own workers: they poll, write down, complete, and write down again."""

import asyncio
import time
from typing import Any

import msgspec

from hookline_cli.chaos.calls import Calls, Unanswered
from hookline_cli.chaos.ledger import Entry, Ledger

_POLL_MS = 500
_MOST = 20


class Worker:
    """Takes the tasks of one type until it is cancelled."""

    def __init__(self, calls: Calls, ledger: Ledger, task_type: str, name: str) -> None:
        self._calls = calls
        self._ledger = ledger
        self._path = f"/tasks/poll/batch/{task_type}"
        self._name = name

    async def run(self) -> None:
        """Poll for ever; several tasks that came at once are done at once."""
        query = {"workerid": self._name, "count": _MOST, "timeout": _POLL_MS}
        while True:
            try:
                answer = await self._calls.call("GET", self._path, params=query, often=False)
            except Unanswered:
                await asyncio.sleep(0.1)
                continue
            tasks: list[dict[str, Any]] = answer.value if answer.good else []
            await asyncio.gather(*(self._do(task) for task in tasks))

    async def _do(self, task: dict[str, Any]) -> None:
        given = _entry(task)
        await self._ledger.write(given)
        result = {
            "workflowInstanceId": given.workflow_id,
            "taskId": given.task_id,
            "workerId": self._name,
            "status": "COMPLETED",
            "outputData": {"delivery": given.delivery},
        }
        try:
            answer = await self._calls.call("POST", "/tasks", result)
        except Unanswered:
            return  # it will time out, and be given to somebody again
        if answer.good:
            await self._ledger.write(_acknowledged(given, answer.tries))


def _entry(task: dict[str, Any]) -> Entry:
    given = task.get("inputData", {})
    return Entry(
        what="given",
        task_id=task["taskId"],
        workflow_id=task["workflowInstanceId"],
        ref=task["referenceTaskName"],
        attempt=task.get("retryCount", 0),
        at=_now_ms(),
        order=str(given.get("order", "")),
        delivery=str(given.get("delivery", "")),
    )


def _acknowledged(given: Entry, tries: int) -> Entry:
    return msgspec.structs.replace(given, what="acknowledged", tries=tries, at=_now_ms())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
