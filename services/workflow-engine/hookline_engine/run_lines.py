"""The lines of executions that wait for a place under the limit of their workflow (D9).

A place is kept under `<workflow id>:<revivals>`: who runs again after its end needs a new one.
"""

from collections.abc import Callable, Sequence

import msgspec

from hookline_common.clock import Clock
from hookline_engine.core.effects import FreeRun, QueueRun
from hookline_engine.due_limits import DueLimits
from hookline_engine.limit_standing import Standing, freed
from hookline_engine.limit_store import LimitStore, Waiter


class Terms(msgspec.Struct, frozen=True, rename="camel"):
    """Whose limit a waiter waits for; `at_once` counts where that definition is not stored."""

    workflow: str
    version: int
    at_once: int


_encoder = msgspec.json.Encoder()


class RunLines:
    """Effects of executions on their lines, safe to repeat. A look follows by itself."""

    def __init__(self, limits: LimitStore, due: DueLimits, clock: Clock) -> None:
        self._limits = limits
        self._due = due
        self._clock = clock

    async def queue(self, effects: Sequence[QueueRun]) -> None:
        """Put executions in line, in the order of tickets."""
        for effect in effects:
            after = await self._limits.change(effect.limit_id, _with_ticket)
            terms = Terms(effect.workflow, effect.version, effect.at_once)
            waiter = Waiter(
                run_key(effect.workflow_id, effect.revivals),
                effect.limit_id,
                0,
                after.tickets,
                _encoder.encode(terms),
            )
            await self._limits.wait([waiter])
            self._due.add(effect.limit_id, self._clock.now_ms())

    async def free(self, effects: Sequence[FreeRun]) -> None:
        """These executions have ended: they neither run nor wait any more."""
        by_limit: dict[str, list[str]] = {}
        for effect in effects:
            key = run_key(effect.workflow_id, effect.revivals)
            by_limit.setdefault(effect.limit_id, []).append(key)
        for limit_id, keys in by_limit.items():
            await self._limits.leave(keys)
            await self._limits.change(limit_id, _without(keys))
            self._due.add(limit_id, self._clock.now_ms())


def run_key(workflow_id: str, revivals: int) -> str:
    """The holder of a place, and the id of a waiter: one life of an execution."""
    return f"{workflow_id}:{revivals}"


def workflow_of(key: str) -> str:
    """The execution of a holder or waiter."""
    return key.rpartition(":")[0]


def _with_ticket(standing: Standing) -> Standing:
    return msgspec.structs.replace(standing, tickets=standing.tickets + 1)


def _without(keys: Sequence[str]) -> Callable[[Standing], Standing]:
    return lambda standing: freed(standing, keys)
