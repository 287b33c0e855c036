"""The verdict of an event: what its effects, their outcomes and the verifier's finding add up to.

Pure functions from record to record, each of which may be applied any number of times. A verdict
moves only forward: what took hold is never undone (specs/webhooks.md section 7).
"""

from msgspec.structs import replace

from hookline_common import reasons
from hookline_common.eventrecords import MAX_STEPS, Effect, EventRecord, Step, Verdict

EFFECTLESS: frozenset[Verdict] = frozenset(("unmatched", "paused", "dead", "failed"))
"""Ended without any effect: another delivery of the same event is no duplicate (E1)."""

DEAD_LETTERED = "dead-lettered"
"""What the step of a message that was put aside says."""

UNMATCHABLE: frozenset[Verdict] = frozenset(
    ("rejected", "handshake", "paused", "duplicate", "dead")
)
"""Never offered to a wait, unless a verified message of the event comes after it (E3)."""


def is_matchable(record: EventRecord) -> bool:
    """Whether a wait may take the event: verified, and no duplicate of another."""
    return record.verified and record.verdict not in UNMATCHABLE


def with_effects(record: EventRecord, effects: tuple[Effect, ...]) -> EventRecord:
    """The record with those of the effects that it does not have yet."""
    known = {effect.id for effect in record.effects}
    fresh = tuple(effect for effect in effects if effect.id not in known)
    return replace(record, effects=record.effects + fresh) if fresh else record


def with_outcome(record: EventRecord, outcome: Effect) -> EventRecord:
    """The record with what became of one effect. What was applied stays applied."""
    known = next((effect for effect in record.effects if effect.id == outcome.id), None)
    if known is None:  # a lone effect is not recorded before its outcome
        return _revived(replace(record, effects=(*record.effects, outcome)))
    if known.status == "applied" or known.status == outcome.status:
        return record
    merged = _merged(known, outcome)
    effects = tuple(merged if effect.id == outcome.id else effect for effect in record.effects)
    revived = replace(record, effects=effects)
    return _revived(revived) if known.code == reasons.DEAD_LETTERED else revived


def _revived(record: EventRecord) -> EventRecord:
    """The record once the command of a dead-lettered effect was taken back and has an outcome: it
    is dead no longer, unless another of its commands still is.
    """
    still = any(effect.code == reasons.DEAD_LETTERED for effect in record.effects)
    if record.verdict != "dead" or still:
        return record
    return replace(record, verdict="pending", reason=None, detail=None)


def with_step(record: EventRecord, step: Step) -> EventRecord:
    """The record with one more step; a step of the same message is there only once."""
    full = len(record.steps) >= MAX_STEPS
    if full or any(_same_step(step, known) for known in record.steps):
        return record
    return replace(record, steps=(*record.steps, step))


def dead_lettered(record: EventRecord, error: str) -> EventRecord:
    """The record of an event one of whose messages was put aside: what was pending has failed."""
    effects = tuple(
        replace(effect, status="failed", code=reasons.DEAD_LETTERED, error=error)
        if effect.status == "pending"
        else effect
        for effect in record.effects
    )
    if any(effect.status == "applied" for effect in effects):
        return replace(record, effects=effects)
    return replace(
        record, effects=effects, verdict="dead", reason=reasons.DEAD_LETTERED, detail=error
    )


def out_of_death(record: EventRecord, fresh: EventRecord) -> EventRecord:
    """The record of a dead event once it was taken back and ended without any effect after all."""
    if record.verdict != "dead" or record.effects:
        return record
    return replace(fresh, steps=(*record.steps, *fresh.steps), replays=record.replays)


def settled(record: EventRecord, now_ms: int, reason: str | None = None) -> EventRecord:
    """The record with the verdict that its effects add up to; `reason` is for one without any.

    While an effect has no outcome the verdict stays what it was: "pending" at first.
    """
    if any(effect.status == "pending" for effect in record.effects):
        return record
    applied = {effect.kind for effect in record.effects if effect.status == "applied"}
    if applied:
        return _final(record, _of_kinds(applied), None, None, now_ms)
    if not record.effects:
        return _without_effects(record, reason or reasons.NO_WAIT, now_ms)
    return _all_refused(record, now_ms)


def _merged(known: Effect, outcome: Effect) -> Effect:
    return replace(
        outcome,
        workflow_id=outcome.workflow_id or known.workflow_id,
        workflow_name=outcome.workflow_name or known.workflow_name,
        version=outcome.version or known.version,
        task_id=outcome.task_id or known.task_id,
        task_ref=outcome.task_ref or known.task_ref,
    )


def _same_step(one: Step, other: Step) -> bool:
    again = one.did != DEAD_LETTERED or one.at == other.at  # taken back, it may die once more
    return again and (one.service, one.did, one.position) == (
        other.service,
        other.did,
        other.position,
    )


def _of_kinds(applied: set[str]) -> Verdict:
    if applied == {"resume"}:
        return "resumed"
    return "started" if applied == {"start"} else "resumed_and_started"


def _without_effects(record: EventRecord, reason: str, now_ms: int) -> EventRecord:
    if record.verdict != "pending":
        return record
    detail = record.detail or reasons.sentence(reason)
    return _final(record, "unmatched", reason, detail, now_ms)


def _all_refused(record: EventRecord, now_ms: int) -> EventRecord:
    if record.verdict not in ("pending", "unmatched"):
        return record
    if all(effect.code == reasons.WAIT_TIMED_OUT for effect in record.effects):
        reason = reasons.WAIT_TIMED_OUT
        return _final(record, "unmatched", reason, reasons.sentence(reason), now_ms)
    first = record.effects[0]
    return _final(record, "failed", first.code, first.error, now_ms)


def _final(
    record: EventRecord, verdict: Verdict, reason: str | None, detail: str | None, now_ms: int
) -> EventRecord:
    if (record.verdict, record.reason, record.detail) == (verdict, reason, detail):
        return record
    return replace(record, verdict=verdict, reason=reason, detail=detail, done_at=now_ms)
