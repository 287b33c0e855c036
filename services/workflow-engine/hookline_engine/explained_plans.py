"""The plans of a receiver beside one event: what the event has at the paths they compare. Pure."""

from hookline_common.matching import EventView, Plan, TooManyValues, event_keys, explain_clauses
from hookline_engine.explained_clauses import presentable
from hookline_engine.explanation import PathReport, PlanReport

TOO_MANY_VALUES = "too_many_values"


def plan_report(plan: Plan, view: EventView) -> PlanReport:
    """The plan beside the event."""
    keys, problem = _keys(plan, view)
    return PlanReport(
        workflow=plan.workflow,
        version=plan.version,
        paths=_paths(plan, view),
        keys=keys,
        problem=problem,
    )


def _paths(plan: Plan, view: EventView) -> tuple[PathReport, ...]:
    there = explain_clauses({path: {"operator": "exists"} for path in plan.paths}, view)
    return tuple(
        PathReport(path=clause.path, found=clause.found, actual=clause.actual, note=clause.note)
        for clause in presentable(there)
    )


def _keys(plan: Plan, view: EventView) -> tuple[int, str | None]:
    try:
        return len(event_keys(plan, view)), None
    except TooManyValues:
        return 0, TOO_MANY_VALUES
