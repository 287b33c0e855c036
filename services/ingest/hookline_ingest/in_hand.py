"""Bounds the requests that the gateway has in hand, and the part of one webhook in them.

A request is in hand until it is answered: while its body comes, while the log is waited for. With
the log gone that lasts up to the deadline, and senders go on sending.
"""

from collections.abc import Generator
from contextlib import contextmanager

from hookline_common.errors import TooManyRequests, Unavailable

MOST = 4096
MOST_OF_ONE_WEBHOOK = MOST // 2

RETRY_AFTER_SECONDS = 1


class InHand:
    """Counts the requests that have begun and are not answered yet, by webhook."""

    def __init__(self, most: int = MOST, most_of_one: int = MOST_OF_ONE_WEBHOOK) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._total = 0
        self._by_webhook: dict[str, int] = {}

    @contextmanager
    def one(self, webhook_id: str) -> Generator[None, None, None]:
        """Have one more in hand; raises Unavailable, or TooManyRequests for this webhook alone."""
        if self._total >= self._most:
            raise Unavailable(
                "Too many requests are being answered; send it again.",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        mine = self._by_webhook.get(webhook_id, 0)
        if mine >= self._most_of_one:
            raise TooManyRequests(
                f"{mine} requests of this webhook are being answered already.",
                code="too_many_at_once",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        self._total += 1
        self._by_webhook[webhook_id] = mine + 1
        try:
            yield
        finally:
            self._total -= 1
            left = self._by_webhook.pop(webhook_id) - 1
            if left:
                self._by_webhook[webhook_id] = left
