"""Turns an HTTP request into the event that is stored: exactly what came, and when."""

import os
from collections.abc import Sequence
from typing import Any

from hookline_common.rawevents import RawEvent
from hookline_ingest.proxies import TrustedProxies

_RANDOM_BYTES = 10
_RANDOM_POOL = 400 * _RANDOM_BYTES
"""Bytes asked from the operating system at once: a call for each event costs as much as storing
its headers.
"""
_VERSION, _VARIANT = 7 << 76, 2 << 62
_KEPT = ~(0xF << 76 | 0x3 << 62)


class EventIds:
    """UUIDs version 7 (RFC 9562 section 5.7): the time in milliseconds, then 74 random bits."""

    def __init__(self) -> None:
        self._pool = b""
        self._used = 0

    def new(self, now_ms: int) -> str:
        """A fresh id that sorts by time."""
        if self._used == len(self._pool):
            self._pool, self._used = os.urandom(_RANDOM_POOL), 0
        random = self._pool[self._used : self._used + _RANDOM_BYTES]
        self._used += _RANDOM_BYTES
        value = (now_ms & (1 << 48) - 1) << 80 | int.from_bytes(random)
        text = f"{value & _KEPT | _VERSION | _VARIANT:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class Arrivals:
    """Makes events of requests."""

    def __init__(self, proxies: TrustedProxies) -> None:
        self._proxies = proxies
        self._ids = EventIds()

    def event(self, scope: Any, webhook_id: str, body: bytes, received_at: int) -> RawEvent:
        """The request of an ASGI scope as an event with a fresh id.

        Header values are Latin-1, as HTTP servers have them, so that every byte survives.
        """
        headers = _text_headers(scope["headers"])
        client = scope.get("client")
        sender = self._proxies.sender(client[0] if client else "", scope["scheme"], headers)
        query: str = scope["query_string"].decode("latin-1")
        path: str = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        target = f"{path}?{query}" if query else path
        return RawEvent(
            id=self._ids.new(received_at),
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
