"""`GET /api/stream` of a running system: what changes is heard, and nobody waits for its end."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.servers.hookline import System, end, up


def events(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """The events of a stream: name and data."""
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, line.removeprefix("data: ")


def test_what_changes_is_heard_with_its_id(system: System) -> None:
    task = {"name": "t", "taskReferenceName": "t", "type": "SIMPLE"}
    definition = {"name": "streamed", "version": 1, "schemaVersion": 2, "tasks": [task]}
    with httpx.stream("GET", f"{system.api}/api/stream", timeout=30) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        heard = events(stream.iter_lines())
        system.call("PUT", "/metadata/workflow", json=[definition])
        workflow_id = system.post("/workflow", {"name": "streamed"})
        data = next(data for name, data in heard if name == "executions")

    assert workflow_id in data


def test_an_unknown_topic_is_refused_by_name(system: System) -> None:
    answer = system.http.get("/api/stream", params={"topics": "executions,weather"})

    assert answer.status_code == 400
    assert answer.json()["field"] == "/topics"
    assert "weather" in answer.json()["message"]


def test_a_drain_does_not_wait_for_open_streams(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        ended = threading.Event()

        def follow() -> None:
            for path in ("/api/stream", "/live?topics=executions"):
                threading.Thread(target=read, args=(path,), daemon=True).start()

        def read(path: str) -> None:
            with httpx.stream("GET", f"{running.api}{path}", timeout=60) as stream:
                for line in stream.iter_lines():
                    if line.startswith("retry"):
                        opened.release()
            ended.set()

        opened = threading.Semaphore(0)
        follow()
        for _ in range(2):
            assert opened.acquire(timeout=30)
        assert end(running.process) == 0
        assert ended.wait(30)
        assert "graceful shutdown exceeded" not in running.output(), "the server cut them off"
