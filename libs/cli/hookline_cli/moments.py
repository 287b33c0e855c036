"""Points in time as a person types them: an ISO 8601 time, or how long ago."""

import time
from datetime import datetime
from typing import Any

import click

from hookline_common.durations import DurationSyntaxError, parse_duration


class Moment(click.ParamType[int]):
    """An option's value as epoch milliseconds; a time without a zone is local."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Epoch milliseconds."""
        if isinstance(value, int):
            return value
        try:
            return milliseconds_of(str(value), time.time_ns() // 1_000_000)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def milliseconds_of(text: str, now_ms: int) -> int:
    """`2h`, `1 day` (before now), or an ISO 8601 time; raises ValueError."""
    try:
        ago = parse_duration(text)
    except DurationSyntaxError:
        ago = 0
    if ago:
        return now_ms - ago
    try:
        return int(datetime.fromisoformat(text.strip()).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        message = f"{text[:60]!r} is neither a time like 2026-01-31T13:05 nor a duration like 2h"
        raise ValueError(message) from error
