"""Each service from one process to three and back under load, on a real broker and store.

PYTHONPATH=. python benchmarks/scaling.py [--seed N]

Prints how the partitions were shared after each step and how long that took, then the audit of
everything that was sent meanwhile. Needs what the tests on real servers need (java, mvn).
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.chaos.running import run_with_faults
from tests.chaos.scaling import ScalingSite, steps


def main() -> None:
    """Run it; exits with 1 if anything was lost or done twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    seed: int = parser.parse_args().seed
    with tempfile.TemporaryDirectory(prefix="hookline-scaling-") as folder:
        site = ScalingSite(Path(folder))
        result = asyncio.run(run_with_faults(site, seed, steps(), Path(folder)))
    print("| step | partitions of each process | seconds |")
    print("|---|---|---|")
    for shared in site.seen:
        shares = ", ".join(map(str, shared.shares)) or "reads none"
        print(f"| {shared.step} | {shares} | {shared.seconds:.1f} |")
    print()
    print("\n".join(result.lines()))
    sys.exit(0 if result.good else 1)


if __name__ == "__main__":
    main()
