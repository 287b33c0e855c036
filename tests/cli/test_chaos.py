"""`hookline chaos` against a running system: what it sends, says, leaves behind and finds out."""

import re
import sys
from pathlib import Path

from hookline_cli.chaos.ledger import read_ledger
from tests.servers.hookline import command, up
from tests.servers.processes import free_port

ROOT = Path(__file__).parents[2]
GUARANTEES = ("acknowledged-but-lost", "completed-twice", "started-twice", "without-verdict")


def _count(text: str, name: str) -> int:
    """The number in the row of a table."""
    (number,) = re.findall(rf"^  {re.escape(name)} +(\d+)$", text, re.MULTILINE)
    return int(number)


def test_a_sound_system_passes_and_is_left_as_it_was(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    with up(tmp_path) as system:
        done = system.hookline("chaos", "--seed", "5", "--events", "40", "--ledger", str(ledger))
        left = [system.get(path) for path in ("/metadata/webhook", "/metadata/workflow")]
        task_types = system.get("/metadata/taskdefs")

    assert done.code == 0, done
    assert "seed 5: " in done.out
    assert "hookline chaos --seed 5 --events 40" in done.out
    assert [_count(done.out, name) for name in GUARANTEES] == [0, 0, 0, 0]
    assert all(_count(done.out, kind) for kind in ("fan-out", "forged", "loop", "early"))
    assert _count(done.out, "given") == len(
        [entry for entry in read_ledger(ledger) if entry.what == "given"]
    )
    assert [*left, task_types] == [[], [], []]


def test_a_system_that_takes_duplicates_for_events_fails(tmp_path: Path) -> None:
    program = (sys.executable, "-m", "tests.chaos.broken_builds", "without-dedupe")
    with up(tmp_path, program=program, environ={"PYTHONPATH": str(ROOT)}) as system:
        done = system.hookline("chaos", "--events", "60", "--patience", "5", "--keep")
        kept = system.get("/metadata/webhook")

    assert done.code == 1, done
    assert _count(done.out, "completed-twice") > 0
    assert kept


def test_nobody_at_the_address_is_said_at_once() -> None:
    url = f"http://127.0.0.1:{free_port()}"

    done = command("hookline", "chaos", "--url", url)

    assert done.code == 1
    assert f"cannot reach Hookline at {url}" in done.err
