"""Match plans and match keys: what makes the cost of an event independent of who waits.

A plan is (workflow, version, sorted equality paths). A wait has one key: plan and canonical
values. An event has a key for each combination of the values that it carries at the paths
(DESIGN.md section 7).
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from math import prod

import msgspec

from hookline_common.errors import HooklineError
from hookline_common.ids import digest
from hookline_common.matching.events import EventView
from hookline_common.messages import Wait

MOST_KEYS = 256


class TooManyValues(HooklineError):
    """The event carries more than 256 combinations of values at the paths of a plan."""


class Plan(msgspec.Struct, frozen=True, rename="camel"):
    """The paths that waits of one workflow version compare for equality, sorted."""

    workflow: str
    version: int
    paths: tuple[str, ...] = ()


@lru_cache(maxsize=8192)
def _plan_id(workflow: str, version: int, paths: tuple[str, ...]) -> str:
    return digest(workflow, str(version), *paths)


def plan_id(plan: Plan) -> str:
    """The id of the plan's document."""
    return _plan_id(plan.workflow, plan.version, plan.paths)


def plan_of(wait: Wait) -> Plan:
    """The plan of a wait."""
    return Plan(wait.workflow, wait.version, wait.paths)


def match_key(workflow: str, version: int, paths: tuple[str, ...], values: Sequence[str]) -> str:
    """The key under which a wait with these canonical values is found."""
    return digest(_plan_id(workflow, version, paths), *values)


def wait_key(wait: Wait) -> str:
    """The key under which the wait is found."""
    return match_key(wait.workflow, wait.version, wait.paths, wait.values)


def event_keys(plan: Plan, event: EventView) -> list[str]:
    """The keys of the waits that the event meets under `plan`; none if a path leads nowhere.

    Raises TooManyValues over 256 keys (protocols.md F6).
    """
    candidates = [event.candidates(path) for path in plan.paths]
    count = prod(map(len, candidates))
    if count > MOST_KEYS:
        raise TooManyValues
    prefix = plan_id(plan)
    if count == 1:
        return [digest(prefix, *[values[0] for values in candidates])]
    return [digest(prefix, *values) for values in product(*candidates)]
