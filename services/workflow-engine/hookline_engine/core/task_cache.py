"""Outputs that are used again: `cacheConfig` of a node (D11).

The key may read the task's own input by name (`${uri}`), as well as what every expression can.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from hookline_common import expressions
from hookline_common.ids import digest
from hookline_common.jsonpath import text_of
from hookline_engine.core.decisions import CachedOutput, MissingLookups
from hookline_engine.core.inputs import Scope, scope_of
from hookline_engine.core.model import TaskLine
from hookline_engine.core.work import Work
from hookline_engine.definitions.model import CacheConfig
from hookline_engine.definitions.snapshots import Node


def with_key(work: Work, node: Node, config: CacheConfig, line: TaskLine) -> TaskLine:
    """The line with the id of its cache entry; without one where the key says nothing."""
    if config.ttl_in_second <= 0 or not config.key.strip():
        return line
    scope = _InputFirst(work.value(line.input), scope_of(work, config.key, line.id))
    value = expressions.evaluate(config.key, scope)
    if value is None or value == "":
        return line
    key = digest("task output", node.task.name, text_of(value))
    return msgspec.structs.replace(line, cache_key=key, cache_seconds=config.ttl_in_second)


def known_output(work: Work, config: CacheConfig, line: TaskLine) -> CachedOutput | None:
    """A COMPLETED output of the same task and key that is young enough; raises MissingLookups."""
    if not line.cache_key:
        return None
    if line.cache_key not in work.context.cached:
        raise MissingLookups(cached=frozenset((line.cache_key,)))
    found = work.context.cached[line.cache_key]
    if found is None or work.now - found.completed_at >= config.ttl_in_second * 1000:
        return None
    return found


def from_cache(line: TaskLine) -> TaskLine:
    """The line of a task that takes an output over; it does not make the output younger."""
    return msgspec.structs.replace(line, cached_output=True, cache_key="", cache_seconds=0)


class _InputFirst:
    """The keys of the task's input, then what every expression can see."""

    def __init__(self, given: dict[str, Any], scope: Scope) -> None:
        self._given = given
        self._scope = scope

    def lookup(self, head: str) -> Any:
        """The document behind a first segment."""
        if head in self._given and head != "workflow":
            return self._given[head]
        return self._scope.lookup(head)

    def heads(self) -> Iterable[str]:
        """Every first segment there is."""
        return (*self._given, *self._scope.heads())
