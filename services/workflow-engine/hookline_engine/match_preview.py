"""Which of the last events would have met these clauses; for somebody who writes a definition."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hookline_common import reasons
from hookline_common.collections import WEBHOOK_EVENTS
from hookline_common.documents import All, Condition, Documents, Op, Order, Query
from hookline_common.eventrecords import EventRecord
from hookline_common.expressions import has_placeholder
from hookline_common.matching import ClauseReport, EventView, explain_clauses
from hookline_common.meetings import stored_view
from hookline_engine.event_history import events_in
from hookline_engine.explained_clauses import HIDDEN, presentable

LATER = "the value is known only when the workflow runs; here it is enough that something is there"
_NEVER_MATCHED = ("rejected", "handshake", "duplicate", "paused")


class PreviewedEvent(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An event beside the clauses. `meets`: each holds, as far as that can be said here."""

    id: str
    webhook_id: str
    received_at: int
    verdict: str
    meets: bool
    clauses: tuple[ClauseReport, ...]
    type: str | None = None


async def last_events(
    documents: Documents, webhook_ids: Sequence[str], count: int
) -> Sequence[EventRecord]:
    """The newest events of these webhooks that were held against waits, or would be now."""
    parts = (
        Condition("webhook_id", Op.IN, tuple(webhook_ids)),
        *(Condition("verdict", Op.NE, verdict) for verdict in _NEVER_MATCHED),
    )
    query = Query(All(parts), (Order("received_at", descending=True),), limit=count)
    found = events_in((await documents.find(WEBHOOK_EVENTS, query)).documents)
    return [event for event in found if event.reason != reasons.PAYLOAD_UNREADABLE]


def previewed(event: EventRecord, matches: Mapping[str, Any]) -> PreviewedEvent:
    """The event beside the clauses. Pure."""
    reports = presentable(_reports(matches, stored_view(event)))
    return PreviewedEvent(
        id=event.id,
        webhook_id=event.webhook_id,
        received_at=event.received_at,
        verdict=event.verdict,
        meets=all(report.holds or report.note == HIDDEN for report in reports),
        clauses=reports,
        type=event.type,
    )


def _reports(matches: Mapping[str, Any], view: EventView) -> list[ClauseReport]:
    """In the order in which they are written."""
    return [
        _later(path, expected, view)
        if has_placeholder(expected)
        else explain_clauses({path: expected}, view)[0]
        for path, expected in matches.items()
    ]


def _later(path: str, expected: Any, view: EventView) -> ClauseReport:
    (there,) = explain_clauses({path: {"operator": "exists"}}, view)
    note = LATER if there.holds else there.note
    return msgspec.structs.replace(there, expected=expected, note=note)
