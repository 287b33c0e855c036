"""A replay whose process is killed in the middle goes on when Hookline runs again."""

import signal
from pathlib import Path
from typing import Any

import httpx

from tests.servers.hookline import BIN, DEADLINE_SECONDS, up
from tests.servers.processes import free_port, running, wait_until

EVENTS = 8
SECRET = "the secret that the platform signs with"


def test_kill_9_costs_a_replay_neither_an_event_nor_its_place(tmp_path: Path) -> None:
    made = _killed_in_a_replay(tmp_path)
    with up(tmp_path) as system:

        def done() -> Any:
            job = system.get(f"/replays/{made['id']}")
            return job if job["state"] == "done" else None

        job = system.until(done, "the replay to go on", 40)
        assert job["counts"]["examined"] == job["counts"]["appended"] == EVENTS
        events = system.get(f"/replays/{made['id']}/events")["events"]
        assert len({event["replayId"] for event in events}) == EVENTS
        for event in events:
            assert system.event(event["replayId"])["replayOf"] == event["id"]
            assert system.get(f"/webhook-events/{event['id']}")["replays"] == [event["replayId"]]


def _killed_in_a_replay(folder: Path) -> Any:
    """The job of a Hookline that was killed after some of its pages."""
    port, gateway = free_port(), free_port()
    command = [str(BIN / "hookline"), "up", "--port", str(port), "--gateway-port", str(gateway),
               "--data", str(folder / "data")]  # fmt: skip
    with (
        running(command, port, folder / "killed.log") as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api", trust_env=False) as http,
    ):
        webhook = {"name": "gh", "sourcePlatform": "GitHub", "secretValue": SECRET,
                   "receiverWorkflowNamesToVersions": {"flow": 1}}  # fmt: skip
        hook = http.post("/metadata/webhook", json=webhook).json()
        for _ in range(EVENTS):
            assert http.post(f"/webhook/{hook['id']}", json={}).status_code == 200
        asked = {"filter": {"webhookId": hook["id"], "verdicts": ["rejected"]}, "perSecond": 2}
        wait_until(lambda: _rejected(http, hook) == EVENTS, DEADLINE_SECONDS, "rejected events")
        job = http.post("/replays", json=asked).json()
        wait_until(lambda: _appended(http, job) > 0, DEADLINE_SECONDS, "the first page")
        assert _appended(http, job) < EVENTS
        process.send_signal(signal.SIGKILL)
        assert process.wait(DEADLINE_SECONDS) == -signal.SIGKILL
    assert job["counts"]["selected"] == EVENTS
    return job


def _rejected(http: httpx.Client, hook: Any) -> int:
    query = {"webhookId": hook["id"], "verdict": "rejected"}
    return len(http.get("/webhook-events", params=query).json()["events"])


def _appended(http: httpx.Client, job: Any) -> int:
    return http.get(f"/replays/{job['id']}").json()["counts"]["appended"]
