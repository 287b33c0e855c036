"""What happened to an event, in sentences. Pure."""

from collections.abc import Iterator, Sequence

from hookline_common import reasons
from hookline_common.clock import utc_text
from hookline_common.eventrecords import Effect, EventRecord
from hookline_engine.explanation import EarlyEvent, FirstEvent, WebhookState

_NO_LONGER_EARLY = frozenset({"rejected", "handshake", "paused", "duplicate", "dead"})


def sentences(record: EventRecord, first: FirstEvent | None) -> tuple[str, ...]:
    """The verdict and its reason, then what else is worth knowing."""
    return (*_of_verdict(record, first), *_of_replays(record))


def about_webhook(state: WebhookState) -> tuple[str, ...]:
    """What to bear in mind where the webhook is no longer what it was."""
    match state:
        case "present":
            return ()
        case "changed":
            return ("The webhook was changed since: receivers and start rules are those of today.",)
        case "replaced":
            return (
                "The webhook was deleted and made anew since: what is shown is of the new one.",
            )
        case "deleted":
            return ("The webhook was deleted since: its receivers and start rules are not known.",)


def early_event(record: EventRecord, now_ms: int) -> EarlyEvent | None:
    """How long the event is kept for late waits; None if it never is."""
    if not record.kept_until or record.verdict in _NO_LONGER_EARLY:
        return None
    expired = now_ms > record.kept_until
    until = utc_text(record.kept_until)
    if not expired:
        text = f"kept until {until} for waits that open late"
    elif any(effect.kind == "resume" and effect.status == "applied" for effect in record.effects):
        text = f"was kept until {until} for waits that open late"
    else:
        text = f"expired at {until} without a taker"
    return EarlyEvent(record.kept_until, expired, text)


def _of_verdict(record: EventRecord, first: FirstEvent | None) -> Iterator[str]:
    match record.verdict:
        case "rejected":
            yield f"The event was rejected ({record.reason}): {_detail(record)}"
        case "handshake":
            yield "This was the platform's handshake: it was answered, and that is all it is for."
        case "paused":
            yield "The webhook was paused, so that the event had no effect; it can be replayed."
        case "duplicate":
            yield _of_duplicate(record, first)
        case "dead":
            yield f"A message of the event was put aside: {_detail(record)}"
        case "pending":
            yield "Not everything that the event asked for has an outcome yet."
            yield from _of_effects(record.effects)
        case "unmatched":
            yield f"The event is verified, but had no effect ({record.reason}): {_detail(record)}"
            yield from _of_effects(record.effects)
        case "failed":
            yield "The event matched, but everything that it asked for was refused or failed."
            yield from _of_effects(record.effects)
        case _:
            yield from _of_effects(record.effects)


def _of_duplicate(record: EventRecord, first: FirstEvent | None) -> str:
    same = (
        "the same signed bytes came"
        if record.reason == reasons.SAME_BYTES
        else f"the delivery {record.delivery_id} came"
    )
    counts = "which counts, so that this one had no effect."
    if first is None or first.received_at is None:
        return f"A duplicate: {same} before, as the event {record.duplicate_of}, {counts}"
    return (
        f"A duplicate: {same} before, at {utc_text(first.received_at)} as the event {first.id} "
        f"({first.verdict}), {counts}"
    )


def _of_effects(effects: Sequence[Effect]) -> Iterator[str]:
    for kind, done in (("resume", "It resumed"), ("start", "It started")):
        applied = [
            effect for effect in effects if (effect.kind, effect.status) == (kind, "applied")
        ]
        if applied:
            names = ", ".join(dict.fromkeys(effect.workflow_name for effect in applied))
            what = "execution" if len(applied) == 1 else "executions"
            yield f"{done} {len(applied)} {what} of {names}."
    for effect in effects:
        if effect.status in ("refused", "failed"):
            reason = effect.error or effect.code
            yield f"The {effect.kind} of {effect.workflow_name} was {effect.status}: {reason}"


def _of_replays(record: EventRecord) -> Iterator[str]:
    if record.replay_of:
        yield f"It is a replay of the event {record.replay_of}."
    if record.replays:
        yield f"It was replayed {len(record.replays)} times, last as {record.replays[-1]}."


def _detail(record: EventRecord) -> str:
    return record.detail or reasons.sentence(record.reason or "")
