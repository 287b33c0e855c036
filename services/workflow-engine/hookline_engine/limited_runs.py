"""Executions under the limit of their workflow (D9): who begins with a place, who has one still."""

from collections.abc import Sequence

import msgspec

from hookline_common.clock import Clock
from hookline_common.errors import TooManyRequests
from hookline_engine.core.commands import Start
from hookline_engine.core.model import Head, RunLimit
from hookline_engine.definitions.snapshots import Snapshot
from hookline_engine.execution_store import ExecutionStore
from hookline_engine.limit_standing import Bounds, Standing, freed, stale, taken, verified
from hookline_engine.limit_store import LimitStore
from hookline_engine.run_keys import RunKeys
from hookline_engine.run_lines import run_key, workflow_of


class LimitedRuns:
    """Places. Who gets one from the line is seen to elsewhere (run_admission.py)."""

    def __init__(
        self,
        limits: LimitStore,
        store: ExecutionStore,
        keys: RunKeys,
        clock: Clock,
    ) -> None:
        self._limits = limits
        self._store = store
        self._keys = keys
        self._clock = clock

    async def prepared(self, start: Start, snapshot: Snapshot) -> Start:
        """The start, with a place if there is one and nobody stands in line.

        Raises TooManyRequests where the definition says REJECT, BadRequest for a key without value.
        """
        limit = await self._keys.limit(start, snapshot)
        if limit is None or await self._store.head(start.workflow_id) is not None:
            return start
        reserved = await self._reserved(limit, run_key(start.workflow_id, 0))
        config = snapshot.definition.rate_limit_config
        if not reserved and config is not None and config.policy == "REJECT":
            raise TooManyRequests(
                f"{limit.at_once} executions of {snapshot.definition.name} are running with the "
                f"rateLimitKey {limit.key!r}: start it again when one of them has ended.",
                code="workflow_limit_reached",
            )
        return msgspec.structs.replace(start, rate_limit=limit, reserved=reserved)

    async def _reserved(self, limit: RunLimit, key: str) -> bool:
        if await self._limits.first(limit.id, 1):
            return False
        bounds = Bounds(limit.at_once)
        if key in await self.take(limit.id, bounds, [key]):
            return True
        return await self.verify(limit.id) and key in await self.take(limit.id, bounds, [key])

    async def take(self, limit_id: str, bounds: Bounds, keys: Sequence[str]) -> frozenset[str]:
        """Places for the first of `keys` that fit; returns who has one."""
        now = self._clock.now_ms()
        let_in: frozenset[str] = frozenset()

        def change(standing: Standing) -> Standing:
            nonlocal let_in
            after, let_in = taken(standing, bounds, keys, now)
            return after

        await self._limits.change(limit_id, change)
        return let_in

    # --- repair ---

    async def verify(self, limit_id: str) -> bool:
        """Free the places of executions that have ended or never began; whether there were any.

        What holds a place for a start that hangs longer than `stale` says is taken for the latter.
        """
        now = self._clock.now_ms()
        keys = stale(await self._limits.standing(limit_id), now)
        if not keys:
            return False
        heads = await self._store.heads([workflow_of(key) for key in keys])
        alive: list[str] = []
        for key in keys:
            stored = heads.get(workflow_of(key))
            if stored is not None and belongs(stored.head, limit_id, key):
                alive.append(key)
        gone = [key for key in keys if key not in alive]
        await self._limits.change(
            limit_id, lambda standing: verified(freed(standing, gone), alive, now)
        )
        return bool(gone)


def belongs(head: Head, limit_id: str, key: str) -> bool:
    """Whether the execution lives this very life, under this limit: with a place, or in line."""
    limit = head.rate_limit
    return (
        not head.terminal
        and limit is not None
        and limit.id == limit_id
        and run_key(head.workflow_id, head.revivals) == key
    )
