"""Wakes executions when their time has come, and sends out what a crash left in outboxes.

A heap holds the nearest due times that this process has seen; the index on `wake_at` holds all of
them. It is read at the start and then only rarely, for what other processes have saved: between
due times nothing runs. Several engines are safe by the compare-and-set on the head.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Sequence

import structlog

from hookline_common.clock import Clock
from hookline_common.collections import EXECUTIONS
from hookline_common.crash_points import CrashPoint, reached
from hookline_common.documents import All, Condition, Documents, Op, Order, Query
from hookline_common.errors import Retryable
from hookline_engine.core.commands import Wake
from hookline_engine.core.model import Head
from hookline_engine.drafts import Order as ExecutionOrder
from hookline_engine.executions import Executions

HORIZON_MS = 2_000
"""How far ahead due times are read from the index, and how long after the last reading at most."""

OUTBOX_AGE_MS = 2_000
"""An entry of an outbox that is older than this was left behind (G2)."""

RETRY_SECONDS = 1.0
_PAGE = 500
_HEAP_LIMIT = 200_000

_log = structlog.get_logger()


class WakeUps:
    """The timers of all executions."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._heap: list[tuple[int, str]] = []
        self._nearer = asyncio.Event()
        self._read_until_ms = 0
        self._sweep_at_ms = 0
        self._task: asyncio.Task[None] | None = None
        self._trouble: str | None = None

    def saved(self, head: Head) -> None:
        """An execution was saved: it may be due within the horizon."""
        if not head.wake_at or head.terminal or head.wake_at > self._read_until_ms:
            return
        heapq.heappush(self._heap, (head.wake_at, head.workflow_id))
        if self._heap[0][1] == head.workflow_id:
            self._nearer.set()

    def kept_back(self) -> None:
        """Some effects could not go out: try again soon."""
        self._sweep_at_ms = self._clock.now_ms() + OUTBOX_AGE_MS + 1
        self._nearer.set()

    async def start(self, executions: Executions) -> None:
        """Begin. What was left in outboxes goes out first."""
        self._task = asyncio.create_task(self._run(executions), name="wake-ups")

    async def stop(self) -> None:
        """Wake nobody any more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    def problems(self) -> Sequence[str]:
        """Why timers do not run, in sentences."""
        return [self._trouble] if self._trouble else []

    # --- the loop ---

    async def _run(self, executions: Executions) -> None:
        await self._until_possible(lambda: self._sweep(executions, age_ms=0))
        while True:
            await self._until_possible(lambda: self._read_ahead(executions))
            self._nearer.clear()
            pause = self._seconds_to_next()
            if pause > 0:
                await _wait(self._nearer, pause)
            await self._until_possible(lambda: self._wake_due(executions))

    async def _until_possible(self, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
            except Retryable as error:
                self._trouble = f"wake-ups: trying again after {error}"
                _log.warning("wake_ups_retry", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._trouble = None
                return

    def _seconds_to_next(self) -> float:
        now = self._clock.now_ms()
        times = [self._read_until_ms]
        if self._sweep_at_ms:
            times.append(self._sweep_at_ms)
        if self._heap:
            times.append(self._heap[0][0])
        return max(0, min(times) - now) / 1000

    async def _read_ahead(self, executions: Executions) -> None:
        """Once per horizon: what is due within it, and outboxes left behind by other engines."""
        now = self._clock.now_ms()
        if now < self._read_until_ms:
            return
        horizon = now + HORIZON_MS
        # From here on `saved` puts in what is due within the new horizon.
        self._read_until_ms = horizon
        self._heap.clear()
        try:
            await self._read(horizon)
            await self._sweep(executions, OUTBOX_AGE_MS)
        except BaseException:
            self._read_until_ms = 0
            raise

    async def _read(self, horizon: int) -> None:
        where = All(
            (Condition("wake_at", Op.GT, 0), Condition("wake_at", Op.LE, horizon)),
        )
        cursor: str | None = None
        while True:
            query = Query(where, (Order("wake_at"),), limit=_PAGE, after=cursor)
            page = await self._documents.find(EXECUTIONS, query)
            for document in page.documents:
                due = int(str(document.fields["wake_at"]))
                heapq.heappush(self._heap, (due, document.id))
                if len(self._heap) > _HEAP_LIMIT:
                    # More than memory should hold: go on from here when these are done.
                    self._read_until_ms = due
                    return
            cursor = page.cursor
            if cursor is None:
                return

    async def _wake_due(self, executions: Executions) -> None:
        now = self._clock.now_ms()
        while self._heap and self._heap[0][0] <= now:
            due: dict[str, int] = {}
            while self._heap and self._heap[0][0] <= now and len(due) < _PAGE:
                at, workflow_id = heapq.heappop(self._heap)
                due.setdefault(workflow_id, at)
            reached(CrashPoint.TIMERS_WAKING)
            results = await executions.apply([ExecutionOrder(key, Wake()) for key in due])
            reached(CrashPoint.TIMERS_WOKEN)
            failed = [
                (key, result)
                for key, result in zip(due, results, strict=True)
                if isinstance(result, Exception)
            ]
            for key, _ in failed:
                heapq.heappush(self._heap, (now + int(RETRY_SECONDS * 1000), key))
            for key, error in failed:
                _log.error("wake_failed", workflow_id=key, error=str(error))
        if self._sweep_at_ms and self._sweep_at_ms <= now:
            self._sweep_at_ms = 0
            await self._sweep(executions, OUTBOX_AGE_MS)

    async def _sweep(self, executions: Executions, age_ms: int) -> None:
        """Emit what is still in outboxes older than `age_ms`; those that stay are tried later."""
        before = self._clock.now_ms() - age_ms
        where = All(
            (Condition("outbox_since", Op.GT, 0), Condition("outbox_since", Op.LE, before)),
        )
        cursor: str | None = None
        while True:
            query = Query(where, (Order("outbox_since"),), limit=_PAGE, after=cursor)
            page = await self._documents.find(EXECUTIONS, query)
            if page.documents:
                _log.info("outboxes_swept", executions=len(page.documents))
                await executions.emit_pending([document.id for document in page.documents])
            cursor = page.cursor
            if cursor is None:
                return


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
