"""The working copy of an execution inside one decision: what is read, changed and to be done.

Local to one call of decide; nothing of it outlives the call. Values are never changed in place.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import msgspec

from hookline_common.messages import StateChange
from hookline_engine.core import facts
from hookline_engine.core.decisions import Context, MissingBodies, NewBody, NewPage
from hookline_engine.core.effects import AnyEffect, Entry, FreeSlot, StartChild
from hookline_engine.core.fitting import failing, has_output_schema
from hookline_engine.core.model import (
    MAX_COMMAND_IDS,
    PAGE_LINES,
    Head,
    TaskLine,
    WorkflowStatus,
)
from hookline_engine.definitions.snapshots import Node, Snapshot

_FEW_BODIES = 20


class Work:
    """A head being changed. Attributes that a step may set are public; `finish` makes the head."""

    def __init__(
        self, head: Head, snapshot: Snapshot, bodies: Mapping[str, Any], context: Context
    ) -> None:
        self.head = head
        self.snapshot = snapshot
        self.context = context
        self.now = max(context.now_ms, head.updated_at)
        self.status: WorkflowStatus = head.status
        self.variables = head.variables
        self.output = head.output
        self.seq = head.seq
        self.reason = head.reason
        self.ended_at = head.ended_at
        self.last_retried_at = head.last_retried_at
        self.failed_task_id = head.failed_task_id
        self.failed_refs = head.failed_refs
        self.failed_names = head.failed_names
        self.permissive_reasons = head.permissive_reasons
        self.revivals = head.revivals
        self.command_ids = head.command_ids
        self.look_again = False
        """The round limit was reached: wake at once."""
        self.touched = False
        """Something other than a line was changed."""
        self.puts = 0
        """How often a line was put: a round that puts none is the last."""
        self.tasks = dict(head.tasks)
        self.pending = {ref: None for ref, line in head.tasks.items() if not line.executed}
        """References whose newest line is live or has ended without its successors being found."""
        self._reached: list[tuple[str, tuple[int, ...]]] = []
        self._past: list[TaskLine] = []
        self._bodies = bodies
        self._values: dict[str, Any] = {}
        self._new_bodies: dict[str, NewBody] = {}
        self._effects: list[AnyEffect] = []
        self._changes: list[tuple[str, TaskLine]] = []

    # --- reading ---------------------------------------------------------------------------------

    @property
    def terminal(self) -> bool:
        """The execution has ended."""
        return self.status not in ("RUNNING", "PAUSED")

    def node(self, ref: str) -> Node:
        """The node of a base reference."""
        return self.snapshot.nodes[ref]

    def waiting(self) -> list[TaskLine]:
        """The pending lines in scheduling order."""
        lines = [self.tasks[ref] for ref in self.pending]
        lines.sort(key=lambda line: line.seq)
        return lines

    def live(self) -> Iterator[TaskLine]:
        """The lines that have not ended."""
        return (line for line in self.waiting() if line.live)

    def value(self, token: str) -> dict[str, Any]:
        """The body that `token` refers to; raises MissingBodies."""
        if not token:
            return {}
        if token not in self._values:
            self._values[token] = self._fetched(token)
        return self._values[token]

    def require(self, tokens: Iterator[str]) -> None:
        """Ask for all bodies of a step at once."""
        missing = frozenset(token for token in tokens if token and not self._has(token))
        if missing:
            raise MissingBodies(missing)

    def page(self, page_id: str) -> tuple[TaskLine, ...]:
        """A page of finished lines; raises MissingBodies."""
        if page_id not in self._bodies:
            raise MissingBodies(frozenset(), frozenset((page_id,)))
        return cast("tuple[TaskLine, ...]", self._bodies[page_id])

    def _has(self, token: str) -> bool:
        return token in self._values or token in self._new_bodies or token in self._bodies

    def _fetched(self, token: str) -> Any:
        new = self._new_bodies.get(token)
        if new is None and token not in self._bodies:
            raise MissingBodies(frozenset((token,)))
        value = new.value if new is not None else self._bodies[token]
        return msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value

    # --- changing --------------------------------------------------------------------------------

    def body(self, task_id: str, kind: str, value: Any) -> str:
        """A reference to a new body; the empty object needs none."""
        if value == {}:
            return ""
        token = f"{task_id}:{kind}:{self.context.seed}{len(self._new_bodies):x}"
        self._new_bodies[token] = NewBody(token, value)
        return token

    def put(self, line: TaskLine) -> None:
        """Take a line as the newest of its reference; what it replaces becomes past."""
        self.puts += 1
        before = self.tasks.get(line.ref)
        if before is not None:
            if before.slotted and before.status == "IN_PROGRESS":
                self._free_slot(before, line)
            if before.id != line.id:
                self._past.append(before)
        self.tasks[line.ref] = line
        if line.executed:
            self.pending.pop(line.ref, None)
        else:
            self.pending[line.ref] = None

    def forget(self, gone: Callable[[TaskLine], bool]) -> None:
        """Take lines out of the execution, and the older attempts among them."""
        for ref in [ref for ref, line in self.tasks.items() if gone(line)]:
            del self.tasks[ref]
            self.pending.pop(ref, None)
        missing = frozenset(self.head.pages) - self._bodies.keys()
        if missing:
            raise MissingBodies(frozenset(), missing)
        paged = (line for page_id in self.head.pages for line in self.page(page_id))
        old = (*paged, *self.head.past)
        kept = tuple(line for line in old if not gone(line))
        if len(kept) < len(old):
            self.head = msgspec.structs.replace(self.head, pages=(), past=kept)
        self.touched = True

    def _free_slot(self, before: TaskLine, line: TaskLine) -> None:
        """However the hand-off ends, its place under the task type's limit is given back."""
        if line.id != before.id or line.status != "IN_PROGRESS":
            identity = f"{before.id}:{before.hand_off}:free"
            self.emit(FreeSlot(identity, before.id, before.hand_off, before.def_name))

    def update(self, line: TaskLine, **changes: Any) -> TaskLine:
        """The line with changes, as of now."""
        changed = msgspec.structs.replace(line, updated_at=self.now, **changes)
        self.put(changed)
        return changed

    def end(self, line: TaskLine, **changes: Any) -> TaskLine:
        """The line ended with the status in `changes`; an output that does not fit is a failure."""
        # A line that is executed already has handed the flow on: its output is the engine's own.
        if changes["status"] == "COMPLETED" and not line.executed:
            definition, output = self.node(line.ref).task_def, changes.get("output", line.output)
            if has_output_schema(definition):
                changes |= failing(self.context.schemas, definition, self.value(output))
        ended = self.update(line, ended_at=self.now, **changes)
        kept = facts.kept_output(ended, self.now)
        if kept is not None:
            self.emit(kept)
        self.feed(facts.TASK_ENDS[ended.status], ended)
        self._remember_failure(ended)
        return ended

    def note_change(self, on: str, line: TaskLine) -> None:
        """A change that the node may want told (`onStateChange`)."""
        if self.node(line.ref).task.on_state_change:
            self._changes.append((on, line))

    def take_changes(self) -> list[tuple[str, TaskLine]]:
        """The changes noted since the last call."""
        changes, self._changes = self._changes, []
        return changes

    def reach(self, ref: str, path: tuple[int, ...]) -> None:
        """The flow comes to a node inside the one that is being mapped, or behind it."""
        self._reached.append((ref, path))

    def take_reached(self) -> list[tuple[str, tuple[int, ...]]]:
        """The nodes reached since the last call."""
        reached, self._reached = self._reached, []
        return reached

    def emit(self, effect: AnyEffect) -> None:
        """One more effect, in order."""
        self._effects.append(effect)

    def feed(
        self,
        kind: str,
        line: TaskLine | None = None,
        *,
        reason: str | None = None,
        state_change: StateChange | None = None,
    ) -> None:
        """A fact for the public feed."""
        if line is not None and kind in facts.CHANGES:
            self.note_change(facts.CHANGES[kind], line)
        number = self.head.outbox_next + len(self._effects)
        reason = reason or (line.reason if line else self.reason)
        told = (kind, self.now, self.status, line, reason, state_change)
        self.emit(facts.fact(self.head, number, *told))

    def _remember_failure(self, line: TaskLine) -> None:
        if line.status not in ("FAILED", "FAILED_WITH_TERMINAL_ERROR"):
            return
        if line.shown_ref not in self.failed_refs:
            self.failed_refs = (*self.failed_refs, line.shown_ref)
        if line.def_name not in self.failed_names:
            self.failed_names = (*self.failed_names, line.def_name)

    # --- the result ------------------------------------------------------------------------------

    @property
    def effects(self) -> tuple[AnyEffect, ...]:
        """What this decision wants done."""
        return tuple(self._effects)

    @property
    def new_bodies(self) -> tuple[NewBody, ...]:
        """Bodies to insert. A long loop makes many that nothing names any more at its end."""
        bodies = tuple(self._new_bodies.values())
        if len(bodies) <= _FEW_BODIES:
            return bodies
        named = self._named()
        return tuple(body for body in bodies if body.id in named)

    def _named(self) -> set[str]:
        lines = (*self.tasks.values(), *self._past)
        named = {token for line in lines for token in (line.input, line.output)}
        children = (one for one in self._effects if isinstance(one, StartChild))
        named.update(child.request["inputToken"] for child in children)
        return named | {self.head.input, self.output}

    def finish(self, wake_at: int) -> tuple[Head, tuple[NewPage, ...]]:
        """The head after this decision, and the pages that were cut from its past."""
        past, pages = self._paged()
        entries = tuple(
            Entry(number, effect)
            for number, effect in enumerate(self._effects, self.head.outbox_next)
        )
        head = msgspec.structs.replace(
            self.head,
            status=self.status,
            previous_status=(
                self.head.status if self.head.status != self.status else self.head.previous_status
            ),
            variables=self.variables,
            output=self.output,
            seq=self.seq,
            reason=self.reason,
            ended_at=self.ended_at,
            updated_at=self.now,
            last_retried_at=self.last_retried_at,
            wake_at=wake_at,
            failed_task_id=self.failed_task_id,
            failed_refs=self.failed_refs,
            failed_names=self.failed_names,
            permissive_reasons=self.permissive_reasons,
            revivals=self.revivals,
            command_ids=self.command_ids[-MAX_COMMAND_IDS:],
            tasks=self.tasks,
            past=past,
            pages=(*self.head.pages, *(page.id for page in pages)),
            outbox=(*self.head.outbox, *entries),
            outbox_next=self.head.outbox_next + len(entries),
            outbox_since=self.head.outbox_since or (self.now if entries else 0),
        )
        return head, pages

    def _paged(self) -> tuple[tuple[TaskLine, ...], tuple[NewPage, ...]]:
        past = (*self.head.past, *self._past)
        pages: list[NewPage] = []
        while len(past) >= PAGE_LINES:
            number = len(self.head.pages) + len(pages)
            page_id = f"{self.head.workflow_id}:page:{number}:{self.context.seed}"
            pages.append(NewPage(page_id, past[:PAGE_LINES]))
            past = past[PAGE_LINES:]
        return past, tuple(pages)
