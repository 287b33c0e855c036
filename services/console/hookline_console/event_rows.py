"""The list of events: what its address asks for, and each event as a row."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from hookline_console.event_story import filled, took
from hookline_console.marks import VERDICTS
from hookline_console.moments import not_a_time, typed_ms

HOUR_MS = 3_600_000
RANGES: Mapping[str, tuple[str, int]] = {
    "1h": ("Last hour", HOUR_MS),
    "24h": ("Last 24 hours", 24 * HOUR_MS),
    "7d": ("Last 7 days", 7 * 24 * HOUR_MS),
}
NOT_REPLAYED = frozenset({"duplicate", "handshake", "pending"})

_MINUTE_MS = 60_000
_MOST_STEPS = 1_000


class Filters(msgspec.Struct, frozen=True):
    """What to show; `begin` and `end` are epoch milliseconds. `error` names what cannot be read."""

    webhook_id: str = ""
    verdict: str = ""
    type: str = ""
    text: str = ""
    range: str = ""
    begin: int | None = None
    end: int | None = None
    error: str = ""

    @property
    def any(self) -> bool:
        """Whether anything but the webhook narrows the list."""
        return bool(self.verdict or self.type or self.text or self.begin or self.end)

    def for_list(self) -> dict[str, Any]:
        """As query parameters of `/webhook-events`."""
        return {
            "webhookId": self.webhook_id,
            "verdict": self.verdict,
            "type": self.type,
            "text": self.text,
            "from": self.begin,
            "to": self.end,
        }

    def for_replay(self) -> dict[str, Any]:
        """As the `filter` of `/replays`."""
        found: dict[str, Any] = {
            "webhookId": self.webhook_id,
            "verdicts": [self.verdict] if self.verdict else [],
            "types": [self.type] if self.type else [],
            "text": self.text,
            "from": self.begin,
            "to": self.end,
        }
        return {name: value for name, value in found.items() if value not in (None, "", [])}

    def for_stats(self, now: int) -> dict[str, int] | None:
        """As the span of `/stats`; None where its counters cannot count what is shown."""
        if self.type or self.text or self.begin is None:
            return None
        span = (self.end or now) - self.begin
        step = max(_MINUTE_MS, span // _MOST_STEPS)
        given = {"from": self.begin, "step": step}
        return given | ({"to": self.end} if self.end else {})


class Check(msgspec.Struct, frozen=True):
    """How its checks came out: `ok` None where none was made."""

    text: str
    ok: bool | None


class Row(msgspec.Struct, frozen=True):
    """An event in the list."""

    event: Mapping[str, Any]
    check: Check
    took: int | None
    touched: Sequence[Mapping[str, Any]]
    note: str

    @property
    def replayable(self) -> bool:
        """Whether a replay of it means anything."""
        return self.event["verdict"] not in NOT_REPLAYED


def filters_of(query: Callable[[str], str], now: int, webhook_id: str = "") -> Filters:
    """The filters of an address; a time that is none is left out and named in `error`."""
    chosen = query("range")
    length = RANGES[chosen][1] if chosen in RANGES else None
    begin, end = typed_ms(query("from")), typed_ms(query("to"))
    verdict = query("verdict")
    return Filters(
        webhook_id=webhook_id or query("webhookId"),
        verdict=verdict if verdict in VERDICTS else "",
        type=query("type"),
        text=query("text"),
        range=chosen if length else "",
        begin=now - length if length else begin,
        end=None if length else end,
        error=not_a_time(query("from"), query("to")),
    )


def row(event: Mapping[str, Any]) -> Row:
    """An event of a list as its row."""
    event = filled(event)
    touched = [one for one in event.get("effects", ()) if one.get("workflowId")]
    return Row(event, check_of(event), took(event), touched, _note(event))


def check_of(event: Mapping[str, Any]) -> Check:
    """Whether headers or signature matched, and the first check that did not."""
    verification = event.get("verification")
    if not verification or not verification.get("checks"):
        return Check("not checked", None)
    failed = next((one for one in verification["checks"] if not one["ok"]), None)
    if failed:
        return Check(f"{failed['name']}: {failed.get('detail', 'failed')}", ok=False)
    words = {"header": "Headers match", "none": "Nothing to check"}
    method = str(verification.get("method", ""))
    return Check(words.get(method, "Signature holds"), ok=True)


def _note(event: Mapping[str, Any]) -> str:
    notes = {
        "paused": "none: can be replayed",
        "handshake": "answered",
        "pending": "on its way",
        "unmatched": "no wait, no start",
    }
    return notes.get(str(event["verdict"]), "–")
