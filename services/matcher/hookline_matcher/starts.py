"""Start rules: which workflows an event starts, under which key (webhooks.md section 6). Pure."""

from collections.abc import Sequence

import msgspec

from hookline_common import reasons
from hookline_common.eventlog import Record
from hookline_common.eventrecords import Effect
from hookline_common.ids import derived_uuid, digest
from hookline_common.matching import EventFacts, idempotency_key, rule_holds
from hookline_common.messages import StartWorkflow
from hookline_common.rawevents import Replay
from hookline_common.webhooks import StartRule, WebhookConfig
from hookline_matcher.events import EventInHand
from hookline_matcher.resumes import command_record, event_ref, inline_payload


class Start(msgspec.Struct, frozen=True):
    """A start that the event asks for. `command` None: it failed before it could be asked for."""

    effect: Effect
    command: Record | None


class _Key(msgspec.Struct, frozen=True):
    text: str
    given: bool


def starts_of(event: EventInHand, config: WebhookConfig, replay: Replay | None) -> list[Start]:
    """The starts of an event, one for each rule whose condition holds."""
    if not config.start_rules:
        return []
    found: list[Start] = []
    names: dict[str, int] = {}
    for rule in config.start_rules:
        # The rule's name in keys: its workflow and how many rules of that workflow come before, so
        # that an edited condition does not start again what was started.
        ordinal = names.get(rule.workflow, 0)
        names[rule.workflow] = ordinal + 1
        if rule_holds(rule.when, event.view()):
            found.append(_start(event, rule, f"{rule.workflow}#{ordinal}", replay))
    return found


def _start(event: EventInHand, rule: StartRule, rule_name: str, replay: Replay | None) -> Start:
    key = _key_of(event, rule, rule_name, replay)
    effect = Effect(
        id=digest("start", event.id, rule_name),
        kind="start",
        status="pending",
        workflow_name=rule.workflow,
        version=rule.version,
    )
    if key is None:
        reason = reasons.IDEMPOTENCY_KEY_EMPTY
        failed = msgspec.structs.replace(
            effect, status="failed", code=reason, error=reasons.sentence(reason)
        )
        return Start(failed, None)
    workflow_id = _workflow_id(event, rule, key)
    effect = msgspec.structs.replace(effect, workflow_id=workflow_id)
    command = StartWorkflow(
        workflow_id=workflow_id,
        name=rule.workflow,
        version=rule.version,
        effect_id=effect.id,
        event=event_ref(event),
        key=key.text,
        key_given=key.given,
        strategy=rule.idempotency_strategy,
        correlation_id=event.record.delivery_id,
        payload=inline_payload(event),
    )
    return Start(effect, command_record(command))


def _workflow_id(event: EventInHand, rule: StartRule, key: _Key) -> str:
    if rule.idempotency_strategy == "FAIL_ON_RUNNING" and key.given:
        # The key may be used again once its execution has ended, and that one keeps its id.
        return derived_uuid("workflow", rule.workflow, key.text, event.identity)
    return derived_uuid("workflow", rule.workflow, key.text)


def _key_of(
    event: EventInHand, rule: StartRule, rule_name: str, replay: Replay | None
) -> _Key | None:
    again: Sequence[str] = (replay.replay_id,) if replay is not None and replay.restart else ()
    record = event.record
    if rule.idempotency_key is None:
        # A redelivery has its delivery id, a replay the id of the first event (E4).
        delivery = record.delivery_id
        which = ("delivery", delivery) if delivery is not None else ("event", event.identity)
        return _Key(digest("key", record.webhook_id, *which, rule_name, *again), given=False)
    text = idempotency_key(rule.idempotency_key, event.view(), _facts(event))
    if not text:
        return None
    return _Key(":".join((text, *again)), given=True)


def _facts(event: EventInHand) -> EventFacts:
    record = event.record
    return EventFacts(
        event_id=event.identity,
        delivery_id=record.delivery_id,
        type=record.type,
        webhook_id=record.webhook_id,
        webhook_name=record.webhook_name,
    )
