"""Gathers what an explanation goes by: the event, its webhook, plans and waits; reads only."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from hookline_common import reasons
from hookline_common.clock import Clock
from hookline_common.collections import PLANS, WAITERS, WEBHOOK_EVENTS
from hookline_common.documents import All, Condition, Document, Documents, Op, Order, Query
from hookline_common.errors import NotFound
from hookline_common.eventrecords import EventRecord, Waiter
from hookline_common.matching import EventView, Plan
from hookline_common.meetings import stored_view
from hookline_common.webhooks import WebhookConfig
from hookline_engine.definition_store import DefinitionStore
from hookline_engine.event_history import event_in, event_record
from hookline_engine.explained_plans import plan_report
from hookline_engine.explained_rules import rule_reports
from hookline_engine.explained_verdicts import about_webhook, early_event, sentences
from hookline_engine.explained_waits import StoredWait, nearness, wait_report
from hookline_engine.explanation import (
    Explanation,
    FirstEvent,
    ReceiverReport,
    RuleReport,
    WebhookState,
)
from hookline_engine.webhook_store import WebhookStore

MOST_WAITS_EXAMINED = 200
MOST_WAITS_SHOWN = 20
MOST_PLANS_READ = 500
MOST_PLANS_SHOWN = 20

_plan_in = msgspec.json.Decoder(Plan).decode
_waiter_in = msgspec.json.Decoder(Waiter).decode


class _Webhook(NamedTuple):
    """The webhook as it is today; `config` is None if it is gone."""

    state: WebhookState
    config: WebhookConfig | None


class Explainer:
    """Explains one event at a time."""

    def __init__(
        self,
        documents: Documents,
        webhooks: WebhookStore,
        definitions: DefinitionStore,
        clock: Clock,
    ) -> None:
        self._documents = documents
        self._webhooks = webhooks
        self._definitions = definitions
        self._clock = clock

    async def explain(self, event_id: str) -> Explanation:
        """Why the event did what it did, by what is known today; NotFound if there is no such
        event.
        """
        record = await event_record(self._documents, event_id)
        webhook = await self._webhook(record)
        first = await self._first(record)
        receivers, rules = await self._matched(record, webhook.config)
        return Explanation(
            event_id=record.id,
            webhook_id=record.webhook_id,
            webhook_name=record.webhook_name,
            verdict=record.verdict,
            received_at=record.received_at,
            summary=(*sentences(record, first), *about_webhook(webhook.state)),
            webhook=webhook.state,
            checks=() if record.verification is None else record.verification.checks,
            effects=record.effects,
            receivers=receivers,
            start_rules=rules,
            reason=record.reason,
            type=record.type,
            early=early_event(record, self._clock.now_ms()),
            first=first,
            replay_of=record.replay_of,
        )

    async def _webhook(self, record: EventRecord) -> _Webhook:
        try:
            config = await self._webhooks.get(record.webhook_id)
        except NotFound:
            return _Webhook("deleted", None)
        if config.incarnation != record.incarnation:
            return _Webhook("replaced", config)
        changed = config.update_time > record.counts_from
        return _Webhook("changed" if changed else "present", config)

    async def _first(self, record: EventRecord) -> FirstEvent | None:
        if record.duplicate_of is None:
            return None
        link = f"/api/webhook-events/{record.duplicate_of}"
        found = await self._documents.get(WEBHOOK_EVENTS, [record.duplicate_of])
        if record.duplicate_of not in found:
            return FirstEvent(record.duplicate_of, link)
        first = event_in(found[record.duplicate_of].body)
        return FirstEvent(first.id, link, first.verdict, first.received_at)

    async def _matched(
        self, record: EventRecord, config: WebhookConfig | None
    ) -> tuple[tuple[ReceiverReport, ...], tuple[RuleReport, ...]]:
        """Nothing for an event that was never held against waits and rules."""
        unmatchable = not record.verified or record.verdict == "duplicate"
        if config is None or unmatchable or record.reason == reasons.PAYLOAD_UNREADABLE:
            return (), ()
        view = stored_view(record)
        receivers = [
            await self._receiver(workflow, version, record, view)
            for workflow, version in config.receivers.items()
        ]
        return tuple(receivers), rule_reports(config.start_rules, record, view)

    async def _receiver(
        self, workflow: str, version: int, record: EventRecord, view: EventView
    ) -> ReceiverReport:
        definition = await self._definitions.workflow_def(workflow, version or None)
        plans = await self._plans(workflow, version)
        is_open = All((Condition("workflow", Op.EQ, workflow), Condition("state", Op.EQ, "open")))
        waits = await self._waits(workflow, record)
        reports = sorted(
            (wait_report(wait, record, view, version) for wait in waits.values()), key=nearness
        )
        return ReceiverReport(
            workflow=workflow,
            version=version,
            defined=definition is not None,
            plans=tuple(plan_report(plan, view) for plan in plans[:MOST_PLANS_SHOWN]),
            open_waits=await self._documents.count(WAITERS, is_open),
            examined=len(reports),
            waits=tuple(reports[:MOST_WAITS_SHOWN]),
        )

    async def _plans(self, workflow: str, version: int) -> Sequence[Plan]:
        """The plans that the webhook's events are looked up by, the newest versions first."""
        query = Query(Condition("workflow", Op.EQ, workflow), limit=MOST_PLANS_READ)
        page = await self._documents.find(PLANS, query)
        plans = [_plan_in(document.body) for document in page.documents]
        wanted = [plan for plan in plans if version in (0, plan.version)]
        return sorted(wanted, key=lambda plan: (-plan.version, plan.paths))

    async def _waits(self, workflow: str, record: EventRecord) -> Mapping[str, StoredWait]:
        """The waits that the event resumed, then the newest: open ones first, then, as far as
        they were not too many, those that are taken or closed by now.
        """
        resumed = [effect.task_id for effect in record.effects if effect.task_id is not None]
        found = await self._documents.get(WAITERS, resumed[:MOST_WAITS_SHOWN])
        documents = [one for one in found.values() if one.fields.get("workflow") == workflow]
        for state in ("open", "taken", "closed"):
            room = MOST_WAITS_EXAMINED - len(documents)
            documents += await self._newest(workflow, state, room) if room > 0 else []
        return {document.id: _stored(document) for document in documents}

    async def _newest(self, workflow: str, state: str, most: int) -> Sequence[Document]:
        where = All((Condition("workflow", Op.EQ, workflow), Condition("state", Op.EQ, state)))
        query = Query(where, (Order("opened_at", descending=True),), limit=most)
        return (await self._documents.find(WAITERS, query)).documents


def _stored(document: Document) -> StoredWait:
    return StoredWait(_waiter_in(document.body), str(document.fields.get("state")))
