"""The idempotency key of a start rule: a text with `${…}` over the payload and the event."""

from typing import Any

import msgspec

from hookline_common.errors import BadRequest
from hookline_common.expressions import MappingScope, evaluate, syntax_errors, unresolved
from hookline_common.jsonpath import compact_json
from hookline_common.matching.events import EventView
from hookline_common.matching.values import is_scalar, scalar_text

_HEADS = ("event",)


class EventFacts(msgspec.Struct, frozen=True):
    """What `${event.…}` sees beside headers and query."""

    event_id: str
    webhook_id: str = ""
    webhook_name: str = ""
    delivery_id: str | None = None
    type: str | None = None


class _HeaderValues(dict[str, Any]):
    """Headers by name, whatever the case of the name that is asked for."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(name.lower())


def idempotency_key(template: str, event: EventView, facts: EventFacts) -> str | None:
    """The key of the start, or None if an expression in it, or all of it, resolves to nothing.

    `${workflow.input.x}` reads the payload; `${event.deliveryId}`, `.id`, `.type`, `.webhookId`,
    `.webhookName`, `.headers.NAME` and `.query.NAME` the event.
    """
    scope = MappingScope({"workflow": {"input": event.body}, "event": _document(event, facts)})
    if unresolved(template, scope):
        return None
    value = evaluate(template, scope)
    key = scalar_text(value) if is_scalar(value) else compact_json(value)
    return key if key.strip() else None


def check_idempotency_key(template: str, pointer: str = "/idempotencyKey") -> None:
    """Raise BadRequest unless every expression of the key is a path into payload or event."""
    for _, message in syntax_errors(template, _HEADS):
        raise BadRequest(f"{pointer}: {message}", field=pointer)
    if not template.strip():
        raise BadRequest(f"{pointer}: the key is empty", field=pointer)


def _document(event: EventView, facts: EventFacts) -> dict[str, Any]:
    names = {name.lower() for name, _ in event.headers}
    return {
        "id": facts.event_id,
        "webhookId": facts.webhook_id,
        "webhookName": facts.webhook_name,
        "deliveryId": facts.delivery_id,
        "type": facts.type,
        "headers": _HeaderValues({name: event.header(name) for name in names}),
        "query": dict(event.query),
    }
