"""Lets executions in that stand in line under the limit of their workflow, first come first served.

First the place, then `Admit`, then the waiter leaves: after a crash in between the same waiter is
found again, has its place already, and is admitted once more, which does nothing.
"""

from collections.abc import Sequence

import msgspec

from hookline_common.errors import Retryable
from hookline_engine.core.commands import Admit
from hookline_engine.definition_store import DefinitionStore
from hookline_engine.drafts import Applied, Order
from hookline_engine.executions import Executions
from hookline_engine.limit_standing import Bounds, freed, room
from hookline_engine.limit_store import LimitStore, Waiter
from hookline_engine.limited_runs import LimitedRuns, belongs
from hookline_engine.run_lines import Terms, workflow_of

_PAGE = 100

_decoder = msgspec.json.Decoder(Terms)


class RunAdmission:
    """Works through the lines of executions."""

    def __init__(
        self,
        limits: LimitStore,
        runs: LimitedRuns,
        definitions: DefinitionStore,
        executions: Executions,
    ) -> None:
        self._limits = limits
        self._runs = runs
        self._definitions = definitions
        self._executions = executions

    async def look(self, limit_id: str) -> None:
        """Admit as many as there is room for now; raises the Retryable that kept one out."""
        await self._runs.verify(limit_id)
        while True:
            admitted = await self._next(limit_id)
            if not admitted:
                return

    async def _next(self, limit_id: str) -> int:
        """Admit the first in line; returns how many left it."""
        first = await self._limits.first(limit_id, 1)
        if not first:
            return 0
        bounds = await self._bounds(first[0])
        places = room(await self._limits.standing(limit_id), bounds, 0)
        # At least one: the first may have its place already, from before a crash.
        waiters = await self._limits.first(limit_id, min(_PAGE, max(1, places)))
        let_in = await self._runs.take(limit_id, bounds, [one.id for one in waiters])
        return await self._admit(limit_id, [one.id for one in waiters if one.id in let_in])

    async def _bounds(self, waiter: Waiter) -> Bounds:
        """As the definition says now, so that a raised limit lets in who waits."""
        terms = _decoder.decode(waiter.body)
        definition = await self._definitions.workflow_def(terms.workflow, terms.version)
        if definition is None:
            return Bounds(terms.at_once)
        config = definition.rate_limit_config
        return Bounds(max(0, config.concurrent_exec_limit) if config is not None else 0)

    async def _admit(self, limit_id: str, keys: Sequence[str]) -> int:
        orders = [Order(workflow_of(key), Admit(_revivals(key))) for key in keys]
        results = await self._executions.apply(orders)
        done = {
            key: result
            for key, result in zip(keys, results, strict=True)
            if isinstance(result, Applied)
        }
        gone = [
            key
            for key, result in done.items()
            if result.head is None or not belongs(result.head, limit_id, key)
        ]
        if gone:
            await self._limits.change(limit_id, lambda standing: freed(standing, gone))
        await self._limits.leave(list(done))
        failure = next((result for result in results if isinstance(result, Retryable)), None)
        if failure is not None:
            raise failure
        return len(done)


def _revivals(key: str) -> int:
    return int(key.rpartition(":")[2])
