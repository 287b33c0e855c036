"""Looks at the limit of a task type: frees places whose tasks are gone, shows who has room now."""

from collections.abc import Mapping, Sequence

from hookline_common.clock import Clock
from hookline_engine.core.commands import Requeue
from hookline_engine.core.model import Head, find_line
from hookline_engine.drafts import Applied, Order
from hookline_engine.execution_store import ExecutionStore
from hookline_engine.executions import Executions
from hookline_engine.limit_standing import freed, stale, verified
from hookline_engine.limit_store import LimitStore
from hookline_engine.task_limits import PREFIX, TaskLimits, holds, workflow_of
from hookline_engine.task_queue import Entry


class TaskHolders:
    """A place is lost where an engine dies between taking it and saving the hand-off."""

    def __init__(
        self,
        limits: LimitStore,
        task_limits: TaskLimits,
        store: ExecutionStore,
        executions: Executions,
        clock: Clock,
    ) -> None:
        self._limits = limits
        self._task_limits = task_limits
        self._store = store
        self._executions = executions
        self._clock = clock

    async def look(self, limit_id: str) -> None:
        """Show as many hidden entries as there is room for."""
        await self._verify(limit_id)
        await self._task_limits.release(limit_id.removeprefix(PREFIX))

    async def _verify(self, limit_id: str) -> None:
        now = self._clock.now_ms()
        keys = stale(await self._limits.standing(limit_id), now)
        if not keys:
            return
        found = await self._store.heads([workflow_of(key) for key in keys])
        heads = {workflow_id: stored.head for workflow_id, stored in found.items()}
        alive = {key for key in keys if _is_held(key, heads)}
        unsaved = [key for key in keys if key not in alive and _is_waiting(key, heads)]
        unclear, saved = await self._requeue(unsaved)
        alive |= saved
        gone = [key for key in keys if key not in alive and key not in unclear]
        await self._limits.change(
            limit_id, lambda standing: verified(freed(standing, gone), list(alive), now)
        )

    async def _requeue(self, keys: Sequence[str]) -> tuple[set[str], set[str]]:
        """Make hand-offs void that were begun and not saved: whoever hangs in one comes too late.

        Returns those of which it is not known, and those that were saved meanwhile.
        """
        entries = [_entry(key) for key in keys]
        orders = [
            Order(workflow_of(key), Requeue(entry.task_id, entry.hand_off))
            for key, entry in zip(keys, entries, strict=True)
        ]
        results = await self._executions.apply(orders)
        unclear: set[str] = set()
        saved: set[str] = set()
        for key, entry, result in zip(keys, entries, results, strict=True):
            if not isinstance(result, Applied):
                unclear.add(key)
            elif holds(entry, result.head):
                saved.add(key)
        return unclear, saved


def _is_held(key: str, heads: Mapping[str, Head]) -> bool:
    return holds(_entry(key), heads.get(workflow_of(key)))


def _is_waiting(key: str, heads: Mapping[str, Head]) -> bool:
    head, entry = heads.get(workflow_of(key)), _entry(key)
    line = find_line(head, entry.task_id) if head is not None else None
    return line is not None and line.status == "SCHEDULED" and line.hand_off == entry.hand_off


def _entry(key: str) -> Entry:
    task_id, _, hand_off = key.rpartition(":")
    return Entry(task_id, int(hand_off))
