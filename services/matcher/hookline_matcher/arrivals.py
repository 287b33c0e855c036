"""Verified events as they arrive: payload, claims, keys under the plans, first step. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from hookline_common import reasons
from hookline_common.eventlog import Delivered
from hookline_common.eventrecords import Step
from hookline_common.matching import Plan, TooManyValues, event_keys
from hookline_common.payloads import Payload, PayloadUnreadable, read_payload
from hookline_common.platforms.catalogue import declaration_for
from hookline_common.rawevents import JudgedEvent
from hookline_common.webhooks import DEFAULT_DEDUPE_SECONDS, Options, WebhookConfig
from hookline_matcher.batch import SERVICE, Batch
from hookline_matcher.deliveries import Claimant, Ruling, bytes_claim_id, delivery_claim_id
from hookline_matcher.events import EventInHand, judged_in_hand
from hookline_matcher.plans import PlanSet

_NO_OPTIONS = Options()


@dataclass(slots=True, eq=False)
class Arrival:
    """A verified event on its way; `config` None: its webhook is gone; `again`: it came before.

    `unmatched` is the reason if nothing takes it; `must_save`: its stored record lacks keys.
    """

    event: EventInHand
    judged: JudgedEvent
    position: str
    config: WebhookConfig | None
    unmatched: str = reasons.NO_WAIT
    duplicate: bool = False
    again: bool = False
    must_save: bool = False


def arrivals_of(batch: Batch, events: Sequence[tuple[Delivered, JudgedEvent]]) -> list[Arrival]:
    """The events of a batch, each once."""
    found: dict[str, Arrival] = {}
    for delivered, judged in events:
        if judged.raw.id not in found:
            found[judged.raw.id] = _arrival(batch, delivered, judged)
    return list(found.values())


def _arrival(batch: Batch, delivered: Delivered, judged: JudgedEvent) -> Arrival:
    config = batch.webhook(judged.raw.webhook_id, judged.incarnation)
    options = _NO_OPTIONS if config is None else config.options
    unmatched, detail, payload = reasons.NO_WAIT, None, None
    try:
        payload = payload_of(judged, options)
    except PayloadUnreadable as error:
        unmatched, detail = reasons.PAYLOAD_UNREADABLE, str(error)
    if config is None:
        judged = replace(
            judged,
            verdict="rejected",
            reason=reasons.WEBHOOK_DELETED,
            detail=reasons.sentence(reasons.WEBHOOK_DELETED),
        )
    event = judged_in_hand(judged, delivered, options, payload)
    if detail is not None:
        event.record = replace(event.record, detail=detail)
    position = delivered.position
    where = f"{position.topic}:{position.partition}:{position.offset}"
    return Arrival(event, judged, where, config, unmatched)


def payload_of(judged: JudgedEvent, options: Options) -> Payload:
    """The payload of a judged event; raises PayloadUnreadable."""
    raw = judged.raw
    return read_payload(raw.content_type, raw.body, raw.query, merge_query=options.merge_query)


def claimants(arrival: Arrival) -> list[Claimant]:
    """What the event claims: nothing if it is a replay (E4) or its webhook is gone."""
    record, config = arrival.event.record, arrival.config
    if config is None or arrival.judged.raw.replay is not None:
        return []
    seconds = config.options.dedupe_seconds
    window_ms = (DEFAULT_DEDUPE_SECONDS if seconds is None else seconds) * 1000
    found: list[Claimant] = []
    if record.delivery_id is not None:
        key = delivery_claim_id(record.webhook_id, record.incarnation, record.delivery_id)
        found.append(Claimant(key, record.id, record.received_at, window_ms))
    if config.options.same_bytes == "reject" and _bytes_can_come_again(config):
        key = bytes_claim_id(record.webhook_id, record.incarnation, arrival.judged.raw.body)
        claimant = Claimant(key, record.id, record.received_at, window_ms, reasons.SAME_BYTES)
        found.append(claimant)
    return found


def _bytes_can_come_again(config: WebhookConfig) -> bool:
    """Whether a forger can make an old event new: neither its id nor a time is signed (E2)."""
    declaration = declaration_for(config)
    return not declaration.event.id_signed and all(
        scheme.ts is None for scheme in declaration.schemes
    )


def apply_ruling(arrival: Arrival, ruling: Ruling) -> None:
    """Make the event a duplicate, or let it stand for the first event of its delivery (E1)."""
    record = arrival.event.record
    if ruling.duplicate_of is not None:
        arrival.duplicate = True
        arrival.event.record = replace(
            record,
            verdict="duplicate",
            duplicate_of=ruling.duplicate_of,
            reason=ruling.reason,
            kept_until=0,
            done_at=record.verified_at,
        )
    elif ruling.origin is not None and ruling.origin != record.id:
        arrival.event.record = replace(record, stands_for=ruling.origin)


def put_keys(arrivals: Iterable[Arrival], plans: PlanSet) -> None:
    """Give each event its keys and the revision of the plans that they were made with."""
    of_webhook: dict[str, list[Plan]] = {}
    for arrival in arrivals:
        config, event = arrival.config, arrival.event
        if config is None or arrival.duplicate:
            continue
        if config.id not in of_webhook:
            of_webhook[config.id] = list(plans.of_receivers(config))
        event.record = replace(event.record, plan_revision=plans.revision)
        if arrival.unmatched != reasons.PAYLOAD_UNREADABLE:
            event.keys = _keys(arrival, of_webhook[config.id])


def put_step(arrivals: Iterable[Arrival], now_ms: int) -> None:
    """The record tells from the start that it was matched: this spares most events a write."""
    for arrival in arrivals:
        record = arrival.event.record
        did = "matched" if record.verdict == "pending" else record.verdict
        step = Step(service=SERVICE, did=did, at=now_ms, position=arrival.position)
        arrival.event.record = replace(record, steps=(*record.steps, step), matched_at=now_ms)


def _keys(arrival: Arrival, plans: Iterable[Plan]) -> tuple[str, ...]:
    """The keys of the event under each plan, beside those it has."""
    keys = dict.fromkeys(arrival.event.keys)
    view = arrival.event.view()
    for plan in plans:
        try:
            keys.update(dict.fromkeys(event_keys(plan, view)))
        except TooManyValues:
            arrival.unmatched = reasons.TOO_MANY_VALUES
    return tuple(keys)
