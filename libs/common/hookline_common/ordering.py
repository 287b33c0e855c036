"""Keys of events in the log: which events keep their order (protocols.md E5)."""

from collections.abc import Mapping
from typing import Any

from hookline_common.ids import digest
from hookline_common.opened_webhooks import OpenedWebhook
from hookline_common.platforms.facts import is_body_source, ordering_key
from hookline_common.rawevents import RawEvent

LONGEST_KEY = 256


def received_key(webhook: OpenedWebhook, event: RawEvent) -> str:
    """The key in `webhooks.received`.

    Challenge-based webhooks are keyed by their id, so that the challenge is judged before what
    follows it; those with a path into the body too, since nobody has read the body yet.
    """
    option = webhook.config.options.ordering_key
    if webhook.by_challenge or is_body_source(option):
        return webhook.config.id
    return _declared(webhook, event, None) or event.id


def judged_key(
    webhook: OpenedWebhook, event: RawEvent, payload: Mapping[str, Any] | None = None
) -> str:
    """The key from `webhooks.verified` on: the declared one, also from the body."""
    declared = _declared(webhook, event, payload)
    return declared or (webhook.config.id if webhook.by_challenge else event.id)


def _declared(
    webhook: OpenedWebhook, event: RawEvent, payload: Mapping[str, Any] | None
) -> str | None:
    option = webhook.config.options.ordering_key
    found = ordering_key(option, event, payload) if option else None
    return found if found is None or len(found) <= LONGEST_KEY else digest(found)
