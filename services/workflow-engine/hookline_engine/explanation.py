"""Why an event did what it did: the answer of `explain`, small and typed."""

from typing import Literal, TypeAlias

import msgspec

from hookline_common.eventrecords import Effect, Verdict
from hookline_common.matching import ClauseReport
from hookline_common.rawevents import Check

WebhookState: TypeAlias = Literal["present", "changed", "deleted", "replaced"]
"""The event's webhook today; `replaced` is another one under the same id."""

ObstacleCode: TypeAlias = Literal[
    "webhook_not_named",
    "version_not_named",
    "opened_afterwards",
    "execution_started_afterwards",
    "event_kept_too_short",
    "wait_timed_out",
    "taken_before",
    "taken_by_this_execution",
    "wait_closed",
]


class Obstacle(msgspec.Struct, frozen=True, rename="camel"):
    """What beside its clauses keeps a wait from the event; `code` is for programs."""

    code: ObstacleCode
    text: str


class WaitReport(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A waiting task beside the event. `meets`: every clause holds and nothing else is in the way.

    `state` is open, taken or closed; `missed` counts the clauses that do not hold.
    """

    task_id: str
    workflow_id: str
    workflow: str
    version: int
    task_ref: str
    state: str
    opened_at: int
    meets: bool
    missed: int
    clauses: tuple[ClauseReport, ...]
    obstacles: tuple[Obstacle, ...]


class PathReport(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What the event has at a path of a plan."""

    path: str
    found: bool
    actual: object
    note: str = ""


class PlanReport(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A candidate plan: the paths that waits compare for equality, and what the event has there.

    `keys` is how many combinations of values that gives: none, and no wait of the plan can be
    found; `problem` is `too_many_values` beyond the limit.
    """

    workflow: str
    version: int
    paths: tuple[PathReport, ...]
    keys: int
    problem: str | None = None


class ReceiverReport(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A workflow that the webhook may resume: its plans, and its waits, the nearest first.

    `version` 0 is any; `open_waits` is how many are open, `examined` how many waits were looked
    at: those that the event resumed, the newest open ones, then the newest of those that are taken
    or closed by now.
    """

    workflow: str
    version: int
    defined: bool
    plans: tuple[PlanReport, ...]
    open_waits: int
    examined: int
    waits: tuple[WaitReport, ...]


class RuleReport(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A start rule. `effect` is what the event's record says of it; `why` is a sentence."""

    workflow: str
    version: int
    holds: bool
    clauses: tuple[ClauseReport, ...]
    key: str
    why: str
    effect: Effect | None = None


class FirstEvent(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The event that came first where this one is a duplicate of it."""

    id: str
    link: str
    verdict: Verdict | None = None
    received_at: int | None = None


class EarlyEvent(msgspec.Struct, frozen=True, rename="camel"):
    """How long the event is kept for waits that open late."""

    kept_until: int
    expired: bool
    text: str


class Explanation(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The whole answer; `summary` says in sentences what happened.

    Receivers and start rules are those that the webhook names today.
    """

    event_id: str
    webhook_id: str
    webhook_name: str
    verdict: Verdict
    received_at: int
    summary: tuple[str, ...]
    webhook: WebhookState
    checks: tuple[Check, ...]
    effects: tuple[Effect, ...]
    receivers: tuple[ReceiverReport, ...]
    start_rules: tuple[RuleReport, ...]
    reason: str | None = None
    type: str | None = None
    early: EarlyEvent | None = None
    first: FirstEvent | None = None
    replay_of: str | None = None
