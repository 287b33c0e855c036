"""Times and durations in words."""

from datetime import UTC, datetime

_UNITS = ((86_400_000, "day", "days"), (3_600_000, "h", "h"), (60_000, "min", "min"))
_SECOND = 1000
_LONGEST_DATE = 8
_LONGEST_MS = 13


def utc_text(ms: int) -> str:
    """Such as `2026-11-23 13:31:58.441 UTC`."""
    return f"{_utc(ms):%Y-%m-%d %H:%M:%S}.{ms % _SECOND:03d} UTC"


def iso_text(ms: int) -> str:
    """Such as `2026-11-23T13:31:58.441Z`."""
    return f"{_utc(ms):%Y-%m-%dT%H:%M:%S}.{ms % _SECOND:03d}Z"


def _utc(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / _SECOND, UTC)


def ago_text(ms: int, now: int) -> str:
    """How long ago, in its largest unit: `now`, `21 s ago`, `3 min ago`, `2 days ago`."""
    past = now - ms
    if abs(past) < _SECOND:
        return "now"
    lasted = lasting_text(abs(past) // _SECOND * _SECOND)
    return f"{lasted} ago" if past > 0 else f"in {lasted}"


def lasting_text(ms: float) -> str:
    """A duration in its largest unit, below a second in milliseconds."""
    for size, one, many in _UNITS:
        if ms >= size:
            count = int(ms // size)
            return f"{count} {one if count == 1 else many}"
    if ms >= _SECOND:
        return f"{ms / _SECOND:.3g} s" if ms < 10 * _SECOND else f"{int(ms // _SECOND)} s"
    return f"{round(ms)} ms"


def exact_text(ms: float) -> str:
    """A duration in its two largest units: `2 days 19 h`, `1 min 4 s`, `31 ms`."""
    for position, (size, _, _) in enumerate(_UNITS):
        if ms >= size:
            rest = ms % size
            smaller = _UNITS[position + 1][0] if position + 1 < len(_UNITS) else _SECOND
            tail = f" {lasting_text(rest)}" if rest >= smaller else ""
            return lasting_text(ms - rest) + tail
    return lasting_text(ms)


def ms_of(text: str) -> int | None:
    """Milliseconds of an ISO time with a zone; None where it is none."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return round(parsed.timestamp() * _SECOND) if parsed.tzinfo else None


def typed_ms(text: str) -> int | None:
    """A time as a person types it, or a day; UTC unless it says otherwise; digits alone are
    milliseconds. None where it is none.
    """
    if text.isascii() and text.isdigit() and len(text) > _LONGEST_DATE:
        return int(text[:_LONGEST_MS])
    if text.endswith("Z") or "+" in text:
        return ms_of(text)
    day, _, clock = text.partition(" " if " " in text else "T")
    return ms_of(f"{day}T{clock or '00:00'}+00:00")


def not_a_time(*texts: str) -> str:
    """What to say of the first text that is no time; empty if each is one, or empty."""
    wrong = next((text for text in texts if text and typed_ms(text) is None), "")
    return f"“{wrong}” is no time: write 2026-11-23 14:30 (UTC)." if wrong else ""
