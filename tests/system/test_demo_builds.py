"""`hookline demo` tells a system that works from one that believes everyone, or no one."""

import re
import sys
from pathlib import Path

import pytest

from tests.servers.hookline import Done, up

ROOT = Path(__file__).parents[2]


def played(tmp_path: Path, build: str) -> Done:
    """The demo against that build of tests/system/broken_builds.py."""
    program = (sys.executable, "-m", "tests.system.broken_builds", build)
    with up(tmp_path, program=program, environ={"PYTHONPATH": str(ROOT)}) as system:
        return system.hookline("demo", "--patience", "15" if build == "real" else "2")


def test_against_the_real_build_every_step_goes_as_expected(tmp_path: Path) -> None:
    done = played(tmp_path, "real")

    assert done.code == 0, done
    assert "FAIL" not in done.out
    steps = re.findall(r"^ok   \d+\. ", done.out, re.MULTILINE)
    assert len(steps) == done.out.count("expected ") == done.out.count("got  ") > 8
    assert "rejected" in done.out.partition("History of")[2]


@pytest.mark.parametrize(
    ("build", "found_by"),
    [
        ("credulous", "a forged event is rejected and resumes nothing"),
        ("paranoid", "the real event is accepted"),
    ],
)
def test_a_build_with_a_broken_verifier_is_found_out(
    tmp_path: Path, build: str, found_by: str
) -> None:
    done = played(tmp_path, build)

    assert done.code == 1, done
    assert re.search(rf"^FAIL \d+\. {found_by}$", done.out, re.MULTILINE), done
    assert "did not go as expected" in done.err


def test_two_runs_on_one_system_do_not_meet(tmp_path: Path) -> None:
    with up(tmp_path) as system:
        for _ in range(2):
            done = system.hookline("demo")
            assert done.code == 0, done
