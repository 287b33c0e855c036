"""Limits of task types at hand-off (engine.md 2.13, D35, D36): at most so many, so often.

A task that may not be handed out yet is hidden: its queue entry becomes invisible, and a waiter
stands for it. Both sides write first and look afterwards: who hides looks for room again, who
frees a place looks for waiters; so an entry and a free place always find each other.
"""

from collections.abc import Mapping, Sequence

import msgspec

from hookline_common.clock import Clock
from hookline_common.ids import random_id
from hookline_engine.core.effects import FreeSlot
from hookline_engine.core.model import Head, find_line, workflow_id_of
from hookline_engine.current_task_limits import CurrentTaskLimits
from hookline_engine.due_limits import DueLimits
from hookline_engine.limit_standing import (
    NO_LIMIT,
    Bounds,
    Standing,
    freed,
    opens_at,
    room,
    taken,
)
from hookline_engine.limit_store import LimitStore, Waiter
from hookline_engine.task_queue import Entry, TaskQueue, entry_id

PREFIX = "task:"
_PAGE = 100


class Permit(msgspec.Struct, frozen=True):
    """An entry that may be handed out; `slotted`: it holds a place until its task is done."""

    entry: Entry
    slotted: bool = False


class TaskLimits:
    """Lets entries through, hides the others, and shows them again when there is room."""

    def __init__(
        self,
        store: LimitStore,
        queue: TaskQueue,
        current: CurrentTaskLimits,
        due: DueLimits,
        clock: Clock,
    ) -> None:
        self._store = store
        self._queue = queue
        self._current = current
        self._due = due
        self._clock = clock

    async def admit(self, entries: Sequence[Entry], token: str) -> Sequence[Permit]:
        """Those of the claimed entries that may be handed out now; the others are hidden."""
        limits = await self._current.of({entry.def_name for entry in entries})
        if not any(bounds.limited for bounds in limits.values()):
            return [Permit(entry) for entry in entries]
        let_in: set[str] = set()
        for name, bounds in limits.items():
            of_name = [entry for entry in entries if entry.def_name == name]
            if bounds.limited:
                of_name = await self._admit_of(name, bounds, of_name, token)
            let_in.update(_id(entry) for entry in of_name)
        return [
            Permit(entry, limits[entry.def_name].at_once > 0)
            for entry in entries
            if _id(entry) in let_in
        ]

    async def give_back(self, refused: Sequence[tuple[Permit, Head | None]]) -> None:
        """Free the places of hand-offs that the executions refused, unless the task holds its
        place after all: another claim of the same entry was faster.
        """
        for permit, head in refused:
            if permit.slotted and not holds(permit.entry, head):
                await self.free_of(permit.entry.def_name, [_id(permit.entry)])

    async def free(self, effects: Sequence[FreeSlot]) -> None:
        """Tasks are in progress no more: their places go to those who waited longest."""
        by_name: dict[str, list[str]] = {}
        for effect in effects:
            key = entry_id(effect.task_id, effect.hand_off)
            by_name.setdefault(effect.def_name, []).append(key)
        for name, keys in by_name.items():
            await self.free_of(name, keys)

    async def free_of(self, name: str, keys: Sequence[str]) -> None:
        """Free places of a task type, and show as many hidden entries."""
        await self._store.change(PREFIX + name, lambda standing: freed(standing, keys))
        await self._show(name, len(keys))

    async def release(self, name: str) -> None:
        """Show as many hidden entries as there is room for now, and come back when the window
        opens further.
        """
        bounds = (await self._current.of([name]))[name]
        now = self._clock.now_ms()
        standing = await self._store.standing(PREFIX + name)
        await self._show(name, room(standing, bounds, now) if bounds.limited else NO_LIMIT)
        if bounds.per_window and await self._store.first(PREFIX + name, 1):
            # What was shown just now is not counted yet: then the window opens at its end.
            at = opens_at(standing, bounds, now) or now + bounds.window_ms
            self._due.add(PREFIX + name, at)

    async def definition_changed(self, name: str) -> None:
        """A task definition was saved here: its limit may be another."""
        self._due.add(PREFIX + name, self._clock.now_ms())

    # --- hiding and showing ---

    async def _admit_of(
        self, name: str, bounds: Bounds, entries: Sequence[Entry], token: str
    ) -> list[Entry]:
        now = self._clock.now_ms()
        keys = [_id(entry) for entry in entries]
        let_in: frozenset[str] = frozenset()

        def take(standing: Standing) -> Standing:
            nonlocal let_in
            after, let_in = taken(standing, bounds, keys, now)
            return after

        await self._store.change(PREFIX + name, take)
        refused = [entry for entry in entries if _id(entry) not in let_in]
        if refused:
            await self._hide(name, refused, token)
            await self.release(name)
        return [entry for entry in entries if _id(entry) in let_in]

    async def _hide(self, name: str, entries: Sequence[Entry], token: str) -> None:
        rows = await self._queue.rows([_id(entry) for entry in entries])
        await self._store.wait(
            [
                # A fresh id each time: who shows the entry removes the waiter that it has seen,
                # never one that was put in line since.
                Waiter(f"{row.id}:{random_id()}", PREFIX + name, row.rank, row.visible_at, b"{}")
                for row in rows
            ]
        )
        # If one was shown meanwhile, its revision is another and it stays visible.
        await self._queue.hide(rows)
        await self._queue.release(entries, token)

    async def _show(self, name: str, most: int) -> None:
        shown = 0
        while shown < most:
            waiters = await self._store.first(PREFIX + name, min(_PAGE, most - shown))
            if not waiters:
                return
            visible_at: Mapping[str, int] = {_entry_of(one): one.since for one in waiters}
            outcome = await self._queue.show(visible_at)
            kept = outcome.conflicts
            await self._store.leave([one.id for one in waiters if _entry_of(one) not in kept])
            shown += outcome.shown


def holds(entry: Entry, head: Head | None) -> bool:
    """Whether the task is in progress by this very hand-off and has a place for it."""
    line = find_line(head, entry.task_id) if head is not None else None
    return (
        line is not None
        and line.status == "IN_PROGRESS"
        and line.hand_off == entry.hand_off
        and line.slotted
    )


def workflow_of(key: str) -> str:
    """The execution that a holder's task belongs to."""
    return workflow_id_of(key.rpartition(":")[0])


def _id(entry: Entry) -> str:
    return entry_id(entry.task_id, entry.hand_off)


def _entry_of(waiter: Waiter) -> str:
    return waiter.id.rpartition(":")[0]
