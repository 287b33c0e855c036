"""Hands tasks to workers (G4): claim the entry, save the hand-off, delete the entry, answer."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog

from hookline_common.crash_points import CrashPoint, reached
from hookline_common.documents import Documents
from hookline_common.ids import random_id
from hookline_engine.core.commands import HandOut, UpdateTask
from hookline_engine.core.model import workflow_id_of
from hookline_engine.drafts import Applied, Order
from hookline_engine.execution_reader import FoundTask
from hookline_engine.executions import Executions
from hookline_engine.hand_over import HandOver
from hookline_engine.poll_data import Polls
from hookline_engine.task_limits import Permit, TaskLimits
from hookline_engine.task_queue import TaskQueue, entry_id, worker_queue

MOST_AT_ONCE = 500
PUT_OFF_SECONDS = 60
"""Until a task that nobody could be given is tried again, as Conductor puts tasks off."""

_log = structlog.get_logger()


class Poll(msgspec.Struct, frozen=True):
    """Who asks for what: at most `count` tasks, waiting at most `timeout_ms` for the first."""

    task_type: str
    worker_id: str | None = None
    domain: str | None = None
    count: int = 1
    timeout_ms: int = 100


class TaskPolls:
    """The way of tasks from the queue to workers. A hand-off is on disk before it is answered."""

    def __init__(
        self,
        documents: Documents,
        queue: TaskQueue,
        polls: Polls,
        limits: TaskLimits,
        executions: Executions,
        hand_over: HandOver,
    ) -> None:
        self._documents = documents
        self._queue = queue
        self._polls = polls
        self._limits = limits
        self._executions = executions
        self._hand_over = hand_over
        self._closing = asyncio.Event()

    async def poll(self, poll: Poll) -> list[dict[str, Any]]:
        """The tasks as the API shows them; empty when none came in time."""
        await self._polls.record(poll.task_type, poll.domain, poll.worker_id)
        queue = worker_queue(poll.task_type, poll.domain)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + poll.timeout_ms / 1000
        while True:
            found = await self._take(queue, poll)
            remaining = deadline - loop.time()
            if found or remaining <= 0 or self._closing.is_set():
                return found
            await self._queue.arrival(queue, remaining)

    def close(self) -> None:
        """Waiting polls answer with what there is, now."""
        self._closing.set()
        self._queue.wake_all()

    async def _take(self, queue: str, poll: Poll) -> list[dict[str, Any]]:
        """Claim until something could be handed out: entries whose time has passed are dropped."""
        count = min(poll.count, MOST_AT_ONCE)
        while True:
            token = random_id()
            claimed = await self._queue.claim(queue, count, token)
            if not claimed:
                return []
            permits = await self._limits.admit(claimed, token)
            if not permits:
                return []
            handed = await self._hand_out(permits, poll.worker_id)
            if handed:
                over = await self._hand_over.tasks(handed)
                await self._put_off(over.withheld)
                return over.shown

    async def _put_off(self, withheld: Mapping[str, str]) -> None:
        """Back into the queue for a while, the reason to be seen on the task."""
        orders = [
            Order(
                workflow_id_of(task_id),
                UpdateTask(
                    task_id,
                    "IN_PROGRESS",
                    output_mode="merge",
                    reason=reason,
                    callback_after_seconds=PUT_OFF_SECONDS,
                ),
            )
            for task_id, reason in withheld.items()
        ]
        if orders:
            _log.error("tasks_withheld", count=len(orders), reason=next(iter(withheld.values())))
            await self._executions.apply(orders)

    async def _hand_out(self, permits: Sequence[Permit], worker_id: str | None) -> list[FoundTask]:
        orders = [_order(permit, worker_id) for permit in permits]
        reached(CrashPoint.TASKS_CLAIMED)
        results = await self._executions.apply(orders)
        reached(CrashPoint.TASKS_HANDED_OUT)
        # An entry whose hand-off failed stays claimed until the lease ends; then it is handed out
        # again, or dropped where the hand-off was saved after all.
        judged = [
            (permit, result)
            for permit, result in zip(permits, results, strict=True)
            if isinstance(result, Applied)
        ]
        await self._queue.delete(
            [entry_id(one.entry.task_id, one.entry.hand_off) for one, _ in judged]
        )
        await self._limits.give_back(
            [(permit, result.head) for permit, result in judged if result.refusal is not None]
        )
        handed = [found for _, result in judged if (found := _handed_out(result)) is not None]
        failure = next((result for result in results if isinstance(result, Exception)), None)
        if failure is not None and not handed:
            raise failure
        await self._documents.sync()
        reached(CrashPoint.TASKS_ANSWERING)
        return handed


def _order(permit: Permit, worker_id: str | None) -> Order:
    entry = permit.entry
    command = HandOut(entry.task_id, entry.hand_off, worker_id, permit.slotted)
    return Order(workflow_id_of(entry.task_id), command)


def _handed_out(result: Applied) -> FoundTask | None:
    if result.refusal is not None or result.head is None or result.line is None:
        return None
    return FoundTask(result.head, result.line)
