"""Start rules: which workflows an event starts, under which key (webhooks.md section 6). Pure."""

import msgspec

from hookline_common import reasons
from hookline_common.eventlog import Record
from hookline_common.eventrecords import Effect
from hookline_common.matching import (
    named_rules,
    rule_holds,
    start_effect_id,
    start_key,
    start_workflow_id,
)
from hookline_common.meetings import event_facts
from hookline_common.messages import StartWorkflow
from hookline_common.rawevents import Replay
from hookline_common.webhooks import StartRule, WebhookConfig
from hookline_matcher.events import EventInHand
from hookline_matcher.resumes import command_record, event_ref, inline_payload


class Start(msgspec.Struct, frozen=True):
    """A start that the event asks for. `command` None: it failed before it could be asked for."""

    effect: Effect
    command: Record | None


def starts_of(event: EventInHand, config: WebhookConfig, replay: Replay | None) -> list[Start]:
    """The starts of an event, one for each rule whose condition holds."""
    if not config.start_rules:
        return []
    return [
        _start(event, rule, name, replay)
        for name, rule in named_rules(config.start_rules)
        if rule_holds(rule.when, event.view())
    ]


def _start(event: EventInHand, rule: StartRule, rule_name: str, replay: Replay | None) -> Start:
    again = replay.replay_id if replay is not None and replay.restart else None
    key = start_key(rule, rule_name, event.view(), event_facts(event.record, event.identity), again)
    effect = Effect(
        id=start_effect_id(event.id, rule_name),
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
    workflow_id = start_workflow_id(rule, key, event.identity)
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
