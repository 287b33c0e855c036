"""Percentiles, the server's own CPU and memory (from its `/metrics`), and tables."""

import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import httpx


class Usage(NamedTuple):
    """CPU seconds used so far, and resident megabytes."""

    cpu_seconds: float
    memory_megabytes: float


def usage(url: str) -> Usage:
    """What the server's process has used, by its own account."""
    text = httpx.get(f"{url}/metrics", timeout=10).text
    return Usage(
        _metric(text, "process_cpu_seconds_total"),
        _metric(text, "process_resident_memory_bytes") / 1e6,
    )


def _metric(text: str, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    return float(found.group(1)) if found else math.nan


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def in_milliseconds(seconds: Sequence[float]) -> str:
    """Median, 95th and 99th percentile and maximum."""
    marks = ((0.5, "median"), (0.95, "p95"), (0.99, "p99"), (1.0, "max"))
    return ", ".join(f"{name} {percentile(seconds, share) * 1000:.2f} ms" for share, name in marks)


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Two columns."""
    listed = list(rows)
    width = max(len(name) for name, _ in listed)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in listed)
