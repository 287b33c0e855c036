"""The shell of the engine: everything around the pure core, put together once."""

from collections.abc import Mapping
from dataclasses import dataclass

from hookline_common.clock import Clock
from hookline_common.documents import Documents
from hookline_common.eventlog import EventLog
from hookline_common.sealing import Sealer
from hookline_engine.child_starts import ChildStarts
from hookline_engine.core.decisions import Evaluator
from hookline_engine.current_task_limits import CurrentTaskLimits
from hookline_engine.definition_store import DefinitionStore
from hookline_engine.due_limits import DueLimits, Look
from hookline_engine.environment_store import EnvironmentStore
from hookline_engine.event_starts import EventStarts
from hookline_engine.execution_reader import ExecutionReader
from hookline_engine.execution_retention import ExecutionRetention
from hookline_engine.execution_store import ExecutionStore
from hookline_engine.execution_watch import ExecutionWatch
from hookline_engine.executions import Executions
from hookline_engine.hand_over import HandOver
from hookline_engine.handler import CommandHandler
from hookline_engine.http_calls import HttpCalls
from hookline_engine.http_targets import TargetPolicy
from hookline_engine.limit_store import LimitStore
from hookline_engine.limited_runs import LimitedRuns
from hookline_engine.log_orders import LogOrders
from hookline_engine.lookups import Lookups
from hookline_engine.operations import Operations
from hookline_engine.orphans import Orphans
from hookline_engine.outbox import Outbox
from hookline_engine.poll_data import Polls
from hookline_engine.run_admission import RunAdmission
from hookline_engine.run_keys import PREFIX as RUN_LIMITS
from hookline_engine.run_keys import RunKeys
from hookline_engine.run_lines import RunLines
from hookline_engine.schema_store import SchemaStore
from hookline_engine.schemas import JsonSchemas
from hookline_engine.secret_store import SecretStore
from hookline_engine.snapshot_source import SnapshotSource
from hookline_engine.start_inputs import StartInputs
from hookline_engine.start_keys import StartKeys
from hookline_engine.starts import Starts
from hookline_engine.sweeps import Sweeps
from hookline_engine.synchronous import SynchronousAnswers
from hookline_engine.system_tasks import SystemTasks
from hookline_engine.task_holders import TaskHolders
from hookline_engine.task_limits import PREFIX as TASK_LIMITS
from hookline_engine.task_limits import TaskLimits
from hookline_engine.task_logs import TaskLogs
from hookline_engine.task_outputs import TaskOutputs
from hookline_engine.task_polls import TaskPolls
from hookline_engine.task_queue import TaskQueue
from hookline_engine.waits import Waits
from hookline_engine.wake_ups import WakeUps


@dataclass(frozen=True)
class Shell:
    """The parts of a running engine that its endpoints and its service use."""

    documents: Documents
    store: ExecutionStore
    reader: ExecutionReader
    executions: Executions
    operations: Operations
    starts: Starts
    synchronous: SynchronousAnswers
    queue: TaskQueue
    polls: Polls
    task_polls: TaskPolls
    task_logs: TaskLogs
    handler: CommandHandler
    wake_ups: WakeUps
    system_tasks: SystemTasks
    sweeps: Sweeps
    due_limits: DueLimits
    limit_looks: Mapping[str, Look]
    waits: Waits

    async def start(self) -> None:
        """Begin: timers, outboxes left behind, limits, HTTP tasks."""
        await self.wake_ups.start(self.executions)
        await self.due_limits.start(self.limit_looks)
        await self.system_tasks.start()
        await self.sweeps.start()

    async def stop(self) -> None:
        """Answer who waits, take nothing new, finish what was begun."""
        self.task_polls.close()
        await self.sweeps.stop()
        await self.system_tasks.stop()
        await self.due_limits.stop()
        await self.wake_ups.stop()
        await self.executions.close()


def build_shell(
    documents: Documents,
    log: EventLog,
    clock: Clock,
    sealer: Sealer,
    definitions: DefinitionStore,
    evaluator: Evaluator,
    targets: TargetPolicy,
    worker_id: str,
    longest_clearing_delay_seconds: float = 1.0,
    execution_retention_days: int = 0,
) -> Shell:
    """A shell on a log and a store. `worker_id` names this engine on the tasks that it runs.

    The delay is how long an emitted outbox may stay, where other engines might emit it again.
    """
    store = ExecutionStore(documents, clock)
    reader = ExecutionReader(store)
    queue = TaskQueue(documents, clock)
    polls = Polls(documents, clock)
    wake_ups = WakeUps(documents, clock)
    watch = ExecutionWatch()
    outputs = TaskOutputs(documents)
    secrets, environment = SecretStore(documents, sealer), EnvironmentStore(documents)
    checker = JsonSchemas()
    lookups = Lookups(polls, outputs, secrets, environment)
    limits = LimitStore(documents)
    due = DueLimits(limits, clock)
    task_limits = TaskLimits(limits, queue, CurrentTaskLimits(definitions, clock), due, clock)
    definitions.on_task_def(task_limits.definition_changed)
    runs = LimitedRuns(limits, store, RunKeys(lookups, clock, evaluator, checker), clock)
    executions = Executions(
        documents,
        store,
        Outbox(log, queue, outputs, task_limits, RunLines(limits, due, clock)),
        lookups,
        clock,
        evaluator,
        checker,
        listeners=(wake_ups, watch),
        longest_clearing_delay_seconds=longest_clearing_delay_seconds,
    )
    source = SnapshotSource(definitions, SchemaStore(documents, clock))
    inputs = StartInputs(checker)
    keys = StartKeys(documents, store, clock)
    retention = ExecutionRetention(documents, store, keys, clock, execution_retention_days)
    orders = LogOrders(
        documents,
        store,
        EventStarts(source, inputs, keys, runs, clock),
        ChildStarts(store, reader, source, inputs, keys, runs),
        clock,
    )
    calls = HttpCalls(targets)
    hand_over = HandOver(reader, secrets, environment)
    return Shell(
        documents=documents,
        store=store,
        reader=reader,
        executions=executions,
        operations=Operations(store, reader, source, keys, executions),
        starts=Starts(source, inputs, keys, runs, executions),
        synchronous=SynchronousAnswers(store, reader, watch),
        queue=queue,
        polls=polls,
        task_polls=TaskPolls(documents, queue, polls, task_limits, executions, hand_over),
        task_logs=TaskLogs(documents, clock),
        handler=CommandHandler(executions, orders),
        wake_ups=wake_ups,
        waits=Waits(documents, log, store, reader),
        sweeps=Sweeps([retention.sweep, Orphans(documents, clock).sweep, keys.sweep]),
        due_limits=due,
        limit_looks={
            TASK_LIMITS: TaskHolders(limits, task_limits, store, executions, clock).look,
            RUN_LIMITS: RunAdmission(limits, runs, definitions, executions).look,
        },
        system_tasks=SystemTasks(
            documents, queue, task_limits, executions, reader, hand_over, calls, worker_id
        ),
    )
