"""Who holds a place under a limit, and what was handed out lately: pure arithmetic.

A window is kept as counts per slice of a thousandth of it. A slice counts until the whole window
after its end has passed, so that no stretch of that length ever has more than was allowed, and
what was handed out is forgotten at most a thousandth of the window late.
"""

from collections.abc import Sequence

import msgspec

_SLICES = 1000
NO_LIMIT = 2**31

STALE_MS = 30_000
"""Whoever has had a place for so long is looked at: does it still need it?"""


class Bounds(msgspec.Struct, frozen=True):
    """At most so many at once, and so many in each window; 0 = no such limit."""

    at_once: int = 0
    per_window: int = 0
    window_ms: int = 0

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return self.at_once > 0 or self.per_window > 0


class Standing(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """How a limit stands. `holders`: who has a place -> when it was taken or last verified.

    `window`: (end of the slice, how many) in order; `tickets`: how many waiting numbers were drawn.
    """

    holders: dict[str, int] = {}
    window: tuple[tuple[int, int], ...] = ()
    tickets: int = 0


def room(standing: Standing, bounds: Bounds, now_ms: int) -> int:
    """How many more may begin now."""
    places = NO_LIMIT
    if bounds.at_once > 0:
        places = bounds.at_once - len(standing.holders)
    if bounds.per_window > 0:
        used = sum(count for _, count in _recent(standing, bounds, now_ms))
        places = min(places, bounds.per_window - used)
    return max(0, places)


def opens_at(standing: Standing, bounds: Bounds, now_ms: int) -> int:
    """When time alone makes more room; 0 = it does not."""
    if bounds.per_window <= 0:
        return 0
    recent = _recent(standing, bounds, now_ms)
    used = sum(count for _, count in recent)
    for end, count in recent:
        used -= count
        if used < bounds.per_window:
            return end + bounds.window_ms
    return 0


def taken(
    standing: Standing, bounds: Bounds, keys: Sequence[str], now_ms: int
) -> tuple[Standing, frozenset[str]]:
    """Places for the first of `keys` that fit; who has one already keeps it."""
    known = [key for key in keys if key in standing.holders]
    new = [key for key in keys if key not in standing.holders]
    new = new[: room(standing, bounds, now_ms)]
    window = _recent(standing, bounds, now_ms)
    if bounds.per_window > 0 and new:
        window = _counted(window, _slice_end(bounds, now_ms), len(new))
    holders = standing.holders
    if bounds.at_once > 0:
        holders = {**holders, **dict.fromkeys(new, now_ms)}
    after = msgspec.structs.replace(standing, holders=holders, window=window)
    return after, frozenset((*known, *new))


def freed(standing: Standing, keys: Sequence[str]) -> Standing:
    """Without these holders."""
    gone = frozenset(keys)
    holders = {key: at for key, at in standing.holders.items() if key not in gone}
    return msgspec.structs.replace(standing, holders=holders)


def stale(standing: Standing, now_ms: int) -> Sequence[str]:
    """The holders that were not seen to be alive for a while."""
    return [key for key, at in standing.holders.items() if now_ms - at >= STALE_MS]


def verified(standing: Standing, keys: Sequence[str], now_ms: int) -> Standing:
    """These holders were seen to be alive."""
    seen = {key: now_ms for key in keys if key in standing.holders}
    return msgspec.structs.replace(standing, holders={**standing.holders, **seen})


def _slice_end(bounds: Bounds, now_ms: int) -> int:
    size = max(1, bounds.window_ms // _SLICES)
    return (now_ms // size + 1) * size - 1


def _recent(standing: Standing, bounds: Bounds, now_ms: int) -> tuple[tuple[int, int], ...]:
    since = now_ms - bounds.window_ms
    return tuple((end, count) for end, count in standing.window if end > since)


def _counted(
    window: tuple[tuple[int, int], ...], end: int, count: int
) -> tuple[tuple[int, int], ...]:
    """Clocks of engines differ: a slice may not be the newest."""
    counts = dict(window)
    counts[end] = counts.get(end, 0) + count
    return tuple(sorted(counts.items()))
