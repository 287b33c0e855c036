"""A build with a guarantee taken out is found out, each by a violation of its own (issue 4)."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from hookline_cli.chaos.audit import Name
from hookline_common.crash_points import CrashPoint
from tests.chaos.faults import Fault, Kind
from tests.chaos.running import run_with_faults
from tests.chaos.sites import EmbeddedSite

PATIENCE_SECONDS = 6.0


def _deaths(*points: CrashPoint) -> list[Fault]:
    return [Fault(Kind.CRASH_POINT, "hookline", point=point) for point in points]


@pytest.mark.parametrize(
    ("kind", "faults", "name"),
    [
        ("without-outbox", _deaths(*[CrashPoint.ENGINE_SAVED_HEADS] * 3), Name.LOST),
        # Late in the way of an event: the sender has its answer, and will not send it again.
        (
            "commits-first",
            _deaths(*[CrashPoint.MATCHER_HEARING_OUTCOMES] * 4),
            Name.WITHOUT_VERDICT,
        ),
        ("without-dedupe", [], Name.COMPLETED_TWICE),
    ],
)
def test_what_a_guarantee_prevents_is_found_where_it_is_taken_out(
    tmp_path: Path, kind: str, faults: Sequence[Fault], name: Name
) -> None:
    site = EmbeddedSite(tmp_path, ("broken", kind))

    result = asyncio.run(run_with_faults(site, 7, faults, tmp_path, PATIENCE_SECONDS))

    found = {violation.name for violation in result.violations}
    assert result.missing == []
    assert name in found, "\n".join(result.lines())
