"""`make chaos`: real processes, faults by seed, a known right outcome, an audit.

python -m tests.chaos --backend both --faults 60 --seed 7
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from hookline_common.crash_points import CrashPoint
from tests.chaos.faults import Fault, embedded_faults, real_faults
from tests.chaos.running import Result, run_with_faults
from tests.chaos.sites import EmbeddedSite, RealSite, Site

REAL_SHARE = 4
"""With both backends every fourth fault is one on real servers, where each takes seconds."""


@click.command()
@click.option("--backend", type=click.Choice(["embedded", "real", "both"]), default="both")
@click.option("--faults", type=click.IntRange(1), default=80, show_default=True,
              help="At least so many; each kind twice, each crash point once.")  # fmt: skip
@click.option("--seed", type=int, default=None, help="By default a new one; it is printed.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path),
              help="Leave logs and data in this folder.")  # fmt: skip
def main(backend: str, faults: int, seed: int | None, keep: Path | None) -> None:
    """Run it, print the tables, and exit with 1 if anything was violated or did not happen."""
    chosen = time.time_ns() % 1_000_000 if seed is None else seed
    shares = {"embedded": (faults, 0), "real": (0, faults)}
    embedded, real = shares.get(backend, (faults - faults // REAL_SHARE, faults // REAL_SHARE))
    good = True
    if embedded:
        planned = embedded_faults(chosen, embedded, list(CrashPoint))
        good &= _run("embedded", EmbeddedSite, chosen, planned, keep)
    if real:
        good &= _run("real", RealSite, chosen, real_faults(chosen, real), keep)
    click.echo(f"again: make chaos BACKEND={backend} FAULTS={faults} SEED={chosen}")
    sys.exit(0 if good else 1)


def _run(
    name: str, build: Callable[[Path], Site], seed: int, faults: Sequence[Fault], keep: Path | None
) -> bool:
    with tempfile.TemporaryDirectory(prefix="hookline-chaos-") as temporary:
        folder = keep / name if keep else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        begun = time.monotonic()
        result = asyncio.run(run_with_faults(build(folder), seed, faults, folder))
        _print(name, result, time.monotonic() - begun)
    return result.good


def _print(name: str, result: Result, seconds: float) -> None:
    click.echo(f"=== {name}, {seconds:.0f} s ===\n")
    click.echo("\n".join(result.lines()))


if __name__ == "__main__":
    main()
