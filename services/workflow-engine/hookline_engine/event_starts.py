"""Starts workflows for events (webhooks.md section 6): once per key, whatever is redelivered."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from hookline_common.clock import Clock
from hookline_common.errors import ApiError, BadRequest, NotFound
from hookline_common.eventlog import Record
from hookline_common.ids import derived_uuid
from hookline_common.messages import EventRef, StartWorkflow
from hookline_engine.core.commands import Start
from hookline_engine.definitions.snapshots import Snapshot
from hookline_engine.drafts import Applied, Order
from hookline_engine.limited_runs import LimitedRuns
from hookline_engine.outcomes import start_found, start_refused
from hookline_engine.snapshot_source import SnapshotSource
from hookline_engine.start_inputs import StartInputs
from hookline_engine.start_keys import Key, Promise, StartKeys

REPEATED_AFTER_MS = 60_000
"""The start of an event that came longer ago than this may be a repeated one: of a consumer group
that was moved back, of a replay."""

Snapshots: TypeAlias = Mapping[tuple[str, int], Snapshot | ApiError]
"""By workflow name and version (0 = newest)."""


def event_name(event: EventRef) -> str:
    """`event` of the execution: `<webhook name>:<event id>`."""
    return f"{event.webhook_name}:{event.event_id}"


class EventStarts:
    """Start commands from the matcher."""

    def __init__(
        self,
        source: SnapshotSource,
        inputs: StartInputs,
        keys: StartKeys,
        runs: LimitedRuns,
        clock: Clock,
    ) -> None:
        self._source = source
        self._inputs = inputs
        self._keys = keys
        self._runs = runs
        self._clock = clock

    async def snapshots(self, batch: Sequence[StartWorkflow]) -> Snapshots:
        """The definitions that a batch starts, each read once; an error where there is none."""
        found: dict[tuple[str, int], Snapshot | ApiError] = {}
        for name, version in {(command.name, command.version) for command in batch}:
            try:
                found[name, version] = await self._source.registered(name, version or None)
            except ApiError as error:
                found[name, version] = error
        return found

    async def removed(self, batch: Sequence[StartWorkflow]) -> frozenset[str]:
        """The executions that a batch would bring back, although they were started and removed."""
        latest = self._clock.now_ms() - REPEATED_AFTER_MS
        late = [one.workflow_id for one in batch if one.event.received_at < latest]
        return await self._keys.removed(late) if late else frozenset()

    async def order(
        self,
        command: StartWorkflow,
        snapshots: Snapshots,
        removed: frozenset[str],
        payloads: Mapping[str, msgspec.Raw],
    ) -> Order | Record:
        """The order to start, or the outcome where an execution is there already.

        Raises ApiError for what can be told to the event: no definition, an input that does not
        fit it, a used key, a limit that is reached.
        """
        snapshot = snapshots[command.name, command.version]
        if isinstance(snapshot, ApiError):
            raise snapshot
        workflow_id = command.workflow_id
        if not command.key_given and workflow_id in removed:
            return start_found(command, self._clock.now_ms(), workflow_id, "existing")
        given = _input(command, payloads)
        await self._inputs.check(snapshot, given)
        if command.key_given:
            key = Key(snapshot.definition.name, command.key, command.strategy)
            promise = Promise(self._proposed_id(command), command.effect_id)
            claimed = await self._keys.claim(key, promise)
            workflow_id = claimed.workflow_id
            if claimed.existing:
                return start_found(command, self._clock.now_ms(), workflow_id, "existing")
        start = Start(
            workflow_id=workflow_id,
            input=given,
            correlation_id=command.correlation_id,
            event=event_name(command.event),
            idempotency_key=command.key if command.key_given else None,
            event_ref=command.event,
            effect_id=command.effect_id,
        )
        return Order(workflow_id, await self._runs.prepared(start, snapshot), snapshot)

    def _proposed_id(self, command: StartWorkflow) -> str:
        # With FAIL_ON_RUNNING a key serves one execution after the other, each with its own id.
        if command.strategy == "FAIL_ON_RUNNING":
            return derived_uuid(command.workflow_id, command.effect_id)
        return command.workflow_id

    def outcome(self, command: StartWorkflow, result: Applied, now_ms: int) -> Sequence[Record]:
        """What to say where the execution that is there came from elsewhere: another command of
        the same batch, or of another engine, had the key first.
        """
        head = result.head
        if head is None or head.event == event_name(command.event):
            return ()
        if command.key_given and command.strategy == "RETURN_EXISTING":
            return [start_found(command, now_ms, head.workflow_id, "existing")]
        code = "idempotency_key_used" if command.key_given else "already_started"
        message = f"workflow {head.workflow_id} was started before for the same key"
        return [start_refused(command, now_ms, code, message, head.workflow_id)]


def _input(command: StartWorkflow, payloads: Mapping[str, msgspec.Raw]) -> dict[str, Any]:
    raw = command.payload or payloads.get(command.event.event_id)
    if raw is None:
        message = f"the payload of event {command.event.event_id} is not kept any more"
        raise NotFound(message, code="payload_gone")
    value: Any = msgspec.json.decode(raw)
    if not isinstance(value, dict):
        message = "the payload is not an object, which the input of a workflow must be"
        raise BadRequest(message, code="payload_not_an_object")
    return value  # pyright: ignore[reportUnknownVariableType]
