"""Follows a replay to its end with a progress bar; Ctrl-C pauses it and says how to go on."""

import sys
import time
from typing import Any

import click

from hookline_cli.client import Client
from hookline_cli.replay_reports import describe_end, describe_job

LOOK_SECONDS = 0.3
MOST_TOLD = 10_000
"""Events whose outcome is asked for at the end."""
PATIENCE_SECONDS = 10.0
"""How long to wait for outcomes that are on their way when the replay is done."""
INTERRUPTED = 130


def follow(client: Client, job_id: str) -> None:
    """Return when the replay has ended; exits with 1 if it did not reach its end by itself."""
    try:
        job = _until_ended(client, job_id)
    except KeyboardInterrupt:
        _pause(client, job_id)
        raise SystemExit(INTERRUPTED) from None
    if job["state"] != "done":
        click.echo(describe_job(job), err=True)
        if job["state"] in ("paused", "failed"):
            click.echo(f"Go on with: hookline replay --resume {job_id}", err=True)
        raise SystemExit(1)
    for line in describe_end(job, _outcomes(client, job_id)):
        click.echo(line)


def _until_ended(client: Client, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = client.get(f"/replays/{job_id}")
    if not sys.stderr.isatty():
        while job["state"] in ("queued", "running"):
            time.sleep(LOOK_SECONDS)
            job = client.get(f"/replays/{job_id}")
        return job
    total = max(job["counts"]["selected"], 1)
    with click.progressbar(length=total, label="replaying", file=sys.stderr, show_pos=True) as bar:
        while True:
            bar.update(min(job["counts"]["examined"], total) - bar.pos)
            if job["state"] not in ("queued", "running"):
                return job
            time.sleep(LOOK_SECONDS)
            job = client.get(f"/replays/{job_id}")


def _pause(client: Client, job_id: str) -> None:
    job = client.get(f"/replays/{job_id}")
    if job["state"] in ("queued", "running"):
        job = client.call("PUT", f"/replays/{job_id}/pause")
    counts = job["counts"]
    done = f"{counts['examined']} of {counts['selected']} events"
    click.echo(f"\n{job['state'].capitalize()} after {done}.", err=True)
    if job["state"] == "paused":
        click.echo(f"Go on with: hookline replay --resume {job_id}", err=True)


def _outcomes(client: Client, job_id: str) -> list[dict[str, Any]]:
    """What became of the replays, once nothing is on its way any more or patience ends."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        events = _events(client, job_id)
        under_way = any(one.get("replayVerdict", "pending") == "pending" for one in events)
        if not under_way or time.monotonic() >= end:
            return events
        time.sleep(LOOK_SECONDS)


def _events(client: Client, job_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 1000}
    while len(found) < MOST_TOLD:
        page = client.get(f"/replays/{job_id}/events", params=query)
        found += page["events"]
        if "nextCursor" not in page:
            break
        query["cursor"] = page["nextCursor"]
    return found
