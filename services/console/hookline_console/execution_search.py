"""The filters of the list of executions, as the API's query language says them (rest.md 1.7)."""

import re
from collections.abc import Mapping, Sequence

import msgspec

from hookline_console.marks import STATUSES
from hookline_console.moments import not_a_time, typed_ms

PAGE_SIZE = 50
PERIODS: Mapping[str, tuple[str, int]] = {
    "1h": ("Started in the last hour", 3_600_000),
    "24h": ("Started in 24 hours", 86_400_000),
    "7d": ("Started in 7 days", 7 * 86_400_000),
    "30d": ("Started in 30 days", 30 * 86_400_000),
}
_ID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z")


class Filters(msgspec.Struct, frozen=True):
    """What the person has chosen; `text` is an id, or anything that an execution holds."""

    workflow: str = ""
    version: str = ""
    statuses: tuple[str, ...] = ()
    correlation: str = ""
    period: str = ""
    since: str = ""
    until: str = ""
    text: str = ""
    start: int = 0

    @property
    def error(self) -> str:
        """What cannot be understood, and how to write it."""
        return not_a_time(self.since, self.until)

    @property
    def any(self) -> bool:
        """Whether something is filtered at all."""
        chosen = (self.workflow, self.version, self.correlation, self.period, self.text)
        return any((*chosen, self.statuses, self.since, self.until))


def search_parameters(filters: Filters, now: int) -> dict[str, str | int]:
    """The parameters of `GET /workflow/search` for a page of the list, newest first."""
    conditions = list(_conditions(filters, now))
    free_text = "" if _ID.match(filters.text) else filters.text
    return {
        "start": filters.start,
        "size": PAGE_SIZE,
        "sort": "startTime:DESC",
        "query": " AND ".join(conditions),
        "freeText": free_text,
    }


def _conditions(filters: Filters, now: int) -> Sequence[str]:
    found: list[str] = []
    if filters.workflow:
        found.append(equals("workflowType", filters.workflow))
    if filters.version.isdecimal():
        found.append(f"version = {filters.version}")
    statuses = [status for status in filters.statuses if status in STATUSES]
    if statuses:
        found.append(f"status IN ({','.join(statuses)})")
    if filters.correlation:
        found.append(equals("correlationId", filters.correlation))
    if filters.period in PERIODS:
        found.append(f"startTime > {now - PERIODS[filters.period][1]}")
    if (since := typed_ms(filters.since)) is not None:
        found.append(f"startTime > {since - 1}")
    if (until := typed_ms(filters.until)) is not None:
        found.append(f"startTime < {until}")
    if _ID.match(filters.text):
        found.append(equals("workflowId", filters.text.lower()))
    return found


def equals(field: str, value: str) -> str:
    """A condition that a field is exactly this; `=` would take `*` for a wildcard."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{field} IN ("{escaped}")'
