"""The start rules of a webhook beside one event: which hold, under which key, what came. Pure."""

from collections.abc import Sequence

from hookline_common import reasons
from hookline_common.eventrecords import Effect, EventRecord
from hookline_common.matching import (
    ClauseReport,
    EventView,
    explain_clauses,
    idempotency_key,
    named_rules,
    start_effect_id,
)
from hookline_common.meetings import event_facts
from hookline_common.webhooks import StartRule
from hookline_engine.explained_clauses import HIDDEN, presentable, unmet
from hookline_engine.explanation import RuleReport


def rule_reports(
    rules: Sequence[StartRule], record: EventRecord, view: EventView
) -> tuple[RuleReport, ...]:
    """A report for each of today's rules."""
    effects = {effect.id: effect for effect in record.effects if effect.kind == "start"}
    return tuple(
        _report(rule, effects.get(start_effect_id(record.id, name)), record, view)
        for name, rule in named_rules(rules)
    )


def _report(
    rule: StartRule, effect: Effect | None, record: EventRecord, view: EventView
) -> RuleReport:
    clauses = presentable(explain_clauses(rule.when, view))
    key = _key(rule, record, view)
    return RuleReport(
        workflow=rule.workflow,
        version=rule.version,
        holds=all(clause.holds for clause in clauses),
        clauses=clauses,
        key=key or "",
        why=_why(effect) if effect is not None else _why_not(record, clauses, key),
        effect=effect,
    )


def _key(rule: StartRule, record: EventRecord, view: EventView) -> str | None:
    """What keeps the start from happening twice; None if it resolves to nothing."""
    identity = record.stands_for or record.id
    if rule.idempotency_key is None:
        return f"delivery {record.delivery_id}" if record.delivery_id else f"event {identity}"
    return idempotency_key(rule.idempotency_key, view, event_facts(record, identity))


def _why(effect: Effect) -> str:
    match effect.status:
        case "applied":
            return f"it started the execution {effect.workflow_id}"
        case "pending":
            return "the start was asked for, and the engine has not answered yet"
        case _:
            return f"the start was {effect.status}: {effect.error or effect.code or 'no reason'}"


def _why_not(record: EventRecord, clauses: Sequence[ClauseReport], key: str | None) -> str:
    missed = [clause.path for clause in unmet(clauses)]
    if missed:
        return f"its condition does not hold at {', '.join(missed)}"
    if any(clause.note == HIDDEN for clause in clauses):
        return "its condition compares a value that is kept hidden in the history"
    if key is None:
        return reasons.sentence(reasons.IDEMPOTENCY_KEY_EMPTY)
    if record.verdict == "pending":
        return "it holds, and the event is not matched yet"
    return "it holds today but did not when the event came: the rule is new or was changed since"
