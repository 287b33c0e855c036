"""Makes the effects of saved executions happen (G2): store effects first, then the log's.

Everything here is safe to repeat: entries of the task queue are inserted if absent, and each
message carries an id that its reader knows again.
"""

from collections.abc import Sequence

import structlog

from hookline_common import messages, topics
from hookline_common.crash_points import CrashPoint, reached
from hookline_common.errors import Poison, Retryable
from hookline_common.eventlog import EventLog, Record, Sync
from hookline_engine.core import effects
from hookline_engine.run_lines import RunLines
from hookline_engine.task_limits import TaskLimits
from hookline_engine.task_outputs import TaskOutputs
from hookline_engine.task_queue import TaskQueue

SLICE = 200
"""Effects that go out at once."""

_log = structlog.get_logger()


class Pending:
    """An effect on its way, and the execution that it is of."""

    __slots__ = ("effect", "workflow_id")

    def __init__(self, workflow_id: str, effect: effects.AnyEffect) -> None:
        self.workflow_id = workflow_id
        self.effect = effect


class Outbox:
    """Emits effects in order. Store effects raise what the store raises."""

    def __init__(
        self,
        log: EventLog,
        queue: TaskQueue,
        outputs: TaskOutputs,
        task_limits: TaskLimits,
        run_lines: RunLines,
    ) -> None:
        self._log = log
        self._queue = queue
        self._outputs = outputs
        self._task_limits = task_limits
        self._run_lines = run_lines

    async def emit(self, pending: Sequence[Pending]) -> Retryable | None:
        """Emit all; returns what kept the log from taking its part, or None.

        After a failure of the log nothing may be cleared: what went out goes out again later.
        """
        await self._emit_to_store([one.effect for one in pending])
        records = [record for one in pending if (record := record_of(one)) is not None]
        for start in range(0, len(records), SLICE):
            failure = await self._append(records[start : start + SLICE])
            if failure is not None:
                return failure
        return None

    async def _emit_to_store(self, emitted: Sequence[effects.AnyEffect]) -> None:
        # An entry is always put in before it is dropped, so all puts may go before all drops.
        put = [effect for effect in emitted if isinstance(effect, effects.EnqueueTask)]
        dropped = [effect for effect in emitted if isinstance(effect, effects.DequeueTask)]
        for start in range(0, len(put), SLICE):
            reached(CrashPoint.ENGINE_QUEUEING)
            await self._queue.put(put[start : start + SLICE])
            reached(CrashPoint.ENGINE_QUEUED)
        for start in range(0, len(dropped), SLICE):
            await self._queue.drop(dropped[start : start + SLICE])
        kept = [effect for effect in emitted if isinstance(effect, effects.KeepOutput)]
        for start in range(0, len(kept), SLICE):
            await self._outputs.keep(kept[start : start + SLICE])
        await self._emit_to_limits(emitted)

    async def _emit_to_limits(self, emitted: Sequence[effects.AnyEffect]) -> None:
        # An execution stands in line before it leaves, so all may be put in line first.
        await self._run_lines.queue([one for one in emitted if isinstance(one, effects.QueueRun)])
        await self._run_lines.free([one for one in emitted if isinstance(one, effects.FreeRun)])
        await self._task_limits.free([one for one in emitted if isinstance(one, effects.FreeSlot)])

    async def _append(self, records: Sequence[Record]) -> Retryable | None:
        reached(CrashPoint.ENGINE_EMITTING)
        try:
            await self._log.append(records, Sync.LATER)
        except Retryable as failure:
            return failure
        except Poison:
            return await self._append_one_by_one(records)
        reached(CrashPoint.ENGINE_EMITTED)
        return None

    async def _append_one_by_one(self, records: Sequence[Record]) -> Retryable | None:
        """One record is larger than its topic allows: the others go, its sender is told."""
        for record in records:
            try:
                await self._log.append([record], Sync.LATER)
            except Retryable as failure:
                return failure
            except Poison as error:
                _log.error("effect_too_large", topic=record.topic, key=record.key, error=str(error))
                substitute = _substitute(record, str(error))
                if substitute is not None:
                    await self._log.append([substitute], Sync.LATER)
        return None


def _substitute(record: Record, error: str) -> Record | None:
    """What goes out instead of a message that is too large: a child that cannot start failed."""
    if record.topic != topics.COMMANDS.name:
        return None
    command = messages.COMMANDS_CODEC.decode(record.value)
    if not isinstance(command, messages.StartChild):
        return None
    return child_failed(command, f"the sub-workflow cannot be started: {error}")


def child_failed(command: messages.StartChild, reason: str) -> Record:
    """Tells the parent that its sub-workflow could not be started."""
    return _command(
        messages.ChildEnded(
            workflow_id=command.parent_workflow_id,
            task_id=command.parent_task_id,
            run=command.parent_run,
            child_id=command.workflow_id,
            child_run=0,
            status="FAILED",
            reason=reason,
        )
    )


def record_of(pending: Pending) -> Record | None:
    """The record of an effect on the log; None for one on the store."""
    match pending.effect:
        case effects.EnqueueTask() | effects.DequeueTask() | effects.KeepOutput():
            return None
        case effects.FreeSlot() | effects.QueueRun() | effects.FreeRun():
            return None
        case effects.OpenWait(message=opened):
            return _record(topics.WAITS, opened.workflow_id, messages.WAITS_CODEC.encode(opened))
        case effects.CloseWait(message=closed):
            return _record(topics.WAITS, closed.workflow_id, messages.WAITS_CODEC.encode(closed))
        case effects.Outcome(message=outcome):
            value = messages.OUTCOMES_CODEC.encode(outcome)
            return _record(topics.OUTCOMES, outcome.event_id, value)
        case effects.Feed(message=fact):
            return _record(topics.EVENTS, fact.workflow_id, messages.EVENTS_CODEC.encode(fact))
        case _ as effect:
            return _command(_command_of(pending.workflow_id, effect))


_ToOthers = (
    effects.StartChild
    | effects.TerminateChild
    | effects.ChildEnded
    | effects.ChildRevived
    | effects.StartFailureWorkflow
)


def _command_of(workflow_id: str, effect: _ToOthers) -> messages.Command:
    """The command to another execution that an effect of `workflow_id` stands for."""
    match effect:
        case effects.StartChild():
            return messages.StartChild(
                workflow_id=effect.child_id,
                parent_workflow_id=workflow_id,
                parent_task_id=effect.task_id,
                parent_run=effect.run,
                request=effect.request,
            )
        case effects.TerminateChild():
            return messages.TerminateChild(
                workflow_id=effect.child_id, parent_task_id=effect.task_id, reason=effect.reason
            )
        case effects.ChildEnded():
            return messages.ChildEnded(
                workflow_id=effect.parent_workflow_id,
                task_id=effect.parent_task_id,
                run=effect.parent_run,
                child_id=workflow_id,
                child_run=effect.child_run,
                status=effect.status,
                reason=effect.reason,
                output_token=effect.output,
            )
        case effects.ChildRevived():
            return messages.ChildRevived(
                workflow_id=effect.parent_workflow_id,
                task_id=effect.parent_task_id,
                run=effect.parent_run,
                child_id=workflow_id,
                child_run=effect.child_run,
                at=effect.at,
                up_to=effect.up_to,
            )
        case effects.StartFailureWorkflow():
            return messages.StartFailureWorkflow(
                workflow_id=effect.failure_workflow_id,
                failed_workflow_id=workflow_id,
                failed_run=effect.run,
                request=effect.request,
            )


def _command(command: messages.Command) -> Record:
    value = messages.COMMANDS_CODEC.encode(command)
    return _record(topics.COMMANDS, command.workflow_id, value)


def _record(topic: topics.Topic, key: str, value: bytes) -> Record:
    return Record(topic.name, key, value)
