"""Whether an event costs the same however many workflows wait: resume.py at several sizes.

    python benchmarks/parked.py --url http://127.0.0.1:8080 --parked 1000 10000 100000

Parks so many workflows, then posts events for a small share of them, spread over all.
"""

import argparse

import measure
from resume import park, run
from scenario import Scenario


def main() -> None:
    """Run it and print a table for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--key", default="")
    parser.add_argument("--parked", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=64)
    arguments = parser.parse_args()
    scenario = Scenario(arguments.url, arguments.key)
    waiting: list[int] = []
    begun = 0
    for size in sorted(arguments.parked):
        new = range(begun, begun + size - len(waiting))
        begun = new.stop
        park(scenario, new)
        waiting += new
        chosen = waiting[:: max(1, size // arguments.events)][: arguments.events]
        print(f"\n{size:,} workflows parked")
        print(measure.table(run(scenario, chosen, arguments.connections)))
        waiting = sorted(set(waiting) - set(chosen))


if __name__ == "__main__":
    main()
