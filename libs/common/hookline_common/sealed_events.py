"""Seals what a request carries of secrets before it is stored, and takes it out again (D4)."""

from collections.abc import Callable
from urllib.parse import quote, unquote, unquote_plus

from msgspec.structs import replace

from hookline_common.opened_webhooks import OpenedWebhook
from hookline_common.rawevents import RawEvent
from hookline_common.sealing import Sealer, event_context

QUERY_MARK = "query:"


def seal_event(event: RawEvent, webhook: OpenedWebhook, sealer: Sealer) -> RawEvent:
    """The event with every value sealed that is a secret itself; `sealed` names them."""
    found = {name for name, _ in event.headers if name in webhook.sealed_headers}
    parameters = webhook.sealed_query and _names(event.query) & webhook.sealed_query
    if not found and not parameters:
        return event

    def seal(mark: str, text: str) -> str:
        return sealer.seal(text, event_context(event.id, mark))

    sealed = (*sorted(found), *sorted(QUERY_MARK + name for name in parameters))
    return _changed(replace(event, sealed=sealed), seal, _quoted)


def open_event(event: RawEvent, sealer: Sealer) -> RawEvent:
    """The event as it was received; raises SealBroken."""
    if not event.sealed:
        return event

    def unseal(mark: str, text: str) -> str:
        return sealer.open(text, event_context(event.id, mark))

    return replace(_changed(event, unseal, _unquoted), sealed=())


def under_new_id(event: RawEvent, event_id: str, sealer: Sealer) -> RawEvent:
    """The stored event under another id: what is sealed is bound to the id, so it is sealed anew.

    Raises SealBroken.
    """
    if not event.sealed:
        return replace(event, id=event_id)

    def seal(mark: str, text: str) -> str:
        return sealer.seal(text, event_context(event_id, mark))

    opened = replace(open_event(event, sealer), id=event_id, sealed=event.sealed)
    return _changed(opened, seal, _quoted)


def without_sealed(event: RawEvent) -> RawEvent:
    """The event without its sealed headers and parameters, for everybody downstream."""
    if not event.sealed:
        return event
    hidden = frozenset(event.sealed)
    headers = tuple(header for header in event.headers if header[0] not in hidden)
    kept = [part for part in event.query.split("&") if QUERY_MARK + _name(part) not in hidden]
    return _with_query(replace(event, headers=headers, sealed=()), "&".join(kept))


Change = Callable[[str, str], str]


def _changed(event: RawEvent, change: Change, in_query: Callable[[Change], Change]) -> RawEvent:
    """Change every value that `event.sealed` names."""
    named = frozenset(event.sealed)
    headers = tuple(
        (name, change(name, value)) if name in named else (name, value)
        for name, value in event.headers
    )
    event = replace(event, headers=headers)
    if not any(mark.startswith(QUERY_MARK) for mark in named):
        return event
    parts: list[str] = []
    for part in event.query.split("&"):
        raw_name, equals, value = part.partition("=")
        mark = QUERY_MARK + _name(part)
        changed = equals and mark in named
        parts.append(f"{raw_name}={in_query(change)(mark, value)}" if changed else part)
    return _with_query(event, "&".join(parts))


def _quoted(change: Change) -> Change:
    return lambda mark, value: quote(change(mark, value), safe="")


def _unquoted(change: Change) -> Change:
    return lambda mark, value: change(mark, unquote(value))


def _with_query(event: RawEvent, query: str) -> RawEvent:
    path = event.url.partition("?")[0]
    return replace(event, query=query, url=f"{path}?{query}" if query else path)


def _names(query: str) -> set[str]:
    return {_name(part) for part in query.split("&") if "=" in part}


def _name(part: str) -> str:
    return unquote_plus(part.partition("=")[0])
