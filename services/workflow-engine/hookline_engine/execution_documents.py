"""The stored form of an execution: its document with index fields, its bodies and pages."""

from collections.abc import Mapping

import msgspec

from hookline_common.documents import SEARCH_TEXT_MAX_BYTES, Document, FieldValue
from hookline_engine.core.decisions import NewBody, NewPage
from hookline_engine.core.model import Head, encode_head, encode_page

_encoder = msgspec.json.Encoder()


def head_document(head: Head, rev: int, classifier: str) -> Document:
    """The head with what searches and timers look for; `rev` as the store has it (0 = new)."""
    return Document(head.workflow_id, encode_head(head), head_fields(head, classifier), rev)


def head_fields(head: Head, classifier: str) -> Mapping[str, FieldValue]:
    """The index fields of EXECUTIONS. A time that is unset is no value, so that it sorts apart."""
    return {
        "workflow_id": head.workflow_id,
        "workflow_type": head.name,
        "version": head.version,
        "status": head.status,
        "correlation_id": head.correlation_id,
        "parent_workflow_id": head.parent_workflow_id,
        "start_time": head.created_at,
        "update_time": head.updated_at,
        "end_time": head.ended_at or None,
        "priority": head.priority,
        "created_by": head.created_by,
        "event": head.event,
        "idempotency_key": head.idempotency_key,
        "failed_refs": head.failed_refs,
        "classifier": classifier,
        "reason": head.reason,
        "wake_at": head.wake_at or None,
        "outbox_since": head.outbox_since or None,
        "search": _search_text(head),
    }


def _search_text(head: Head) -> str:
    parts = (head.workflow_id, head.name, head.correlation_id, head.status, head.reason)
    return " ".join(part for part in parts if part)[:SEARCH_TEXT_MAX_BYTES]


def body_document(workflow_id: str, body: NewBody) -> Document:
    """An immutable input or output of the execution or one of its tasks."""
    return Document(body.id, _encoder.encode(body.value), {"workflow_id": workflow_id})


def page_document(workflow_id: str, page: NewPage) -> Document:
    """An immutable page of finished lines."""
    return Document(page.id, encode_page(page.lines), {"workflow_id": workflow_id})
