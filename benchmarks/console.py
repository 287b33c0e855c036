"""How long each page of the console takes with few and with many events and executions.

    PYTHONPATH=. .venv/bin/python benchmarks/console.py --many 100000

On a `hookline up` of its own with the embedded store: fills it over HTTP (every event resumes one
execution, a thousand more wait), and asks for each page again and again, one at a time.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import measure
from resume import park, send
from scenario import Scenario

from tests.servers.processes import free_port, running

GOAL_SECONDS = 0.3
_FEW = 200
_CHUNK = 5_000
_WAITING = 1_000
_ASKED = 20


def main() -> None:
    """Fill, measure, fill more, measure again, and print both beside each other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--many", type=int, default=100_000)
    arguments = parser.parse_args()
    with _hookline() as url:
        scenario = Scenario(url)
        park(scenario, range(-_WAITING, 0))
        filled = _fill(scenario, 0, _FEW)
        few = _measured(url, scenario)
        begun = time.perf_counter()
        filled = _fill(scenario, filled, arguments.many)
        print(f"{filled} events and executions, filled in {time.perf_counter() - begun:.0f} s\n")
        many = _measured(url, scenario)
    print(measure.table(_rows(few, many)))
    slow = [
        name for name, seconds in many.items() if measure.percentile(seconds, 0.5) > GOAL_SECONDS
    ]
    if slow:
        sys.exit(f"over {GOAL_SECONDS * 1000:.0f} ms: {', '.join(slow)}")


@contextmanager
def _hookline() -> Iterator[str]:
    port, beside = free_port(), Path(sys.executable).parent
    with tempfile.TemporaryDirectory(prefix="hookline-bench-") as folder:
        command = [str(beside / "hookline"), "up", "--port", str(port), "--gateway-port", "0"]
        log = Path(folder) / "hookline.log"
        with running([*command, "--data", str(Path(folder) / "data")], port, log):
            yield f"http://127.0.0.1:{port}"


def _fill(scenario: Scenario, done: int, until: int) -> int:
    """Park executions and resume them with an event each, in chunks."""
    while done < until:
        numbers = range(done, min(done + _CHUNK, until))
        park(scenario, numbers)
        answers = send(scenario.webhook["url"], scenario.event_requests(numbers))
        refused = sum(answer.status != 200 for answer in answers)
        if refused:
            raise SystemExit(f"{refused} of {len(answers)} events were refused")
        done = numbers.stop
        scenario.wait_for("COMPLETED", done, pause_seconds=0.5)
    return done


def _measured(url: str, scenario: Scenario) -> Mapping[str, list[float]]:
    """Seconds of each answer, by page."""
    found: dict[str, list[float]] = {}
    with httpx.Client(base_url=url, timeout=60, follow_redirects=True) as client:
        for path in _paths(scenario):
            found[
                path.replace(scenario.webhook["id"], "{id}").replace(scenario.workflow, "{name}")
            ] = [_seconds(client, path) for _ in range(_ASKED)]
    return found


def _paths(scenario: Scenario) -> list[str]:
    client = scenario.client
    event = client.get("/webhook-events", params={"limit": 1})["events"][0]["id"]
    search = {"size": 1, "sort": "startTime:DESC"}
    execution = client.get("/workflow/search", params=search)["results"][0]["workflowId"]
    webhook, workflow = scenario.webhook["id"], scenario.workflow
    return [
        "/",
        "/?range=7d",
        "/events",
        "/events?verdict=unmatched",
        "/events?text=bench",
        f"/definitions/webhooks/{webhook}/events",
        f"/events/{event}",
        "/definitions/webhooks",
        f"/definitions/webhooks/{webhook}",
        "/definitions/workflows",
        f"/definitions/workflows/{workflow}",
        f"/run?name={workflow}",
        "/executions",
        "/executions?status=RUNNING",
        f"/executions?workflow={workflow}",
        "/executions?text=bench",
        f"/executions/{execution}",
        "/operations",
        "/find?q=bench",
    ]


def _seconds(client: httpx.Client, path: str) -> float:
    begun = time.perf_counter()
    answer = client.get(path)
    if answer.status_code != 200:
        raise SystemExit(f"{path}: {answer.status_code}\n{answer.text[:2000]}")
    return time.perf_counter() - begun


def _rows(
    few: Mapping[str, list[float]], many: Mapping[str, list[float]]
) -> Iterator[tuple[str, str]]:
    """Pages are named by their address; ids of events and executions differ between the runs."""
    for (name, before), after in zip(few.items(), many.values(), strict=True):
        ratio = measure.percentile(after, 0.5) / measure.percentile(before, 0.5)
        yield name, f"{measure.in_milliseconds(after)}; {ratio:.1f} times the median with {_FEW}"


if __name__ == "__main__":
    main()
