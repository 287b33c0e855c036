"""Reports of clauses as an answer can carry them: no large values, nothing that was hidden."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from hookline_common.matching import ClauseReport
from hookline_common.matching.events import HEADER
from hookline_common.webhooks import SECRET_SHOWN

LONGEST_VALUE = 500
"""Characters of JSON of a value that is shown as it is."""

HIDDEN = "the value is kept hidden in the history, so that this clause cannot be checked here"


def presentable(reports: Iterable[ClauseReport]) -> tuple[ClauseReport, ...]:
    """The reports, with large values cut; a hidden header is said to be one."""
    return tuple(_presentable(report) for report in reports)


def unmet(reports: Sequence[ClauseReport]) -> list[ClauseReport]:
    """The clauses that do not hold, as far as that can be said."""
    return [report for report in reports if not report.holds and report.note != HIDDEN]


def shortened(value: Any) -> Any:
    """The value, or the beginning of its JSON if it is large."""
    text = msgspec.json.encode(value).decode()
    if len(text) <= LONGEST_VALUE:
        return value
    return f"{text[:LONGEST_VALUE]}… ({len(text)} characters)"


def _presentable(report: ClauseReport) -> ClauseReport:
    if report.path.startswith(HEADER) and report.actual == SECRET_SHOWN:
        return replace(report, note=HIDDEN)
    return replace(report, expected=shortened(report.expected), actual=shortened(report.actual))
