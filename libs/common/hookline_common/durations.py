"""Durations as definitions write them: `30m`, `2 days`, `1h 30m` (specs/engine.md 4.16)."""

import re

from hookline_common.errors import HooklineError


class DurationSyntaxError(HooklineError):
    """The text is not a duration."""


_UNITS = (
    (r"d|days?", 86_400_000),
    (r"h|hrs?|hours?", 3_600_000),
    (r"m|mins?|minutes?", 60_000),
    (r"s|secs?|seconds?", 1_000),
)
_DURATION = re.compile(
    r"\s*" + "".join(rf"(?:([0-9]{{1,9}})\s*(?:{names})\s*)?" for names, _ in _UNITS),
    re.IGNORECASE | re.ASCII,
)
_ALLOWED = 'write days, hours, minutes and seconds in this order, such as "2 days" or "1h 30m"'


def parse_duration(text: str) -> int:
    """Milliseconds; 0 for an empty text. Raises DurationSyntaxError."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise DurationSyntaxError(f"{text[:100]!r} is not a duration: {_ALLOWED}")
    return sum(
        int(count) * milliseconds
        for count, (_, milliseconds) in zip(found.groups(), _UNITS, strict=True)
        if count
    )
