"""Plays an execution against the pure core: keeps head and bodies, acts as worker, clock and child.

Every decision is made twice, from the bodies that it asks for and no others, and must be the same.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from hookline_common.messages import EventRef
from hookline_engine.core import effects as fx
from hookline_engine.core.commands import (
    ChildEnded,
    Command,
    CompleteWait,
    ExtendLease,
    HandOut,
    Pause,
    Restart,
    Retry,
    Start,
    SystemTaskDone,
    UpdateTask,
    Wake,
)
from hookline_engine.core.decide import decide
from hookline_engine.core.decisions import Context, Decision, MissingBodies
from hookline_engine.core.model import (
    Head,
    TaskLine,
    decode_head,
    decode_page,
    encode_head,
    encode_page,
)
from hookline_engine.definitions.model import TaskDef, WorkflowDef
from hookline_engine.definitions.snapshots import Snapshot, freeze, thaw
from hookline_engine.definitions.validation import parse_task_def, parse_workflow_def
from hookline_engine.schemas import JsonSchemas
from hookline_engine.scripts import QuickJsEvaluator

START = 1_700_000_000_000
EVALUATOR = QuickJsEvaluator()
SCHEMAS = JsonSchemas()


def definition(*tasks: Mapping[str, Any], **fields: Any) -> WorkflowDef:
    """A checked workflow definition of these nodes."""
    return parse_workflow_def({"name": "flow", "tasks": list(tasks), **fields})


def node(ref: str, kind: str = "SIMPLE", /, **fields: Any) -> dict[str, Any]:
    """A node; for SIMPLE the queue is called like the reference."""
    return {"name": ref, "taskReferenceName": ref, "type": kind, **fields}


def inline(ref: str, expression: str, **given: Any) -> dict[str, Any]:
    """An INLINE node."""
    return node(ref, "INLINE", inputParameters={**given, "expression": expression})


class Player:
    """One execution. `now` is moved by hand."""

    def __init__(
        self,
        workflow: WorkflowDef,
        *,
        task_defs: Mapping[str, Mapping[str, Any]] | None = None,
        latest: Mapping[str, int] | None = None,
        **context: Any,
    ) -> None:
        defs: dict[str, TaskDef] = {
            name: parse_task_def({"name": name, **fields})
            for name, fields in (task_defs or {}).items()
        }
        self.snapshot: Snapshot = thaw(freeze(workflow, defs, latest or {}).body)
        self.head: Head | None = None
        self.bodies: dict[str, Any] = {}
        self.effects: list[fx.AnyEffect] = []
        self.queue: dict[tuple[str, int], fx.EnqueueTask] = {}
        self.now = START
        self.last: Decision = Decision(None)
        self._context = context
        self._seeds = 0

    # --- commands --------------------------------------------------------------------------------

    def start(self, given: Mapping[str, Any] | None = None, **fields: Any) -> "Player":
        """Start it as `wf`."""
        self.do(Start("wf", dict(given or {}), **fields))
        return self

    def do(self, command: Command) -> Decision:
        """Decide and save."""
        self._seeds += 1
        decision = self._decided(command)
        self.last = decision
        known = frozenset(self.bodies)
        for body in decision.bodies:
            assert body.id not in self.bodies, "bodies are immutable"
            self.bodies[body.id] = msgspec.json.decode(msgspec.json.encode(body.value))
        for page in decision.pages:
            self.bodies[page.id] = decode_page(encode_page(page.lines))
        if decision.head is not None:
            _check_step(self.head, decision.head, decision, known)
            if self._timely(command):
                assert decision.head.wake_at == 0 or decision.head.wake_at > self.now
            stored = decode_head(encode_head(decision.head))
            assert stored == decision.head
            self.head = msgspec.structs.replace(stored, outbox=(), outbox_since=0)
        self._act(decision.effects)
        return decision

    def _decided(self, command: Command) -> Decision:
        context = Context(
            now_ms=self.now,
            seed=f"{self._seeds:012x}",
            evaluator=EVALUATOR,
            schemas=SCHEMAS,
            **self._context,
        )
        given: dict[str, Any] = {}
        while True:
            try:
                decision = decide(self.head, self.snapshot, command, given, context)
            except MissingBodies as missing:
                wanted = missing.bodies | missing.pages
                assert not wanted & given.keys(), "asked for a body that it has"
                given |= {token: self.bodies[token] for token in wanted}
            else:
                before = msgspec.json.encode(list(given.values()))
                again = decide(self.head, self.snapshot, command, given, context)
                assert again == decision, "the same input gave another decision"
                assert msgspec.json.encode(list(given.values())) == before, "a body was changed"
                return decision

    def _timely(self, command: Command) -> bool:
        """Whether everything that is due was done: not for commands that decide nothing."""
        return "limits" not in self._context and not isinstance(
            command, HandOut | ExtendLease | Pause
        )

    def _act(self, effects: tuple[fx.AnyEffect, ...]) -> None:
        self.effects.extend(effects)
        for effect in effects:
            match effect:
                case fx.EnqueueTask():
                    self.queue[effect.task_id, effect.hand_off] = effect
                case fx.DequeueTask():
                    self.queue.pop((effect.task_id, effect.hand_off), None)
                case _:
                    pass

    def poll(self, ref: str, worker: str | None = "w1") -> TaskLine:
        """A worker takes the task of `ref` if it is visible."""
        line = self.line(ref)
        entry = self.queue.pop((line.id, line.hand_off))
        assert entry.visible_at <= self.now, "polled before it is visible"
        decision = self.do(HandOut(line.id, line.hand_off, worker))
        assert decision.refusal is None
        assert decision.line is not None
        return decision.line

    def update(self, ref: str, status: Any = "COMPLETED", /, **fields: Any) -> Decision:
        """A worker's result for the task of `ref`."""
        output = fields.pop("output", {})
        return self.do(UpdateTask(self.line(ref).id, status, output, **fields))

    def work(self, ref: str, status: Any = "COMPLETED", /, **output: Any) -> Decision:
        """Poll and update."""
        self.poll(ref)
        return self.update(ref, status, output=output)

    def answer_http(self, ref: str, status: int = 200, body: str = "", **more: Any) -> Decision:
        """The executor's result."""
        line = self.line(ref)
        response = {"statusCode": status, "reasonPhrase": "r", "headers": {}, "body": body}
        return self.do(SystemTaskDone(line.id, line.hand_off, {**response, **more}))

    def event(self, ref: str, payload: Any, effect: str = "e1", **fields: Any) -> Decision:
        """An event for the wait of `ref`."""
        received_at = fields.pop("received_at", self.now)
        event = EventRef(f"event-{effect}", "hook", "Hook", received_at)
        raw = msgspec.Raw(msgspec.json.encode(payload))
        run = fields.pop("run", 0)
        return self.do(CompleteWait(self.line(ref).id, run, effect, event, raw, **fields))

    def child(self, ref: str, status: str = "COMPLETED", **fields: Any) -> Decision:
        """The sub-workflow of `ref` ended."""
        line = self.line(ref)
        assert line.sub_workflow_id is not None
        child_run = fields.pop("child_run", line.child_run)
        return self.do(ChildEnded(line.id, 0, line.sub_workflow_id, child_run, status, **fields))

    def after(self, seconds: float) -> Decision:
        """Time passes, and the execution is woken."""
        self.now += int(seconds * 1000)
        return self.do(Wake())

    def wake_when_due(self) -> Decision:
        """Time passes until the execution wants to be woken."""
        assert self.head is not None
        assert self.head.wake_at
        self.now = max(self.now, self.head.wake_at)
        return self.do(Wake())

    def retry(self) -> Decision:
        """Retry."""
        return self.do(Retry())

    def restart(self) -> Decision:
        """Restart with the same definition."""
        return self.do(Restart())

    # --- reading ---------------------------------------------------------------------------------

    @property
    def status(self) -> str:
        """The status of the execution."""
        assert self.head is not None
        return self.head.status

    def line(self, ref: str) -> TaskLine:
        """The newest line of a base reference."""
        assert self.head is not None
        return self.head.tasks[ref]

    def lines(self) -> list[TaskLine]:
        """All lines, pages too, in scheduling order."""
        assert self.head is not None
        paged = [line for page in self.head.pages for line in self.bodies[page]]
        return sorted(
            (*paged, *self.head.past, *self.head.tasks.values()), key=lambda line: line.seq
        )

    def value(self, token: str) -> Any:
        """A body."""
        return self.bodies[token] if token else {}

    def output(self, ref: str | None = None) -> Any:
        """The output of a reference, or of the execution."""
        assert self.head is not None
        return self.value(self.line(ref).output if ref else self.head.output)

    def given(self, ref: str) -> Any:
        """The input of a reference."""
        return self.value(self.line(ref).input)

    def statuses(self) -> dict[str, str]:
        """The status of the newest line of each shown reference."""
        return {line.shown_ref: line.status for line in self.lines()}

    def sent(self, kind: type[Any], where: Callable[[Any], bool] = lambda _: True) -> list[Any]:
        """The effects of a kind so far."""
        return [effect for effect in self.effects if isinstance(effect, kind) and where(effect)]


def _check_step(
    before: Head | None, after: Head, decision: Decision, known: Collection[str]
) -> None:
    """What must hold of every step (engine.md 8.3)."""
    kept = before.outbox if before is not None else ()
    assert tuple(entry.effect for entry in after.outbox[len(kept) :]) == decision.effects
    numbers = [entry.n for entry in after.outbox]
    assert numbers == list(range(after.outbox_next - len(numbers), after.outbox_next))
    live = [line for line in after.tasks.values() if line.live]
    if after.terminal:
        assert not live
        assert after.wake_at == 0
    tokens = {token for line in after.tasks.values() for token in (line.input, line.output)}
    new = {body.id for body in decision.bodies}
    assert {token for token in tokens if token and token not in known} <= new
    if before is None or before.run != after.run:
        return
    old = {line.id: line for line in (*before.past, *before.tasks.values())}
    new = {line.id: line for line in (*after.past, *after.tasks.values())}
    if not before.terminal:
        for task_id, line in old.items():
            if not line.live and task_id in new and not line.sub_workflow_changed:
                _same_end(line, new[task_id])
    sequence = [line.seq for line in new.values() if line.status != "SKIPPED"]  # theirs is 0
    assert len(set(sequence)) == len(sequence), "seq is unique"


def _same_end(old: TaskLine, new: TaskLine) -> None:
    """A terminal task does not change, but for an optional failure being forgiven."""
    forgiven = old.failed and new.status == "COMPLETED_WITH_ERRORS"
    assert new.status == old.status or forgiven
    assert (new.output, new.ended_at) == (old.output, old.ended_at)
