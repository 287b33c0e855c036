"""At every named crash point a process dies, and nothing is lost or done twice because of it."""

import asyncio

import pytest

from hookline_common.crash_points import CrashPoint, Trap, loop_points, trap_at
from tests.chaos.faults import Fault, embedded_faults
from tests.chaos.running import Result, run_with_faults
from tests.chaos.sites import EmbeddedSite

SEED = 4


@pytest.fixture(scope="module")
def deaths(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """One run in which `hookline up` is started for each crash point, and dies there."""
    folder = tmp_path_factory.mktemp("crash-points")
    faults = embedded_faults(SEED, 0, list(CrashPoint))
    return asyncio.run(run_with_faults(EmbeddedSite(folder), SEED, faults, folder))


@pytest.mark.parametrize("point", CrashPoint)
def test_a_process_dies_at_the_crash_point(deaths: Result, point: CrashPoint) -> None:
    assert point in deaths.points, "\n".join(deaths.lines())


def test_all_is_accounted_for_after_all_these_deaths(deaths: Result) -> None:
    assert deaths.good, "\n".join(deaths.lines())


def test_a_trap_counts_only_its_own_point_and_lets_die_once() -> None:
    died: list[CrashPoint] = []
    trap = Trap(CrashPoint.ENGINE_READ, 2, died.append)

    for point in (CrashPoint.ENGINE_READ, CrashPoint.MATCHER_READ, None, CrashPoint.ENGINE_READ):
        trap.reached(point)
    trap.reached(CrashPoint.ENGINE_READ)

    assert died == [CrashPoint.ENGINE_READ]


def test_a_trap_at_a_point_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="no-such-point"):
        trap_at("no-such-point:1")


def test_each_consumer_has_points_of_its_own_and_a_strange_one_has_none() -> None:
    own = [loop_points(service) for service in ("verifier", "matcher", "engine")]

    assert len({point for points in own for point in points}) == 12
    assert set(loop_points("somebody")) == {None}


def test_effects_are_emitted_again_after_a_death_that_left_some() -> None:
    def points(faults: list[Fault]) -> list[CrashPoint | None]:
        return [fault.point for fault in faults]

    for seed in range(20):
        assert points(embedded_faults(seed, 80, list(CrashPoint)))[-3:] == [
            CrashPoint.ENGINE_QUEUEING,
            CrashPoint.OUTBOX_EMITTING_AGAIN,
            CrashPoint.OUTBOX_EMITTED_AGAIN,
        ]
