"""Charts as SVG, made here: stacked columns of counts in time."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from hookline_console.marks import VERDICTS

FILLS: Mapping[str, str] = {
    "resumed": "f-good",
    "resumed_and_started": "f-accent",
    "started": "f-info",
    "handshake": "f-note",
    "unmatched": "f-warn",
    "duplicate": "f-mute",
    "paused": "f-wash",
    "rejected": "f-bad",
    "failed": "f-bad",
    "dead": "f-bad",
}
"""From the bottom up; the class of each colour."""

_WIDTH = 600


def top_of(steps: Sequence[Mapping[str, Any]]) -> int:
    """The number at the top of the axis: a round one that no column exceeds."""
    most = max([4, *(sum(step["counts"].values()) for step in steps)])
    unit = 10 ** (len(str(most)) - 1)
    return next(unit * times for times in (1, 2, 4, 6, 8, 10, 20) if unit * times >= most)


def columns(steps: Sequence[Mapping[str, Any]], label: str) -> Markup:
    """A column a step, its parts by verdict, with the numbers in its title."""
    top, width = top_of(steps), _WIDTH / max(len(steps), 1)
    parts = [Markup('<path class="gl" d="M0 {}h600"/>').format(y) for y in (0, 25, 50, 75, 100)]
    parts += [_column(step, number, width, top) for number, step in enumerate(steps)]
    return Markup(
        '<svg class="plot" viewBox="0 0 600 100" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}</svg>'
    ).format(label, Markup("").join(parts))


def _column(step: Mapping[str, Any], number: int, width: float, top: int) -> Markup:
    x, y = number * width, 100.0
    drawn = Markup('<rect class="f-hit" x="{:.2f}" y="0" width="{:.2f}" height="100"/>').format(
        x, width
    )
    for name, fill in FILLS.items():
        count = step["counts"].get(name, 0)
        if not count:
            continue
        height = 100 * count / top
        y -= height
        drawn += Markup(
            '<rect class="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"/>'
        ).format(fill, x + width * 0.15, y, width * 0.7, height)
    return Markup("<g><title>{}</title>{}</g>").format(_said(step), drawn)


def _said(step: Mapping[str, Any]) -> str:
    counts = {name: n for name, n in step["counts"].items() if n}
    parts = ", ".join(f"{n} {VERDICTS[name].word.lower()}" for name, n in counts.items())
    return f"{sum(counts.values())} events{': ' + parts if parts else ''}"
