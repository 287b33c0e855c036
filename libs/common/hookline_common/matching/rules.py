"""Names of start rules, and the keys and ids of the starts that follow from them."""

from collections.abc import Iterable, Iterator

import msgspec

from hookline_common.ids import derived_uuid, digest
from hookline_common.matching.events import EventView
from hookline_common.matching.idempotency import EventFacts, idempotency_key
from hookline_common.webhooks import StartRule


class StartKey(msgspec.Struct, frozen=True):
    """What keeps a start from happening twice; `given`: the rule says it, it is not derived."""

    text: str
    given: bool


def named_rules(rules: Iterable[StartRule]) -> Iterator[tuple[str, StartRule]]:
    """Each rule with its name in keys: its workflow and how many rules of that workflow come
    before, so that an edited condition does not start again what was started.
    """
    ordinals: dict[str, int] = {}
    for rule in rules:
        ordinal = ordinals.get(rule.workflow, 0)
        ordinals[rule.workflow] = ordinal + 1
        yield f"{rule.workflow}#{ordinal}", rule


def start_effect_id(event_id: str, rule_name: str) -> str:
    """The id of the effect of a rule on an event."""
    return digest("start", event_id, rule_name)


def start_key(
    rule: StartRule, rule_name: str, view: EventView, facts: EventFacts, restart: str | None
) -> StartKey | None:
    """The key of a start; None if the rule's own key resolves to nothing for this event.

    `facts.event_id` is the id that the event stands for; `restart` the id of a replay that may
    start again what was started before (E4).
    """
    again = () if restart is None else (restart,)
    if rule.idempotency_key is None:
        # A redelivery has its delivery id, a replay the id of the first event (E4).
        which = ("event", facts.event_id)
        if facts.delivery_id is not None:
            which = ("delivery", facts.delivery_id)
        return StartKey(digest("key", facts.webhook_id, *which, rule_name, *again), given=False)
    text = idempotency_key(rule.idempotency_key, view, facts)
    return StartKey(":".join((text, *again)), given=True) if text else None


def start_workflow_id(rule: StartRule, key: StartKey, identity: str) -> str:
    """The id of the execution that the key promises."""
    if rule.idempotency_strategy == "FAIL_ON_RUNNING" and key.given:
        # The key may be used again once its execution has ended, and that one keeps its id.
        return derived_uuid("workflow", rule.workflow, key.text, identity)
    return derived_uuid("workflow", rule.workflow, key.text)
