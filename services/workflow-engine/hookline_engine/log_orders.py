"""Turns commands of the log into orders for executions; says of those that did nothing, why."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hookline_common import messages, topics
from hookline_common.clock import Clock
from hookline_common.documents import Documents
from hookline_common.errors import ApiError
from hookline_common.eventlog import Delivered, Record
from hookline_engine import event_payloads
from hookline_engine.child_starts import ChildStarts
from hookline_engine.core import commands
from hookline_engine.drafts import Applied, Order
from hookline_engine.event_starts import EventStarts, Snapshots
from hookline_engine.execution_store import BodyMissing, ExecutionStore
from hookline_engine.outbox import child_failed
from hookline_engine.outcomes import resume_refused, start_refused

WAIT_FOR_EXECUTION_MS = 60_000
"""How long a command for an execution that is not there is kept in the log (A4)."""

_PAUSE_SECONDS = 0.1
"""Between looks at such a command, so that it does not spin through the log."""

_FIRST_SEEN = "hookline_first_seen"


class Prepared(msgspec.Struct, frozen=True):
    """An order per command, or None where there is nothing to do, and records to publish."""

    orders: Sequence[Order | None]
    records: Sequence[Record]


class _Known(msgspec.Struct, frozen=True):
    """What was looked up once for a whole batch."""

    payloads: Mapping[str, msgspec.Raw]
    snapshots: Snapshots
    removed: frozenset[str]


class LogOrders:
    """Looks up what the commands refer to: payloads, definitions, outputs of children."""

    def __init__(
        self,
        documents: Documents,
        store: ExecutionStore,
        events: EventStarts,
        children: ChildStarts,
        clock: Clock,
    ) -> None:
        self._documents = documents
        self._store = store
        self._events = events
        self._children = children
        self._clock = clock

    async def prepare(self, batch: Sequence[messages.Command]) -> Prepared:
        """The orders for a batch, in its order."""
        payloads = await event_payloads.read(self._documents, event_payloads.needed(batch))
        starts = [command for command in batch if isinstance(command, messages.StartWorkflow)]
        snapshots = await self._events.snapshots(starts)
        known = _Known(payloads, snapshots, await self._events.removed(starts))
        records: list[Record] = []
        orders: list[Order | None] = []
        for command in batch:
            made = await self._order(command, known)
            orders.append(None if isinstance(made, Record) else made)
            if isinstance(made, Record):
                records.append(made)
        return Prepared(orders, records)

    async def _order(self, command: messages.Command, known: "_Known") -> Order | Record | None:
        match command:
            case messages.CompleteTask():
                return self._completion(command, known)
            case messages.StartWorkflow():
                return await self._event_start(command, known)
            case messages.StartChild():
                return await self._child_start(command)
            case messages.ChildEnded():
                return Order(command.workflow_id, await self._child_end(command))
            case messages.ChildRevived():
                revived = commands.ChildRevived(
                    command.task_id,
                    command.run,
                    command.child_id,
                    command.child_run,
                    command.up_to,
                )
                return Order(command.workflow_id, revived)
            case messages.TerminateChild():
                ended = commands.Terminate(command.reason, by_parent=command.parent_task_id)
                return Order(command.workflow_id, ended)
            case messages.StartFailureWorkflow():
                return await self._children.failure_workflow(command)
            case messages.Decide():
                return Order(command.workflow_id, commands.Wake())

    def _completion(self, command: messages.CompleteTask, known: "_Known") -> Order | Record:
        payload = command.payload or known.payloads.get(command.event.event_id)
        if payload is None:
            message = f"the payload of event {command.event.event_id} is not kept any more"
            return resume_refused(command, self._clock.now_ms(), "payload_gone", message)
        completion = commands.CompleteWait(
            command.task_id,
            command.run,
            command.effect_id,
            command.event,
            payload,
            command.envelope,
        )
        return Order(command.workflow_id, completion)

    async def _event_start(
        self, command: messages.StartWorkflow, known: "_Known"
    ) -> Order | Record:
        try:
            return await self._events.order(command, known.snapshots, known.removed, known.payloads)
        except ApiError as error:
            return start_refused(command, self._clock.now_ms(), error.code, str(error))

    async def _child_start(self, command: messages.StartChild) -> Order | Record:
        try:
            return await self._children.order(command)
        except ApiError as error:
            return child_failed(command, str(error))

    async def _child_end(self, command: messages.ChildEnded) -> commands.ChildEnded:
        raw = command.output
        if command.output_token:
            try:
                raw = (await self._store.bodies([command.output_token]))[command.output_token]
            except BodyMissing:
                raw = None  # the child was removed after it ended
        output: Any = None if raw is None else msgspec.json.decode(raw)
        return commands.ChildEnded(
            command.task_id,
            command.run,
            command.child_id,
            command.child_run,
            command.status,
            command.reason,
            output,
        )

    async def follow_up(
        self, delivered: Delivered, command: messages.Command, result: Applied
    ) -> Sequence[Record]:
        """What to publish after an order: for an event whose command did not take hold."""
        match command:
            case messages.StartWorkflow():
                return self._events.outcome(command, result, self._clock.now_ms())
            case messages.CompleteTask() if result.head is None:
                return [await self._kept(delivered, command)]
            case _:
                return ()

    async def _kept(self, delivered: Delivered, command: messages.CompleteTask) -> Record:
        """The same command again, until the execution is there or the time is up (A4)."""
        now = self._clock.now_ms()
        headers = dict(delivered.record.headers)
        first_seen = int(headers.get(_FIRST_SEEN, str(now).encode()))
        if now - first_seen >= WAIT_FOR_EXECUTION_MS:
            message = f"there is no workflow {command.workflow_id}"
            return resume_refused(command, now, "workflow_not_found", message)
        await asyncio.sleep(_PAUSE_SECONDS)
        headers[_FIRST_SEEN] = str(first_seen).encode()
        return Record(
            topics.COMMANDS.name,
            command.workflow_id,
            delivered.record.value,
            tuple(headers.items()),
        )
