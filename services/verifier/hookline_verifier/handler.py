"""Judges events: `webhooks.received` in, `webhooks.verified` and `webhooks.rejected` out."""

from collections import Counter
from collections.abc import Sequence

from hookline_common import reasons
from hookline_common.clock import Clock
from hookline_common.cloudevents import event_and_webhook, judged_record, raw_event
from hookline_common.config_view import ConfigView
from hookline_common.documents import Documents
from hookline_common.eventlog import Delivered, Record
from hookline_common.judgement import Ruling, facts_of, judge
from hookline_common.metrics import Metrics
from hookline_common.opened_webhooks import OpenedWebhook, OpenedWebhooks
from hookline_common.ordering import judged_key
from hookline_common.rawevents import JudgedEvent, RawEvent
from hookline_common.sealed_events import open_event, without_sealed
from hookline_common.sealing import Sealer
from hookline_verifier.secret_uses import SecretUses, use_id
from hookline_verifier.url_states import UrlStates, UrlStatus, status_id


class Verifier:
    """The handler. Per batch: one look at the configuration, at most one read and one write."""

    def __init__(
        self,
        view: ConfigView,
        documents: Documents,
        sealer: Sealer,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._view = view
        self._webhooks = OpenedWebhooks(view, sealer)
        self._urls = UrlStates(documents)
        self._uses = SecretUses(documents)
        self._sealer = sealer
        self._clock = clock
        self._metrics = metrics

    async def handle(self, batch: Sequence[Delivered]) -> Sequence[Record]:
        """A judgement for each event, in order."""
        events = [raw_event(delivered.record) for delivered in batch]
        await self._view.refresh()  # what was saved before an event came holds for it (D2)
        found = [(self._webhooks.get(event.webhook_id), event) for event in events]
        await self._urls.load(webhook.config for webhook, _ in found if webhook is not None)
        round_ = _Round(self._urls, self._sealer, self._clock.now_ms())
        records = [
            round_.unknown(event, delivered, self._incarnation(event))
            if webhook is None
            else round_.judged(webhook, event, delivered)
            for (webhook, event), delivered in zip(found, batch, strict=True)
        ]
        # Before the judgements are published: whoever sees one of them sees the state too.
        await self._urls.save(round_.verified_now)
        for key, received_at in round_.used:
            self._uses.note(key, received_at)
        await self._uses.save(self._clock.now_ms())
        for (verdict, reason), count in round_.counted.items():
            self._metrics.verdicts.labels(verdict, reason).inc(count)
        return records

    def subject(self, delivered: Delivered) -> tuple[str, str] | None:
        """The event that a message is about."""
        return event_and_webhook(delivered.record)

    def _incarnation(self, event: RawEvent) -> int:
        record = self._view.webhook(event.webhook_id)
        return record.incarnation if record is not None else 0


class _Round:
    """The judging of one batch: what is verified by one event holds for those behind it."""

    def __init__(self, urls: UrlStates, sealer: Sealer, now_ms: int) -> None:
        self._urls = urls
        self._sealer = sealer
        self._now_ms = now_ms
        self.verified_now: dict[str, UrlStatus] = {}
        self.used: list[tuple[str, int]] = []
        self.counted: Counter[tuple[str, str]] = Counter()

    def judged(self, webhook: OpenedWebhook, stored: RawEvent, delivered: Delivered) -> Record:
        """The judgement of an event of a known webhook."""
        config = webhook.config
        event = open_event(stored, self._sealer)
        now = status_id(config) in self.verified_now
        verified = now or self._urls.is_verified(config, event, delivered.position)
        ruling = judge(webhook, event, url_verified=verified)
        if ruling.verifies_url and not (now or self._urls.is_known(config)):
            status = UrlStatus(True, self._now_ms, event.id, _where(delivered))
            self.verified_now[status_id(config)] = status
        self.counted[ruling.verdict, ruling.reason or ""] += 1
        secret_id = ruling.verification.secret_id if ruling.verification else None
        if secret_id is not None:
            self.used.append((use_id(config, secret_id), event.received_at))
        facts = facts_of(webhook, event)
        judged = JudgedEvent(
            raw=without_sealed(stored),
            verdict=ruling.verdict,
            verified_at=self._now_ms,
            incarnation=config.incarnation,
            webhook_name=config.name,
            delivery_id=facts.delivery_id,
            type=facts.type,
            verification=ruling.verification,
            reason=ruling.reason,
            detail=ruling.detail,
            position=_where(delivered),
        )
        return judged_record(judged, judged_key(webhook, event, facts.payload))

    def unknown(self, stored: RawEvent, delivered: Delivered, incarnation: int) -> Record:
        """The judgement of an event whose webhook is gone."""
        reason = reasons.WEBHOOK_DELETED
        ruling = Ruling("rejected", reason, reasons.sentence(reason))
        self.counted[ruling.verdict, reason] += 1
        judged = JudgedEvent(
            raw=without_sealed(stored),
            verdict=ruling.verdict,
            verified_at=self._now_ms,
            incarnation=incarnation,
            webhook_name="",
            reason=ruling.reason,
            detail=ruling.detail,
            position=_where(delivered),
        )
        return judged_record(judged, delivered.record.key)


def _where(delivered: Delivered) -> tuple[str, int, int]:
    """Where the raw request lies, for whoever asks for it or replays it."""
    position = delivered.position
    return position.topic, position.partition, position.offset
