"""The limits of task types as their definitions say now, by name (D36)."""

from collections.abc import Iterable, Mapping

from hookline_common.clock import Clock
from hookline_engine.bounded_cache import BoundedCache
from hookline_engine.definition_store import DefinitionStore
from hookline_engine.definitions.model import TaskDef
from hookline_engine.limit_standing import Bounds

FRESH_MS = 1_000
"""How long a definition is believed. One saved through this engine counts at once."""

_KEPT = 10_000


class CurrentTaskLimits:
    """Reads each definition at most once a second, and only while its tasks are handed out."""

    def __init__(self, definitions: DefinitionStore, clock: Clock) -> None:
        self._definitions = definitions
        self._clock = clock
        self._known: BoundedCache[str, tuple[int, Bounds]] = BoundedCache(_KEPT)
        definitions.on_task_def(self.forget)

    async def of(self, names: Iterable[str]) -> Mapping[str, Bounds]:
        """The limits by name; no limits for a type without a definition."""
        now = self._clock.now_ms()
        found: dict[str, Bounds] = {}
        stale: list[str] = []
        for name in names:
            known = self._known.get(name)
            if known is None or not 0 <= now - known[0] < FRESH_MS:
                stale.append(name)
            else:
                found[name] = known[1]
        if stale:
            definitions = await self._definitions.task_defs(stale)
            for name in stale:
                found[name] = bounds = _bounds(definitions.get(name))
                self._known.put(name, (now, bounds))
        return found

    async def forget(self, name: str) -> None:
        """Read this one again at the next look."""
        self._known.put(name, (-FRESH_MS, Bounds()))


def _bounds(definition: TaskDef | None) -> Bounds:
    if definition is None:
        return Bounds()
    return Bounds(
        max(0, definition.concurrent_exec_limit or 0),
        max(0, definition.rate_limit_per_frequency or 0),
        max(1, definition.rate_limit_frequency_in_seconds or 1) * 1000,
    )
