"""Each service scales alone, 1 -> 3 -> 1 processes under load: nothing lost, nothing done twice."""

import asyncio
from pathlib import Path

import pytest

from tests.chaos.running import run_with_faults
from tests.chaos.scaling import MOST, ScalingSite, steps
from tests.conftest import required
from tests.servers import kafka, mongodb

SEED = 9


@pytest.mark.real
def test_every_service_goes_to_three_processes_and_back_under_load(tmp_path: Path) -> None:
    required(kafka.missing() or mongodb.missing())
    site = ScalingSite(tmp_path)

    result = asyncio.run(run_with_faults(site, SEED, steps(), tmp_path))

    assert result.good, "\n".join([*result.lines(), site.output()])
    assert [shared.step for shared in site.seen] == steps()
    spread = [shared.shares for shared in site.seen if shared.step.instances == MOST]
    assert all(max(shares) < sum(shares) for shares in spread if shares)
