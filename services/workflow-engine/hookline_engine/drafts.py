"""One execution while commands are decided on it: what was loaded, and what is to be saved."""

from collections.abc import Mapping
from typing import Any

import msgspec

from hookline_common.errors import Retryable
from hookline_engine.core.commands import Command, Start, Terminate
from hookline_engine.core.decide import decide
from hookline_engine.core.decisions import (
    Context,
    Decision,
    MissingBodies,
    MissingLookups,
    NewBody,
    NewPage,
    Refusal,
)
from hookline_engine.core.effects import AnyEffect
from hookline_engine.core.lifecycle import never_started
from hookline_engine.core.model import Head, TaskLine
from hookline_engine.definitions.snapshots import Snapshot
from hookline_engine.execution_documents import Texts, text_of
from hookline_engine.execution_store import Change, Stored


class Applied(msgspec.Struct, frozen=True):
    """What a command did: the execution and the task concerned as they are now, or a refusal.

    `log_failure`: the effects on the log could not go out yet; they will, from the outbox.
    """

    head: Head | None = None
    snapshot: Snapshot | None = None
    line: TaskLine | None = None
    refusal: Refusal | None = None
    log_failure: Retryable | None = None


class Order(msgspec.Struct, frozen=True):
    """A command for an execution. `snapshot`: the definition for Start and Restart."""

    workflow_id: str
    command: Command
    snapshot: Snapshot | None = None


class Surroundings(msgspec.Struct, frozen=True):
    """What decisions of one round have in common. `bodies` grows while they ask for more."""

    bodies: dict[str, Any]
    context: Context


class Draft:
    """Commands are decided in order; each sees what those before it did."""

    __slots__ = (
        "_at",
        "_bodies",
        "_changed",
        "_direct",
        "_head",
        "_orders",
        "_pages",
        "_rev",
        "_snapshot",
        "_stored",
        "_texts",
        "missing",
        "results",
    )

    def __init__(self, stored: Stored | None, orders: list[Order]) -> None:
        self._stored = stored
        self._orders = orders
        self._at = 0
        self._head = stored.head if stored else None
        self._rev = stored.rev if stored else 0
        self._snapshot: Snapshot | None = None
        self._texts = stored.texts if stored else Texts()
        self._changed = False
        self._bodies: list[NewBody] = []
        self._pages: list[NewPage] = []
        self._direct: list[AnyEffect] = []
        self.missing: MissingBodies | MissingLookups | None = None
        self.results: list[Applied | Exception] = []

    # --- what is known ---

    @property
    def head(self) -> Head | None:
        """The execution as it is to be."""
        return self._head

    @property
    def done(self) -> bool:
        """All commands are decided."""
        return self._at == len(self._orders)

    @property
    def has_scripts(self) -> bool:
        """Deciding may run JavaScript."""
        snapshot = self._current_snapshot()
        return snapshot is not None and snapshot.has_scripts

    def forget_emitted(self) -> None:
        """What was pending when it was loaded is out: the next save clears it."""
        if self._head is not None and self._head.outbox:
            self._head = without_outbox(self._head)
            self._changed = True

    def use_snapshots(self, snapshots: Mapping[str, Snapshot]) -> None:
        """The stored definition of the execution."""
        if self._head is not None:
            self._snapshot = snapshots.get(self._head.snapshot)

    # --- deciding ---

    def advance(self, surroundings: Surroundings) -> None:
        """Decide until done, or until something is `missing`."""
        self.missing = None
        while not self.done:
            order = self._orders[self._at]
            try:
                applied = self._decide(order, surroundings)
            except (MissingBodies, MissingLookups) as missing:
                self.missing = missing
                return
            except Exception as error:  # noqa: BLE001 - handed to whoever sent this command
                self.results.append(error)
            else:
                self.results.append(applied)
            self._at += 1

    def fail(self, error: Exception) -> None:
        """The command in hand cannot be decided."""
        self.results.append(error)
        self._at += 1

    def _decide(self, order: Order, surroundings: Surroundings) -> Applied:
        snapshot = order.snapshot or self._snapshot
        if snapshot is None or (self._head is None and not isinstance(order.command, Start)):
            return self._without_decision(order, surroundings.context.now_ms)
        context = surroundings.context
        if self._head is not None and self._head.updated_at > context.now_ms:
            context = msgspec.structs.replace(context, now_ms=self._head.updated_at)
        decision = decide(self._head, snapshot, order.command, surroundings.bodies, context)
        self._take(decision, order, surroundings.bodies)
        return Applied(self._head, snapshot, decision.line, decision.refusal)

    def _take(self, decision: Decision, order: Order, bodies: dict[str, Any]) -> None:
        if decision.head is None:
            self._direct += decision.effects
            return
        for body in decision.bodies:
            bodies[body.id] = body.value
        self._texts = self._texts_of(decision.head, bodies)
        self._head = decision.head
        self._changed = True
        self._bodies += decision.bodies
        self._pages += decision.pages
        for page in decision.pages:
            bodies[page.id] = page.lines
        if order.snapshot is not None and order.snapshot.token == decision.head.snapshot:
            self._snapshot = order.snapshot

    def _texts_of(self, head: Head, bodies: Mapping[str, Any]) -> Texts:
        """Made anew only where the head names another body; raises MissingBodies."""
        before = self._head
        old = (before.input, before.output) if before is not None else ("", "")
        if (head.input, head.output) == old:
            return self._texts
        shown = (self._texts.input, self._texts.output)
        return Texts(
            *(
                text if token == last else searched(token, bodies)
                for token, last, text in zip((head.input, head.output), old, shown, strict=True)
            )
        )

    def _without_decision(self, order: Order, now_ms: int) -> Applied:
        """For an execution that is not there, or that is only the mark of one (G2)."""
        command = order.command
        if self._head is None and isinstance(command, Terminate) and command.by_parent:
            self._head = never_started(order.workflow_id, command.reason or "", now_ms)
            self._changed = True
            return Applied(self._head)
        if self._head is not None and isinstance(command, Start | Terminate):
            return Applied(self._head)
        return Applied(refusal=no_such_execution(order.workflow_id))

    def _current_snapshot(self) -> Snapshot | None:
        if self._at < len(self._orders) and self._orders[self._at].snapshot is not None:
            return self._orders[self._at].snapshot
        return self._snapshot

    # --- saving ---

    def change(self) -> Change | None:
        """What to save, or None."""
        if not self._changed or self._head is None:
            return None
        stored_token = self._stored.head.snapshot if self._stored else ""
        new = self._head.snapshot != stored_token
        return Change(
            self._head,
            self._rev,
            self._snapshot,
            self._texts,
            tuple(self._bodies),
            tuple(self._pages),
            new,
        )

    def effects(self) -> list[AnyEffect]:
        """What to emit once it is saved, in order."""
        kept = [entry.effect for entry in self._head.outbox] if self._head else []
        return kept + self._direct

    def cleared(self) -> Change | None:
        """The change that takes the emitted entries out of the saved head, or None."""
        if self._head is None or not self._head.outbox:
            return None
        return Change(without_outbox(self._head), self._saved_rev(), self._snapshot, self._texts)

    def _saved_rev(self) -> int:
        return self._rev + 1 if self._changed else self._rev


def without_outbox(head: Head) -> Head:
    """The execution with nothing pending."""
    return msgspec.structs.replace(head, outbox=(), outbox_since=0)


def searched(token: str, bodies: Mapping[str, Any]) -> str:
    """What searches look into of the body; raises MissingBodies."""
    if not token:
        return ""
    if token not in bodies:
        raise MissingBodies(frozenset((token,)))
    return text_of(bodies[token])


def no_such_execution(workflow_id: str) -> Refusal:
    """The refusal of a command for an execution that does not exist."""
    return Refusal(404, "workflow_not_found", f"No such workflow found by id: {workflow_id}")
