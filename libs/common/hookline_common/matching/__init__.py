"""Matching of events with waits and start rules; pure, and the same code for every service."""

from hookline_common.matching.clauses import (
    Clauses,
    Violation,
    check_matches,
    check_when,
    equality_paths,
    holds,
    rule_holds,
    split,
)
from hookline_common.matching.events import EventView
from hookline_common.matching.explain import ClauseReport, explain_clauses, explain_wait
from hookline_common.matching.idempotency import (
    EventFacts,
    check_idempotency_key,
    idempotency_key,
)
from hookline_common.matching.plans import (
    Plan,
    TooManyValues,
    event_keys,
    match_key,
    plan_id,
    plan_of,
    wait_key,
)
from hookline_common.matching.rules import (
    StartKey,
    named_rules,
    start_effect_id,
    start_key,
    start_workflow_id,
)
from hookline_common.matching.values import canonical
from hookline_common.matching.waits import (
    WaitUnresolvable,
    check_wait,
    definition_paths,
    resolve_wait,
    wait_violations,
)

__all__ = [
    "ClauseReport",
    "Clauses",
    "EventFacts",
    "EventView",
    "Plan",
    "StartKey",
    "TooManyValues",
    "Violation",
    "WaitUnresolvable",
    "canonical",
    "check_idempotency_key",
    "check_matches",
    "check_wait",
    "check_when",
    "definition_paths",
    "equality_paths",
    "event_keys",
    "explain_clauses",
    "explain_wait",
    "holds",
    "idempotency_key",
    "match_key",
    "named_rules",
    "plan_id",
    "plan_of",
    "resolve_wait",
    "rule_holds",
    "split",
    "start_effect_id",
    "start_key",
    "start_workflow_id",
    "wait_key",
    "wait_violations",
]
