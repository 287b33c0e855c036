"""Runs the tasks that the engine does itself and that do I/O (HTTP), under a lease (G5).

The claim on the queue entry is the lease: renewed while the call runs, so that another engine
takes the task over only when this one is gone. A frozen engine may repeat a call.
"""

import asyncio
from collections.abc import Sequence

import msgspec
import structlog

from hookline_common.crash_points import CrashPoint, reached
from hookline_common.documents import Documents
from hookline_common.errors import HooklineError, Retryable, SealBroken
from hookline_common.ids import random_id
from hookline_engine.core.commands import HandOut, SystemTaskDone
from hookline_engine.core.model import workflow_id_of
from hookline_engine.drafts import Applied, Order
from hookline_engine.execution_reader import ExecutionReader, FoundTask
from hookline_engine.executions import Executions
from hookline_engine.hand_over import HandOver
from hookline_engine.http_calls import HttpAnswer, HttpCalls
from hookline_engine.task_limits import Permit, TaskLimits
from hookline_engine.task_queue import Entry, TaskQueue, entry_id, system_queue

TASK_TYPE = "HTTP"
MOST_CALLS = 64
LEASE_MS = 30_000
RENEW_SECONDS = 10.0
"""A third of the lease, so that one failed renewal does not lose it."""
RETRY_SECONDS = 1.0

_log = structlog.get_logger()


class SystemTasks:
    """The executor of HTTP tasks. `worker_id` is shown on the tasks it ran."""

    def __init__(
        self,
        documents: Documents,
        queue: TaskQueue,
        limits: TaskLimits,
        executions: Executions,
        reader: ExecutionReader,
        hand_over: HandOver,
        calls: HttpCalls,
        worker_id: str,
    ) -> None:
        self._documents = documents
        self._queue = queue
        self._limits = limits
        self._executions = executions
        self._reader = reader
        self._hand_over = hand_over
        self._calls = calls
        self._worker_id = worker_id
        self._token = random_id()
        self._running: dict[asyncio.Task[None], Entry] = {}
        self._free = asyncio.Semaphore(MOST_CALLS)
        self._task: asyncio.Task[None] | None = None
        self._trouble: str | None = None

    async def start(self) -> None:
        """Begin to take tasks."""
        self._task = asyncio.create_task(self._run(), name="system tasks")

    async def stop(self) -> None:
        """Take no more; calls that run are cut off and made again elsewhere, or after a restart."""
        entries = list(self._running.values())
        tasks = {task for task in (self._task, *self._running) if task is not None}
        self._task = None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        try:
            await self._queue.release(entries, self._token)
        except Retryable as error:
            _log.info("leases_not_released", error=str(error))  # they end by themselves
        await self._calls.close()

    def problems(self) -> Sequence[str]:
        """Why tasks are not run, in sentences."""
        return [self._trouble] if self._trouble else []

    async def _run(self) -> None:
        queue = system_queue(TASK_TYPE)
        while True:
            try:
                if not await self._take(queue):
                    await self._queue.arrival(queue, RETRY_SECONDS)
            except Retryable as error:
                self._trouble = f"HTTP tasks: trying again after {error}"
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._trouble = None

    async def _take(self, queue: str) -> bool:
        """Begin as many calls as there is room for; False when nothing is there."""
        async with self._free:
            room = MOST_CALLS - len(self._running)
            entries = await self._queue.claim(queue, room, self._token, LEASE_MS)
        for permit in await self._limits.admit(entries, self._token):
            await self._free.acquire()
            task = asyncio.create_task(self._execute(permit))
            self._running[task] = permit.entry
            task.add_done_callback(self._ended)
        return bool(entries)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.pop(task, None)
        self._free.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            # The entry comes back when the lease ends.
            _log.error("system_task_failed", error=str(error), exc_info=error)

    async def _execute(self, permit: Permit) -> None:
        entry = permit.entry
        found = await self._begin(permit)
        if found is not None:
            done = await self._call(entry, found)
            if done is None:
                return  # the lease is lost: whoever holds it now runs the task
            (result,) = await self._executions.apply([Order(found.head.workflow_id, done)])
            if isinstance(result, Exception):
                raise result
        await self._queue.delete([entry_id(entry.task_id, entry.hand_off)])

    async def _begin(self, permit: Permit) -> FoundTask | None:
        """Save that it is being run, on disk before the call; None if it is not to be run."""
        entry = permit.entry
        workflow_id = workflow_id_of(entry.task_id)
        command = HandOut(entry.task_id, entry.hand_off, self._worker_id, permit.slotted)
        (result,) = await self._executions.apply([Order(workflow_id, command)])
        if isinstance(result, Exception):
            raise result
        if result.refusal is not None:
            await self._limits.give_back([(permit, result.head)])
        await self._documents.sync()
        return _handed_out(result) or await self._left_behind(entry)

    async def _left_behind(self, entry: Entry) -> FoundTask | None:
        """The task of an engine that was lost during the call: it is run again."""
        found = await self._reader.find(entry.task_id)
        if found is None or found.head.terminal or not found.line.live:
            return None
        return found if found.line.hand_off == entry.hand_off else None

    async def _call(self, entry: Entry, found: FoundTask) -> SystemTaskDone | None:
        call = asyncio.create_task(self._answer(entry, found))
        try:
            while True:
                done, _ = await asyncio.wait({call}, timeout=RENEW_SECONDS)
                if done:
                    break
                if not await self._renewed(entry):
                    return None
        finally:
            call.cancel()
        answer = call.result()
        return SystemTaskDone(
            entry.task_id, entry.hand_off, answer.response, answer.error, self._worker_id
        )

    async def _answer(self, entry: Entry, found: FoundTask) -> HttpAnswer:
        """What came back, without the secrets that went out (D38)."""
        bodies = await self._reader.bodies([token for token in [found.line.input] if token])
        given = msgspec.json.decode(bodies.get(found.line.input, b"{}"))
        try:
            request = await self._hand_over.request(found, given)
        except SealBroken as error:
            return HttpAnswer(error=f"a secret of this task: {error}")
        reached(CrashPoint.HTTP_CALLING)
        answer = await self._calls.run(entry.task_id, request.value)
        reached(CrashPoint.HTTP_CALLED)
        return HttpAnswer(request.redacted(answer.response), request.redacted(answer.error))

    async def _renewed(self, entry: Entry) -> bool:
        try:
            return await self._queue.renew(entry, LEASE_MS, self._token)
        except HooklineError as error:
            _log.warning("lease_not_renewed", task_id=entry.task_id, error=str(error))
            return True


def _handed_out(result: Applied) -> FoundTask | None:
    if result.refusal is not None or result.head is None or result.line is None:
        return None
    return FoundTask(result.head, result.line)
