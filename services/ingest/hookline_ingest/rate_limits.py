"""Limits how many events a second one webhook may get from this process."""

from collections.abc import Callable

from hookline_common.errors import TooManyRequests


class RateLimits:
    """One bucket per webhook: it holds what one second allows and refills evenly."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        """`seconds` is a monotonic clock."""
        self._seconds = seconds
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, webhook_id: str, per_second: int) -> None:
        """Count one request; raises TooManyRequests when the bucket is empty."""
        now = self._seconds()
        level, since = self._buckets.get(webhook_id, (float(per_second), now))
        level = min(float(per_second), level + (now - since) * per_second)
        allowed = level >= 1
        self._buckets[webhook_id] = (level - 1 if allowed else level, now)
        if not allowed:
            raise TooManyRequests(
                f"This webhook takes {per_second} requests a second.",
                code="rate_limited",
                retry_after_seconds=1,
            )
