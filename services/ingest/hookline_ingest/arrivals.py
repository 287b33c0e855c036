"""Turns an HTTP request into the event that is stored: exactly what came, and when."""

from collections.abc import Sequence
from typing import Any

from hookline_common.ids import uuid7
from hookline_common.rawevents import RawEvent
from hookline_ingest.proxies import TrustedProxies


def arrival(
    scope: Any, webhook_id: str, body: bytes, received_at: int, proxies: TrustedProxies
) -> RawEvent:
    """The request of an ASGI scope as an event with a fresh id.

    Header values are Latin-1, as HTTP servers have them, so that every byte survives.
    """
    headers = _text_headers(scope["headers"])
    client = scope.get("client")
    sender = proxies.sender(client[0] if client else "", scope["scheme"], headers)
    query: str = scope["query_string"].decode("latin-1")
    path: str = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    target = f"{path}?{query}" if query else path
    return RawEvent(
        id=uuid7(received_at),
        webhook_id=webhook_id,
        received_at=received_at,
        method=scope["method"],
        url=f"{sender.scheme}://{sender.host}{target}",
        query=query,
        headers=headers,
        body=body,
        remote_address=sender.address,
    )


def _text_headers(headers: Sequence[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    return tuple(pairs)
