"""Judges one event: a pure function of webhook, URL state, raw request and time of arrival.

The verifier judges with it, and the engine when it is asked what a replay would do. The order of
the rules is the order of specs/webhooks.md section 3.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from hookline_common import reasons
from hookline_common.opened_webhooks import OpenedWebhook
from hookline_common.payloads import PayloadUnreadable, read_payload
from hookline_common.platforms.facts import delivery_id, event_type
from hookline_common.platforms.handshakes import handshake
from hookline_common.platforms.verification import Judgement, verify
from hookline_common.rawevents import RawEvent, Verification

Verdict = Literal["verified", "rejected", "handshake", "paused"]


class Ruling(msgspec.Struct, frozen=True):
    """The verdict on an event, and whether its URL is verified from now on."""

    verdict: Verdict
    reason: str | None = None
    detail: str | None = None
    verification: Verification | None = None
    verifies_url: bool = False


class Facts(msgspec.Struct, frozen=True):
    """What the event says about itself."""

    payload: Mapping[str, Any] | None = None
    delivery_id: str | None = None
    type: str | None = None


def judge(webhook: OpenedWebhook, event: RawEvent, *, url_verified: bool) -> Ruling:
    """The ruling on an event whose sealed values have been opened."""
    if event.answer == "handshake":
        return _handshake(webhook, event)
    if event.answer == "unauthorized" and event.replay is None:
        return _told_unauthorized(webhook, event)
    if webhook.config.options.paused:
        return Ruling("paused")
    if webhook.by_challenge and not url_verified:
        return _rejected(reasons.URL_NOT_VERIFIED)
    judgement = _verified(webhook, event)
    if not judgement.ok:
        return _refused(judgement)
    return Ruling("verified", verification=judgement.verification, verifies_url=True)


def _handshake(webhook: OpenedWebhook, event: RawEvent) -> Ruling:
    """The gateway has answered it. That proves the URL of the webhook that was there then: not of
    one that was made anew under the same id, and not by a replay, which nobody answers.
    """
    asked = handshake(
        webhook.declaration,
        webhook.credentials,
        event,
        tolerance_seconds=webhook.config.options.tolerance_seconds,
    )
    answered_for_it = event.received_at >= webhook.config.create_time
    verifies = asked is not None and asked.verifies_url and answered_for_it and not event.replay
    verification = asked.judgement.verification if asked is not None else None
    return Ruling("handshake", verification=verification, verifies_url=verifies)


def _told_unauthorized(webhook: OpenedWebhook, event: RawEvent) -> Ruling:
    """A 401 is final (protocols.md E3), even if the secret has been put right since."""
    judgement = _verified(webhook, event)
    if not judgement.ok:
        return _refused(judgement)
    return _rejected(reasons.ANSWERED_UNAUTHORIZED)


def _verified(webhook: OpenedWebhook, event: RawEvent) -> Judgement:
    return verify(
        webhook.declaration,
        webhook.credentials,
        event,
        tolerance_seconds=webhook.config.options.tolerance_seconds,
    )


def _refused(judgement: Judgement) -> Ruling:
    return Ruling("rejected", judgement.reason, judgement.detail, judgement.verification)


def _rejected(reason: str) -> Ruling:
    return Ruling("rejected", reason, reasons.sentence(reason))


def facts_of(webhook: OpenedWebhook, event: RawEvent) -> Facts:
    """Delivery id and type of an event; the body is read once."""
    payload = _payload(event)
    declaration, options = webhook.declaration, webhook.config.options
    return Facts(
        payload=payload,
        delivery_id=delivery_id(declaration, options.delivery_id, event, payload),
        type=event_type(declaration, event, payload),
    )


def _payload(event: RawEvent) -> Mapping[str, Any]:
    try:
        return read_payload(event.content_type, event.body, event.query).value
    except PayloadUnreadable:  # recorded by the matcher, as the verdict on a verified event
        return {}
