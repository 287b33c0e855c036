"""Templates to HTML: every value is escaped, and a name that is missing is an error."""

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Undefined
from jinja2.utils import missing

from hookline_common.clock import Clock, SystemClock
from hookline_console import moments
from hookline_console.assets import Assets
from hookline_console.json_lines import json_lines, json_text
from hookline_console.marks import (
    STATUSES,
    TASK_STATUSES,
    VERDICTS,
    platform_icon,
    status_mark,
    verdict_mark,
)
from hookline_console.readmes import readme_html

Render = Callable[..., str]

_KIB = 1024
_LONG_ID = 20


class _Absent(StrictUndefined):
    """A name that no template was given is an error; a member that the API left out is empty."""

    def _is_member(self) -> bool:
        return self._undefined_obj is not missing

    def __str__(self) -> str:
        return "" if self._is_member() else super().__str__()

    def __bool__(self) -> bool:
        return False if self._is_member() else super().__bool__()

    def __iter__(self) -> Any:
        return iter(()) if self._is_member() else super().__iter__()

    def __len__(self) -> int:
        return 0 if self._is_member() else super().__len__()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Undefined) if self._is_member() else super().__eq__(other)

    def __hash__(self) -> int:
        return id(type(self))


def renderer(assets: Assets, clock: Clock | None = None) -> Render:
    """`render(template, **values)`, with what all templates share."""
    now = (clock or SystemClock()).now_ms
    environment = Environment(
        loader=PackageLoader("hookline_console"),
        autoescape=True,
        undefined=_Absent,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shared: dict[str, Any] = {
        "asset": assets.url,
        "now_ms": now,
        "verdict_mark": verdict_mark,
        "status_mark": status_mark,
        "platform_icon": platform_icon,
        "verdicts": VERDICTS,
        "statuses": STATUSES,
        "task_statuses": TASK_STATUSES,
    }
    environment.globals.update(shared)
    environment.filters.update(_filters(now))

    def render(template: str, **values: Any) -> str:
        return environment.get_template(template).render(values)

    return render


def _filters(now: Callable[[], int]) -> dict[str, Any]:
    def ago(ms: int) -> str:
        return moments.ago_text(ms, now())

    return {
        "ago": ago,
        "utc": moments.utc_text,
        "iso": moments.iso_text,
        "lasting": moments.lasting_text,
        "exact": moments.exact_text,
        "json_lines": json_lines,
        "json_text": json_text,
        "readme_html": readme_html,
        "short_id": short_id,
        "number": number_text,
        "size": size_text,
    }


def short_id(value: str) -> str:
    """The first eight and last four characters of a long id."""
    return f"{value[:8]}…{value[-4:]}" if len(value) > _LONG_ID else value


def number_text(value: float) -> str:
    """With a comma between thousands."""
    return f"{value:,}"


def size_text(size: int) -> str:
    """Bytes in their largest unit."""
    for unit in ("B", "KB", "MB"):
        if size < _KIB:
            return f"{size} {unit}"
        size = round(size / _KIB)
    return f"{size} GB"
