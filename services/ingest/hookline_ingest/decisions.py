"""Decides, while the sender waits, what a request is: a handshake, a refused one, or an event."""

from typing import Literal

import msgspec

from hookline_common.opened_webhooks import OpenedWebhook
from hookline_common.platforms.handshakes import handshake
from hookline_common.platforms.verification import verify
from hookline_common.rawevents import RawEvent
from hookline_ingest.answers import Answer, acknowledgement, handshake_answer, refusal

PROBES = ("HEAD", "OPTIONS")


class Decision(msgspec.Struct, frozen=True):
    """What is stamped on the event and answered once it is stored."""

    stamp: Literal["", "handshake", "unauthorized"]
    answer: Answer


def decide(webhook: OpenedWebhook, event: RawEvent) -> Decision | None:
    """Pure; None for a HEAD or OPTIONS request that is no handshake and so is not stored."""
    asked = _handshake(webhook, event)
    if asked is not None:
        return asked
    if event.method in PROBES:
        return None
    if _judged_now(webhook):
        judgement = verify(
            webhook.declaration,
            webhook.credentials,
            event,
            tolerance_seconds=webhook.config.options.tolerance_seconds,
        )
        if not judgement.ok:
            return Decision("unauthorized", refusal(judgement))
    return Decision("", acknowledgement(webhook.declaration))


def _handshake(webhook: OpenedWebhook, event: RawEvent) -> Decision | None:
    if not webhook.declaration.handshakes:
        return None
    asked = handshake(
        webhook.declaration,
        webhook.credentials,
        event,
        tolerance_seconds=webhook.config.options.tolerance_seconds,
    )
    if asked is None:
        return None
    if asked.accepted:
        return Decision("handshake", handshake_answer(asked))
    return Decision("unauthorized", refusal(asked.judgement))


def _judged_now(webhook: OpenedWebhook) -> bool:
    """A paused webhook takes everything; it is judged when it is replayed."""
    options = webhook.config.options
    if options.paused:
        return False
    return webhook.declaration.synchronous or options.reply_on_reject == "status"
