"""docs/guarantees.md names what there is: faults, violations, crash points, tests."""

import re

import pytest

from hookline_cli.chaos.audit import Name
from hookline_common.crash_points import CrashPoint
from tests.chaos.faults import Kind
from tests.system.error_codes import ROOT

PAGE = (ROOT / "docs/guarantees.md").read_text()


def test_every_violation_that_the_audit_knows_is_named() -> None:
    assert [name.value for name in Name if f"`{name.value}`" not in PAGE] == []


def test_every_kind_of_fault_has_its_row_and_no_other() -> None:
    table = PAGE.split("## What is done to it")[1].split("\n\n")[1]
    rows = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    assert sorted(rows) == sorted(kind.value for kind in Kind)


def test_the_number_of_crash_points_is_right() -> None:
    told = re.findall(r"(\d+) named crash points", PAGE)
    assert told == [str(len(CrashPoint))]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:tests|libs)/[\w./-]+\.py)`", PAGE))))
def test_what_it_names_as_proof_exists(path: str) -> None:
    assert (ROOT / path).is_file()
