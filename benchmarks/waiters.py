"""The matcher alone: what an event costs with up to a million waits in its store.

    python benchmarks/waiters.py --waits 1000 100000 1000000

One process, the embedded store in a folder that is removed afterwards; no log traffic, no engine.
Each event resumes one wait; the figure is CPU and wall time per event, in batches of 500.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import measure

from hookline_common import collections, topics
from hookline_common.adapters import open_both
from hookline_common.running import run_main
from tests.matcher.world import HandClock, World

_BATCH = 500
_FILLER = "x" * 950


def main() -> None:
    """Run it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waits", type=int, nargs="+", default=[1000, 100_000, 1_000_000])
    parser.add_argument("--events", type=int, default=5000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hookline-bench-") as folder:
        run_main(measured(Path(folder), sorted(arguments.waits), arguments.events))


async def measured(folder: Path, sizes: Sequence[int], events: int) -> None:
    """Grow the store to each size and measure there."""
    url = f"sqlite:{folder / 'bench.db'}"
    clock = HandClock()
    log, documents = await open_both(url, url, clock=clock)
    await log.create_topics(topics.CATALOGUE)
    await documents.prepare(collections.ALL)
    world = World(log, documents, clock)
    await world.webhook()
    filled = 0
    for size in sizes:
        await fill(world, range(filled, size))
        filled = size
        chosen = range(0, size, max(1, size // events))[:events]
        cpu, wall, resumed = await post(world, chosen, f"{size}")
        rows = [
            ("CPU per event", f"{cpu * 1e6:.0f} us"),
            ("wall per event", f"{wall * 1e6:.0f} us"),
            ("resumed", f"{resumed} of {len(chosen)}"),
        ]
        print(f"\n{size:,} waits\n{measure.table(rows)}", flush=True)
    await world.close()
    await log.close()
    await documents.close()


async def fill(world: World, numbers: Sequence[int]) -> None:
    """Open a wait for each number."""
    for batch in batches(numbers):
        await world.happens(*(world.opened(f"task-{n}", {"number": n}) for n in batch))
        await asyncio.sleep(0)


async def post(world: World, numbers: Sequence[int], mark: str) -> tuple[float, float, int]:
    """CPU and wall seconds per event, and how many waits were resumed by them."""
    deliveries = [
        [world.event(f"e-{mark}-{n}", {"number": n, "filler": _FILLER}, delivery=f"{mark}-{n}")
         for n in batch]
        for batch in batches(numbers)
    ]  # fmt: skip
    resumed = 0
    cpu, wall = time.process_time(), time.perf_counter()
    for batch in deliveries:
        resumed += len(await world.handler.handle(batch))
    count = len(numbers)
    return (time.process_time() - cpu) / count, (time.perf_counter() - wall) / count, resumed


def batches(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """Slices of a batch's size."""
    for start in range(0, len(numbers), _BATCH):
        yield numbers[start : start + _BATCH]


if __name__ == "__main__":
    main()
