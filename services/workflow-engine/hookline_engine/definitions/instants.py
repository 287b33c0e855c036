"""Points in time as WAIT's `until` writes them (engine.md 4.16, D19)."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hookline_common.errors import HooklineError

_FORM = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?))?\s*(.*)")
_OFFSET = re.compile(r"(?:GMT|UTC)?([+-])(\d{1,2})(?::?(\d{2}))?")


class InstantSyntaxError(HooklineError):
    """The text is not a point in time."""


def parse_instant(text: str) -> int:
    """Epoch milliseconds of `2026-01-31`, `2026-01-31 13:05 Europe/Paris`, ISO 8601; else UTC."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise InstantSyntaxError(f"{text[:100]!r} is not like 2026-01-31 13:05 GMT+01:00")
    day, time, zone = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{time or '00:00'}").replace(tzinfo=_zone(zone))
        return int(moment.timestamp() * 1000)
    except (ValueError, OverflowError, ZoneInfoNotFoundError) as error:
        raise InstantSyntaxError(f"{text[:100]!r} is no point in time: {error}") from error


def _zone(name: str) -> tzinfo:
    if name in ("", "Z", "UTC", "GMT"):
        return UTC
    found = _OFFSET.fullmatch(name)
    if found is None:
        return ZoneInfo(name)
    sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-offset if sign == "-" else offset)
