"""`hookline replay`: what it asks for, what it says, and that Ctrl-C loses nothing."""

import json
import os
import pty
import signal
import subprocess
import uuid
from typing import Any

import pytest

from hookline_cli.moments import milliseconds_of
from tests.cli.registering import registered, sent_event, waiting
from tests.servers.hookline import BIN, Done, System
from tests.servers.processes import outer_environ

SECRET = "the secret that the platform signs with"


def _rejected(system: System, events: int, tmp_path: Any) -> tuple[dict[str, Any], list[str]]:
    """A webhook and the ids of events of its that were rejected for its secret."""
    flow = waiting(system, {"$.pull_request.number": "${workflow.input.number}"})
    hook = registered(system, flow, sourcePlatform="GitHub", secretValue="a wrong one")
    file = tmp_path / "secret"
    file.write_text(SECRET)
    sent = [
        sent_event(
            system.hookline(
                "send", hook["name"], "pull_request_review", "--secret-file", str(file),
                "--set", f"pull_request.number={number}",
            )
        )
        for number in range(events)
    ]  # fmt: skip
    for event in sent:
        assert system.event(event)["verdict"] == "rejected"
    return hook, sent


def _put_right(system: System, hook: dict[str, Any]) -> None:
    body = {**hook, "secretValue": SECRET, "secrets": None}
    system.call("PUT", f"/metadata/webhook/{hook['id']}", json=body)


def _waits(system: System, hook: dict[str, Any], number: int) -> str:
    (flow,) = hook["receiverWorkflowNamesToVersions"]
    return system.post("/workflow", {"name": flow, "input": {"number": number}})


def test_rejected_events_take_effect_when_the_secret_is_right(
    system: System, tmp_path: Any
) -> None:
    hook, sent = _rejected(system, 2, tmp_path)
    workflow = _waits(system, hook, 0)
    chosen = ("--webhook", hook["name"], "--verdict", "rejected,unmatched", "--since", "1h")
    before = system.hookline("replay", *chosen, "--dry-run")
    assert "2 events: 2 rejected" in before.out, before
    assert "signature_mismatch" in before.out, before
    _put_right(system, hook)
    seen = system.hookline("replay", *chosen, "--dry-run")
    assert f"{sent[0]}  pull_request_review.submitted" in seen.out, seen
    assert "rejected -> resumed" in seen.out, seen
    assert f"resume {hook_flow(hook)} {workflow} at wait" in seen.out, seen
    assert "would resume 1 tasks and start 0 workflows" in seen.out, seen
    assert "Not foreseen:" in seen.out, seen
    assert system.get(f"/workflow/{workflow}")["status"] == "RUNNING"
    done = system.hookline("replay", *chosen, "--yes")
    assert done.code == 0, done
    assert "2 of 2 events replayed" in done.out, done
    assert "1 resumed" in done.out, done
    assert "1 unmatched (no_wait)" in done.out, done
    system.execution(workflow, "COMPLETED")
    elsewhere = {"HOOKLINE_URL": "http://127.0.0.1:1"}
    listed = system.hookline("replay", "--url", system.api, "list", environ=elsewhere)
    assert "done" in listed.out, listed
    assert "2 of 2, 2 replayed" in listed.out, listed


def hook_flow(hook: dict[str, Any]) -> str:
    """The workflow that the webhook may resume."""
    (flow,) = hook["receiverWorkflowNamesToVersions"]
    return flow


def test_a_dry_run_as_json_has_all_that_the_api_says(system: System, tmp_path: Any) -> None:
    _, sent = _rejected(system, 1, tmp_path)
    seen = system.hookline("replay", "--id", sent[0], "--dry-run", "--json")
    found = json.loads(seen.out)
    assert (found["selected"], found["events"][0]["id"]) == (1, sent[0])


def test_nothing_is_replayed_unasked(system: System, tmp_path: Any) -> None:
    _, sent = _rejected(system, 1, tmp_path)
    asked = system.hookline("replay", "--id", sent[0])
    assert asked.code == 1, asked
    assert "1 events: 1 rejected" in asked.err, asked
    assert "Replay them?" in asked.err, asked
    assert system.get(f"/webhook-events/{sent[0]}")["replays"] == []


def test_what_is_missing_or_wrong_is_said(system: System) -> None:
    nothing = system.hookline("replay")
    assert nothing.code == 2, nothing
    assert "Say which events: --webhook" in nothing.err
    when = system.hookline("replay", "--since", "yesterday", "--yes")
    assert (when.code, "nor a duration like 2h" in when.err) == (2, True), when
    verdict = system.hookline("replay", "--verdict", "bad", "--yes")
    assert verdict.code == 1, verdict
    assert "There is no verdict 'bad'" in verdict.err
    assert "(/filter/verdicts)" in verdict.err
    absent = system.hookline("replay", "--id", str(uuid.uuid4()), "--yes")
    assert "There is no event" in absent.err, absent
    none = system.hookline("replay", "--text", str(uuid.uuid4()))
    assert none.code == 0, none
    assert "No event meets this" in none.err
    unknown = system.hookline("replay", "show", "nonesuch")
    assert "There is no replay nonesuch" in unknown.err, unknown


def _running(system: System, *arguments: str, stderr: int = subprocess.PIPE) -> Any:
    environ = {**outer_environ(), "HOOKLINE_URL": system.api}
    return subprocess.Popen(
        [str(BIN / "hookline"), "replay", *arguments],
        stdout=subprocess.PIPE, stderr=stderr, text=True, env=environ,
    )  # fmt: skip


def _ended(process: Any) -> Done:
    out, err = process.communicate(timeout=30)
    return Done(process.returncode, out, err or "")


def test_ctrl_c_pauses_and_resume_goes_on(system: System, tmp_path: Any) -> None:
    hook, sent = _rejected(system, 4, tmp_path)
    known = {job["id"] for job in system.get("/replays")["replays"]}
    process = _running(system, "--webhook", hook["id"], "--per-second", "1", "--yes")

    def begun() -> Any:
        jobs = [job for job in system.get("/replays")["replays"] if job["id"] not in known]
        return [job for job in jobs if job["counts"]["appended"] > 0]

    (job,) = system.until(begun, "the replay to have begun")
    process.send_signal(signal.SIGINT)
    done = _ended(process)
    assert done.code == 130, done
    assert "Paused after" in done.err, done
    assert f"Go on with: hookline replay --resume {job['id']}" in done.err, done
    stood = system.get(f"/replays/{job['id']}")
    assert stood["state"] == "paused"
    assert stood["counts"]["examined"] < 4
    resumed = system.hookline("replay", "--resume", job["id"])
    assert resumed.code == 0, resumed
    assert "4 of 4 events replayed" in resumed.out, resumed
    for event in sent:
        assert len(system.get(f"/webhook-events/{event}")["replays"]) == 1


def test_a_detached_replay_is_looked_after_by_its_id(system: System) -> None:
    flow = waiting(system, {})
    hook = registered(system, flow, sourcePlatform="GitHub", secretValue=SECRET)
    for _ in range(30):
        assert system.http.post(hook["url"], json={}).status_code == 200

    def all_rejected() -> bool:
        events = system.get("/webhook-events", params={"webhookId": hook["id"]})["events"]
        return [event["verdict"] for event in events] == ["rejected"] * 30

    system.until(all_rejected, "30 rejected events")
    begun = system.hookline(
        "replay", "--webhook", hook["id"], "--per-second", "1", "--yes", "--detach"
    )
    job = begun.out.split()[0]
    assert begun.out.startswith(job), begun
    assert f"hookline replay show {job}" in begun.out
    assert system.hookline("replay", "pause", job).code == 0
    stopped = system.hookline("replay", "stop", job)
    assert f"{job}" in stopped.out, stopped
    watched = system.hookline("replay", "watch", job)
    assert watched.code == 1, watched
    assert "stopped" in watched.err, watched
    again = system.hookline("replay", "--resume", job)
    assert (again.code, "it cannot be resumed any more" in again.err) == (1, True), again


def test_a_terminal_shows_a_progress_bar(system: System, tmp_path: Any) -> None:
    _, sent = _rejected(system, 1, tmp_path)
    ours, theirs = pty.openpty()
    process = _running(system, "--id", sent[0], "--yes", stderr=theirs)
    done = _ended(process)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.code == 0, shown
    assert "replaying" in shown
    assert "1/1" in shown


def test_verdicts_are_completed(system: System) -> None:
    environ = {
        "_HOOKLINE_COMPLETE": "bash_complete",
        "COMP_WORDS": "hookline replay --verdict re",
        "COMP_CWORD": "3",
    }
    offered = system.hookline(environ=environ)
    assert [line.split(",")[1] for line in offered.out.split()] == [
        "rejected", "resumed", "resumed_and_started",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", 1_800_000_000_000 - 2 * 3_600_000),
        ("1 day 1h", 1_800_000_000_000 - 25 * 3_600_000),
        ("2026-01-31T13:05:00Z", 1_769_864_700_000),
        ("2026-01-31T13:05:00+01:00", 1_769_861_100_000),
    ],
)
def test_times_are_iso_or_how_long_ago(text: str, expected: int) -> None:
    assert milliseconds_of(text, 1_800_000_000_000) == expected
