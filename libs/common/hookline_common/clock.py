"""The clock as a value that is passed in: services get the system's, tests a hand-moved one."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """A source of wall-clock time."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch, UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch, UTC."""
        return time.time_ns() // 1_000_000


def utc_text(at_ms: int) -> str:
    """A moment (epoch milliseconds) as people read it: `2024-05-01T12:00:00.250Z`."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    spec = "milliseconds" if at_ms % 1000 else "seconds"
    return moment.isoformat(timespec=spec).replace("+00:00", "Z")
