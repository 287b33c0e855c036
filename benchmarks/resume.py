"""Park N workflows on distinct keys, post N signed 1 KB events, and see how fast they complete.

    python benchmarks/resume.py --url http://127.0.0.1:8080 --events 5000 --serial 200

Works against any running Hookline over HTTP; the load generator runs on the same machine.
"""

import argparse
import time
from collections.abc import Sequence

import measure
import uvloop
from http_load import Answer, Line, send_all
from scenario import Scenario


def main() -> None:
    """Run it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--key", default="")
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--serial", type=int, default=200)
    parser.add_argument("--connections", type=int, default=64)
    arguments = parser.parse_args()
    scenario = Scenario(arguments.url, arguments.key)
    numbers = range(arguments.events)
    park(scenario, numbers)
    print(measure.table(run(scenario, numbers, arguments.connections)))
    api, gateway = Line(arguments.url), Line(scenario.webhook["url"])
    serial = [one(scenario, api, gateway, arguments.events + n) for n in range(arguments.serial)]
    if serial:
        print(measure.table([("serial, POST to COMPLETED", measure.in_milliseconds(serial))]))


def park(scenario: Scenario, numbers: Sequence[int]) -> None:
    """Start the workflows, and wait until the matcher holds all their waits."""
    before = scenario.consumed_by_matcher()
    answers = send(scenario.client.url, scenario.start_requests(numbers))
    refused = sum(answer.status != 200 for answer in answers)
    if refused:
        raise SystemExit(f"{refused} of {len(answers)} starts were refused")
    scenario.wait_until_consumed(before + len(numbers))


def run(scenario: Scenario, numbers: Sequence[int], connections: int) -> list[tuple[str, str]]:
    """Post the events at once, wait for the completions, and put it in rows."""
    requests = scenario.event_requests(numbers)
    completed_before = scenario.count("COMPLETED")
    before = measure.usage(scenario.client.url)
    begun = time.perf_counter()
    answers = send(scenario.webhook["url"], requests, connections)
    acknowledged = time.perf_counter() - begun
    accepted = sum(200 <= answer.status < 300 for answer in answers)
    ended = scenario.wait_for("COMPLETED", completed_before + accepted) - begun
    after = measure.usage(scenario.client.url)
    completed = scenario.count("COMPLETED") - completed_before
    return [
        ("events", f"{len(answers)}, {len(answers) - accepted} refused"),
        ("acknowledged/s", f"{accepted / acknowledged:,.0f}"),
        ("resumed/s, to COMPLETED", f"{accepted / ended:,.0f}"),
        ("acknowledgement", measure.in_milliseconds([answer.seconds for answer in answers])),
        (
            "server CPU per event",
            f"{(after.cpu_seconds - before.cpu_seconds) / accepted * 1e6:.0f} us",
        ),
        ("server memory", f"{after.memory_megabytes:.0f} MB"),
        ("lost", str(accepted - completed)),
    ]


def one(scenario: Scenario, api: Line, gateway: Line, number: int) -> float:
    """Seconds from posting one event to seeing its workflow COMPLETED; looks every half ms."""
    workflow_id = api.ask(scenario.start_requests([number])[0]).decode()
    (event,) = scenario.event_requests([number])
    look = scenario.status_request(workflow_id)
    begun = time.perf_counter()
    gateway.ask(event)
    while b'"COMPLETED"' not in api.ask(look):
        if time.perf_counter() - begun > 30:
            raise SystemExit(f"{workflow_id} did not complete")
        time.sleep(0.0005)
    return time.perf_counter() - begun


def send(url: str, requests: list[bytes], connections: int = 64) -> list[Answer]:
    """Send the requests on an event loop of their own."""
    return uvloop.run(send_all(url, requests, connections))


if __name__ == "__main__":
    main()
