"""The limit that an execution is to run under: `rateLimitKey`, evaluated before it begins (D9)."""

import secrets

from hookline_common.clock import Clock
from hookline_common.errors import BadRequest, SealBroken
from hookline_common.ids import digest
from hookline_engine.core.commands import Start
from hookline_engine.core.decisions import (
    Context,
    Evaluator,
    MissingLookups,
    SchemaChecker,
    Unmappable,
)
from hookline_engine.core.lifecycle import new_head
from hookline_engine.core.model import RunLimit
from hookline_engine.core.run_limits import evaluated_key
from hookline_engine.definitions.snapshots import Snapshot
from hookline_engine.lookups import Lookups

PREFIX = "run:"


class RunKeys:
    """Evaluates with the same core, and the same view of the world, as executions are decided."""

    def __init__(
        self, lookups: Lookups, clock: Clock, evaluator: Evaluator, schemas: SchemaChecker
    ) -> None:
        self._lookups = lookups
        self._clock = clock
        self._evaluator = evaluator
        self._schemas = schemas

    async def limit(self, start: Start, snapshot: Snapshot) -> RunLimit | None:
        """The limit, None if the definition has none; BadRequest for a key without a value."""
        config = snapshot.definition.rate_limit_config
        if config is None or config.concurrent_exec_limit <= 0:
            return None
        key = await self._evaluated(start, snapshot, config.rate_limit_key)
        name = snapshot.definition.name
        return RunLimit(PREFIX + digest(name, key), key, config.concurrent_exec_limit)

    async def _evaluated(self, start: Start, snapshot: Snapshot, template: str) -> str:
        seed = secrets.token_hex(8)
        context = Context(self._clock.now_ms(), seed, self._evaluator, self._schemas)
        head = new_head(snapshot, start, context)
        while True:
            try:
                return evaluated_key(head, snapshot, start, template, context)
            except MissingLookups as missing:
                context = await self._answered(context, missing, template)
            except Unmappable as error:
                raise _invalid(template, error) from error

    async def _answered(self, context: Context, missing: MissingLookups, template: str) -> Context:
        try:
            return await self._lookups.answered(context, [missing])
        except SealBroken as error:
            raise _invalid(template, error) from error


def _invalid(template: str, error: Exception) -> BadRequest:
    message = f"The rateLimitKey {template!r} has no value for this start: {error}"
    return BadRequest(message, code="invalid_rate_limit_key")
