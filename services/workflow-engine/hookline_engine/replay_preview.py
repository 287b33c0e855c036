"""What a replay would resume and start: judged and matched with the code that would do it."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from hookline_common import reasons
from hookline_common.clock import Clock
from hookline_common.documents import Documents
from hookline_common.errors import NotFound, SealBroken, Undecodable
from hookline_common.eventlog import EventLog
from hookline_common.eventrecords import EventRecord, Verdict
from hookline_common.judgement import Facts, facts_of, judge
from hookline_common.matching import EventView
from hookline_common.opened_webhooks import OpenedWebhook, open_webhook
from hookline_common.payloads import PayloadUnreadable, read_payload
from hookline_common.rawevents import RawEvent, Replay
from hookline_common.sealed_events import open_event, without_sealed
from hookline_common.sealing import Sealer
from hookline_common.webhooks import DEFAULT_EARLY_EVENT_SECONDS
from hookline_engine.definition_store import DefinitionStore
from hookline_engine.foreseen import Foreseen, ForeseenEffect, ForeseenEvent, Replayed
from hookline_engine.foreseen_resumes import ForeseenResumes
from hookline_engine.foreseen_starts import ForeseenStarts, applied_kinds
from hookline_engine.raw_requests import StoredRequest, raw_requests
from hookline_engine.replay_jobs import ReplayJob
from hookline_engine.replay_selection import Selection, first_id
from hookline_engine.webhook_store import WebhookStore

MOST_EVENTS = 1000
MOST_EFFECTS = 100
_PAGE = 100

NOT_FORESEEN: Sequence[str] = (
    "events that arrive, and waits that open or end, before the replay reaches them",
    "what the resumed and started workflows do next, such as waiting for another of these events",
    "whether the engine refuses a start or a resume when it comes to it, for its input or a limit",
)
"""What a dry run says that it cannot say."""


class Preview(msgspec.Struct, frozen=True, rename="camel"):
    """The events that were looked at, of all that are `selected`, and their totals."""

    selected: int
    examined: int
    verdicts: Mapping[str, int]
    resumes: int
    starts: int
    already_started: int
    not_foreseen: Sequence[str]
    events: Sequence[ForeseenEvent]


class _Outlook(msgspec.Struct, frozen=True):
    """What would become of one event."""

    would_be: Foreseen
    reason: str | None = None
    detail: str | None = None
    effects: Sequence[ForeseenEffect] = ()


class ReplayPreview:
    """Looks ahead; reads only."""

    def __init__(
        self,
        documents: Documents,
        log: EventLog,
        sealer: Sealer,
        clock: Clock,
        webhooks: WebhookStore,
        definitions: DefinitionStore,
    ) -> None:
        self._documents = documents
        self._log = log
        self._sealer = sealer
        self._clock = clock
        self._webhooks = webhooks
        self._definitions = definitions
        self._selection = Selection(documents)

    async def of(self, job: ReplayJob, most: int) -> Preview:
        """What the job, which is not saved, would do to its first events, at most so many."""
        outlooks = _Outlooks(
            job,
            self._sealer,
            self._clock,
            self._webhooks,
            ForeseenResumes(self._documents),
            ForeseenStarts(self._documents, self._definitions),
        )
        shown: list[ForeseenEvent] = []
        begun = False
        while len(shown) < most and (job.cursor is not None or not begun):
            page = await self._selection.page(job, min(_PAGE, most - len(shown)))
            stored = await raw_requests(self._log, page.events)
            shown += [await outlooks.of(event, stored.get(event.id)) for event in page.events]
            job, begun = replace(job, cursor=page.cursor), True
        return _totals(job.counts.selected, shown)


class _Outlooks:
    """Judges and matches one event after the other, as the services would."""

    def __init__(
        self,
        job: ReplayJob,
        sealer: Sealer,
        clock: Clock,
        webhooks: WebhookStore,
        resumes: ForeseenResumes,
        starts: ForeseenStarts,
    ) -> None:
        self._job = job
        self._sealer = sealer
        self._clock = clock
        self._webhooks = webhooks
        self._resumes = resumes
        self._starts = starts
        self._opened: dict[str, OpenedWebhook | None] = {}
        self._verified_urls: set[str] = set()

    async def of(
        self, event: EventRecord, request: StoredRequest | Undecodable | None
    ) -> ForeseenEvent:
        outlook = await self._outlook(event, request)
        return ForeseenEvent(
            id=event.id,
            webhook_id=event.webhook_id,
            webhook_name=event.webhook_name,
            received_at=event.received_at,
            verdict=event.verdict,
            would_be=outlook.would_be,
            type=event.type,
            reason=outlook.reason,
            detail=outlook.detail,
            effects=outlook.effects,
        )

    async def _outlook(
        self, event: EventRecord, request: StoredRequest | Undecodable | None
    ) -> _Outlook:
        if request is None:
            return _Outlook("expired", "raw_expired", "The raw request is kept no longer.")
        if isinstance(request, Undecodable):
            return _Outlook("unreadable", "undecodable", str(request))
        try:
            webhook = await self._webhook(event.webhook_id)
            raw = open_event(request.raw, self._sealer)
        except SealBroken as error:
            return _Outlook("unreadable", "seal_broken", str(error))
        if webhook is None:
            reason = reasons.WEBHOOK_DELETED
            return _Outlook("rejected", reason, reasons.sentence(reason))
        return await self._judged(webhook, event, raw, request.raw)

    async def _judged(
        self, webhook: OpenedWebhook, event: EventRecord, raw: RawEvent, stored: RawEvent
    ) -> _Outlook:
        mark = Replay(self._job.id, first_id(event), self._job.restart)
        raw = replace(raw, replay=mark)
        config = webhook.config
        ruling = judge(webhook, raw, url_verified=config.id in self._verified_urls)
        if ruling.verdict != "verified":
            return _Outlook(ruling.verdict, ruling.reason, ruling.detail)
        self._verified_urls.add(config.id)
        try:
            payload = read_payload(
                raw.content_type, raw.body, raw.query, merge_query=config.options.merge_query
            )
        except PayloadUnreadable as error:
            return _Outlook("unmatched", reasons.PAYLOAD_UNREADABLE, str(error))
        record = self._replayed(event, webhook, facts_of(webhook, raw))
        view = EventView(payload.value, without_sealed(stored).headers, record.query)
        return await self._matched(
            Replayed(record, view, config, self._job.id if self._job.restart else None)
        )

    def _replayed(self, event: EventRecord, webhook: OpenedWebhook, facts: Facts) -> EventRecord:
        """The record as it would be made of the event if it came in now."""
        now = self._clock.now_ms()
        early = webhook.config.options.early_event_seconds
        seconds = DEFAULT_EARLY_EVENT_SECONDS if early is None else early
        return replace(
            event,
            webhook_name=webhook.config.name,
            incarnation=webhook.config.incarnation,
            delivery_id=facts.delivery_id,
            type=facts.type,
            verified=True,
            verdict="pending",
            counts_from=now,
            kept_until=now + seconds * 1000,
            stands_for=event.stands_for or first_id(event),
        )

    async def _matched(self, event: Replayed) -> _Outlook:
        resumes, reason = await self._resumes.of(event)
        effects = [*resumes, *await self._starts.of(event)]
        kinds = applied_kinds(effects)
        if kinds:
            return _Outlook(_verdict_of(kinds), effects=effects)
        if effects:
            return _Outlook("failed", effects[0].code, effects[0].error, effects)
        return _Outlook("unmatched", reason, reasons.sentence(reason))

    async def _webhook(self, webhook_id: str) -> OpenedWebhook | None:
        if webhook_id not in self._opened:
            try:
                config = await self._webhooks.get(webhook_id)
            except NotFound:
                self._opened[webhook_id] = None
                return None
            self._opened[webhook_id] = open_webhook(config, self._sealer)
            self._verified_urls |= await self._webhooks.verified_urls([config])
        return self._opened[webhook_id]


def _verdict_of(kinds: set[str]) -> Verdict:
    if kinds == {"resume"}:
        return "resumed"
    return "started" if kinds == {"start"} else "resumed_and_started"


def _totals(selected: int, events: Sequence[ForeseenEvent]) -> Preview:
    verdicts: dict[str, int] = {}
    for event in events:
        verdicts[event.would_be] = verdicts.get(event.would_be, 0) + 1
    effects = [effect for event in events for effect in event.effects]
    applied = [effect for effect in effects if effect.code is None]
    return Preview(
        selected=selected,
        examined=len(events),
        verdicts=verdicts,
        resumes=sum(effect.kind == "resume" for effect in applied),
        starts=sum(effect.kind == "start" for effect in applied),
        already_started=sum(
            effect.code in ("already_started", "idempotency_key_used") for effect in effects
        ),
        not_foreseen=NOT_FORESEEN,
        events=[_shortened(event) for event in events],
    )


def _shortened(event: ForeseenEvent) -> ForeseenEvent:
    left_out = max(0, len(event.effects) - MOST_EFFECTS)
    return replace(event, effects=event.effects[:MOST_EFFECTS], effects_left_out=left_out)
