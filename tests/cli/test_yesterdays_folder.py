"""Yesterday's data folder opens with today's code; one of a newer version is refused."""

import sqlite3
from pathlib import Path

import httpx

from hookline_common.adapters.embedded.connections import FORMAT_VERSION
from tests.servers.hookline import command, up
from tests.servers.processes import free_port

DUMP = Path(__file__).parents[1] / "fixtures" / "data_file_of_7ea3a18.sql"
SEAL_KEY = {"HOOKLINE_SEAL_KEY": "c2VhbCBrZXkgb2YgYSB0ZXN0LCAzMiBieXRlcyBsb24="}
CHECK = {"x-check": "a value that is hard to guess"}

WEBHOOK = "ea33d4ac-44c2-4fa0-a0a3-170ef9eec542"
WAITING = "d6e04ab3-3c46-4298-9d5e-b134cb81df50"
WORKING = "3f36d13b-1e94-4371-8b5f-76bd5038c119"


def _yesterdays(folder: Path) -> Path:
    file = folder / "data" / "hookline.db"
    file.parent.mkdir()
    connection = sqlite3.connect(file)
    connection.executescript(DUMP.read_text())
    connection.close()
    return file


def test_what_waited_yesterday_goes_on_today(tmp_path: Path) -> None:
    _yesterdays(tmp_path)
    with up(tmp_path, environ=SEAL_KEY) as system:
        webhook = system.get(f"/metadata/webhook/{WEBHOOK}")
        assert (webhook["name"], len(webhook["startRules"])) == ("hook", 1)
        url = f"{system.gateway}/webhook/{WEBHOOK}"
        sent = httpx.post(url, json={"number": 7}, headers=CHECK)
        assert sent.status_code == 200
        assert system.event(sent.headers["hookline-event-id"])["verdict"] == "resumed"
        polled = {}
        while len(polled) < 2:
            task = system.get("/tasks/poll/note_it", params={"timeout": 1000})
            polled[task["workflowInstanceId"]] = task["taskId"]
        assert set(polled) == {WAITING, WORKING}
        for workflow_id, task_id in polled.items():
            done = {"workflowInstanceId": workflow_id, "taskId": task_id, "status": "COMPLETED"}
            system.post("/tasks", done)
            system.execution(workflow_id, "COMPLETED")
        started = httpx.post(url, json={"kind": "order"}, headers=CHECK)
        assert system.event(started.headers["hookline-event-id"])["verdict"] == "started"


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    file = _yesterdays(tmp_path)
    connection = sqlite3.connect(file)
    connection.execute(f"PRAGMA user_version={FORMAT_VERSION + 1}")
    connection.close()
    before = file.read_bytes()
    ports = ("--port", str(free_port()), "--gateway-port", str(free_port()))
    data = ("--data", str(file.parent))
    refused = command("hookline", "up", *ports, *data, environ=SEAL_KEY)
    assert refused.code == 78, refused
    assert "newer Hookline" in refused.err, refused
    assert file.read_bytes() == before
