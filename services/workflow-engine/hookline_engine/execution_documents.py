"""The stored form of an execution: its document with index fields, its bodies and pages."""

from collections.abc import Mapping
from typing import Any

import msgspec

from hookline_common.documents import Document, FieldValue
from hookline_engine.core.decisions import NewBody, NewPage
from hookline_engine.core.model import Head, encode_head, encode_page

BODY_TEXT_BYTES = 1_000
"""How much of an input and of an output searches look into, and ..."""
FACTS_CHARACTERS = 1_000
"""... how much of the facts; the store keeps 4 KiB of all."""

_encoder = msgspec.json.Encoder()


class Texts(msgspec.Struct, frozen=True, gc=False):
    """The beginnings of input and output as JSON text, for searches."""

    input: str = ""
    output: str = ""


def text_of(body: Any) -> str:
    """What searches look into of a body."""
    encoded = body if isinstance(body, msgspec.Raw) else _encoder.encode(body)
    return _on_one_line(bytes(memoryview(encoded)[:BODY_TEXT_BYTES]).decode("utf-8", "ignore"))


def texts_in(document: Document) -> Texts:
    """The texts that were stored with a head."""
    parts = str(document.fields.get("search") or "").split("\n")
    return Texts(*parts[1:3])


def head_document(head: Head, rev: int, classifier: str, texts: Texts) -> Document:
    """The head with what searches and timers look for; `rev` as the store has it (0 = new)."""
    fields = head_fields(head, classifier, texts)
    return Document(head.workflow_id, encode_head(head), fields, rev)


def head_fields(head: Head, classifier: str, texts: Texts) -> Mapping[str, FieldValue]:
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
        "search": _search_text(head, texts),
    }


def _search_text(head: Head, texts: Texts) -> str:
    """One line of facts, one of input, one of output: `texts_in` takes them apart again."""
    parts = (head.workflow_id, head.name, head.correlation_id, head.status, head.reason)
    facts = " ".join(part for part in parts if part)[:FACTS_CHARACTERS]
    return f"{_on_one_line(facts)}\n{texts.input}\n{texts.output}"


def _on_one_line(text: str) -> str:
    return text.replace("\n", " ") if "\n" in text else text


def body_document(workflow_id: str, body: NewBody, at: int) -> Document:
    """An immutable input or output of the execution or one of its tasks."""
    fields = {"workflow_id": workflow_id, "created_at": at}
    return Document(body.id, _encoder.encode(body.value), fields)


def page_document(workflow_id: str, page: NewPage, at: int) -> Document:
    """An immutable page of finished lines."""
    fields = {"workflow_id": workflow_id, "created_at": at}
    return Document(page.id, encode_page(page.lines), fields)
