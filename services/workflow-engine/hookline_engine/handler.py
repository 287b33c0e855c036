"""What the engine does with commands of the log: a batch costs one read, one write, one append."""

from collections.abc import Sequence

from hookline_common.errors import HooklineError, Retryable
from hookline_common.eventlog import Delivered, Record
from hookline_common.messages import COMMANDS_CODEC, Command, CompleteTask, StartWorkflow
from hookline_engine.drafts import Applied
from hookline_engine.executions import Executions
from hookline_engine.log_orders import LogOrders


class CommandHandler:
    """The consumer's handler. Doing a batch twice equals doing it once: ids are derived."""

    def __init__(self, executions: Executions, orders: LogOrders) -> None:
        self._executions = executions
        self._orders = orders

    async def handle(self, batch: Sequence[Delivered]) -> Sequence[Record]:
        """Apply the commands; returns what must be said on the log of those that did nothing."""
        commands = [COMMANDS_CODEC.decode(delivered.record.value) for delivered in batch]
        prepared = await self._orders.prepare(commands)
        wanted = [(at, order) for at, order in enumerate(prepared.orders) if order is not None]
        results = await self._executions.apply([order for _, order in wanted])
        _raise_failures(results)
        records = list(prepared.records)
        for (at, _), result in zip(wanted, results, strict=True):
            if isinstance(result, Applied):
                records += await self._orders.follow_up(batch[at], commands[at], result)
        return records

    def subject(self, delivered: Delivered) -> tuple[str, str] | None:
        """The event and the webhook that the command is for."""
        try:
            command: Command = COMMANDS_CODEC.decode(delivered.record.value)
        except HooklineError:
            return None
        if isinstance(command, CompleteTask | StartWorkflow):
            return command.event.event_id, command.event.webhook_id
        return None


def _raise_failures(results: Sequence[Applied | Exception]) -> None:
    """A failure of log or store first: it says nothing about the messages of the batch."""
    failures: list[Exception] = []
    for result in results:
        if isinstance(result, Exception):
            failures.append(result)
        elif result.log_failure is not None:
            failures.append(result.log_failure)
    failures.sort(key=lambda failure: not isinstance(failure, Retryable))
    if failures:
        raise failures[0]
