"""What became of everything, by the REST API: executions, starts and verdicts."""

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from hookline_cli.chaos.calls import Calls
from hookline_cli.chaos.journal import Played
from hookline_cli.chaos.outcomes import outcome_of

_LOOK_SECONDS = 0.3
_AT_ONCE = 16
_PAGE = 500
_NOT_FOUND = 404
_ENDED = ("COMPLETED", "FAILED", "TIMED_OUT", "TERMINATED")
_DELIVERY = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Line(msgspec.Struct, frozen=True):
    """A task as an execution shows it; `delivery`: the event that a waiting one was given.

    `ended_at`: epoch milliseconds, 0 while it has not ended.
    """

    task_id: str
    ref: str
    status: str
    attempt: int
    ended_at: int
    delivery: str = ""


class Execution(msgspec.Struct, frozen=True):
    """An execution; status "NOT FOUND" if there is none."""

    id: str
    status: str
    lines: tuple[Line, ...] = ()
    delivery: str = ""

    @property
    def taken(self) -> list[str]:
        """The deliveries that its waiting tasks were completed with, in order."""
        return [line.delivery for line in self.lines if line.delivery]


class Observed(msgspec.Struct, frozen=True):
    """The end of a run: waiting executions by id, started ones, and verdicts by event id."""

    executions: dict[str, Execution]
    started: tuple[Execution, ...]
    verdicts: dict[str, str]


class Observer:
    """Looks until all is as it should be, or patience has run out; then says what it saw."""

    def __init__(
        self, calls: Calls, flows: Sequence[str], say: Callable[[str], None] = lambda _: None
    ) -> None:
        """`flows`: the workflows that events start; `say` is told how much is still open."""
        self._calls = calls
        self._flows = flows
        self._say = say
        self._executions: dict[str, Execution] = {}
        self._verdicts: dict[str, str] = {}

    async def observe(self, played: Sequence[Played], patience_seconds: float) -> Observed:
        """The state of everything that was played; patience is for times without any progress."""
        time = asyncio.get_running_loop().time
        waiting = list(played)
        least, deadline = -1, 0.0
        while True:
            waiting = [one for one in waiting if not await self._is_done(one)]
            started = await self._all_started()
            running = [one for one in started if one.status not in _ENDED]
            undone = len(waiting) + len(running)
            if least < 0 or undone < least:
                least, deadline = undone, time() + patience_seconds
            if not undone or time() > deadline:
                return Observed(self._executions, tuple(started), self._verdicts)
            self._say(f"{len(waiting)} cases, {len(running)} started executions are not done yet")
            await asyncio.sleep(_LOOK_SECONDS)

    async def _is_done(self, played: Played) -> bool:
        outcome = outcome_of(played.case)
        await _each(played.executions, self._look_at_execution)
        await _each({one.event_id for one in played.sendings}, self._look_at_event)
        ended = all(self._executions[key].status == outcome.ends for key in played.executions)
        judged = all(self._verdicts[one.event_id] not in ("", "pending") for one in played.sendings)
        return ended and judged

    async def _look_at_execution(self, workflow_id: str) -> None:
        answer = await self._calls.call("GET", f"/workflow/{workflow_id}")
        if answer.good:
            self._executions[workflow_id] = _execution(answer.value)
        else:
            self._executions[workflow_id] = Execution(workflow_id, "NOT FOUND")

    async def _look_at_event(self, event_id: str) -> None:
        answer = await self._calls.call("GET", f"/webhook-events/{event_id}")
        found = answer.value["verdict"] if answer.good else ""
        if not answer.good and answer.status != _NOT_FOUND:
            found = f"status {answer.status}"
        self._verdicts[event_id] = found

    async def _all_started(self) -> list[Execution]:
        found: list[Execution] = []
        for flow in self._flows:
            rows: list[dict[str, Any]] = []
            while True:
                query = {"query": f"workflowType = '{flow}'", "start": len(rows), "size": _PAGE}
                page = await self._calls.good("GET", "/workflow/search", params=query)
                rows += page["results"]
                if len(page["results"]) < _PAGE:
                    break
            found += [_started(row) for row in rows]
        return found


async def _each(keys: Iterable[str], look: Callable[[str], Any]) -> None:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(key: str) -> None:
        async with gate:
            await look(key)

    await asyncio.gather(*(one(key) for key in keys))


def _execution(shown: dict[str, Any]) -> Execution:
    return Execution(
        id=shown["workflowId"],
        status=shown["status"],
        lines=tuple(_line(task) for task in shown["tasks"]),
    )


def _line(task: dict[str, Any]) -> Line:
    taken = task["taskType"] == "WAIT_FOR_WEBHOOK" and task["status"] == "COMPLETED"
    output: dict[str, Any] = task.get("outputData") or {}
    chaos: dict[str, str] = output.get("chaos") or {}
    delivery = chaos.get("delivery", "another payload") if taken else ""
    return Line(
        task_id=task["taskId"],
        ref=task["referenceTaskName"],
        status=task["status"],
        attempt=task.get("retryCount", 0),
        ended_at=task.get("endTime") or 0,
        delivery=delivery,
    )


def _started(row: dict[str, Any]) -> Execution:
    found = _DELIVERY.search(row.get("correlationId") or "")
    return Execution(row["workflowId"], row["status"], delivery=found[0] if found else "")
