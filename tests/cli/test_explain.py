"""`hookline explain`: the reasons in words, or the API's answer as it is."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.servers.hookline import System, up

CHECK = {"x-check": "a value that is hard to guess"}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with up(tmp_path_factory.mktemp("explain")) as running:
        yield running


def _hook(system: System) -> Any:
    wait = {
        "name": "review",
        "taskReferenceName": "review",
        "type": "WAIT_FOR_WEBHOOK",
        "inputParameters": {"matches": {"$.number": "${workflow.input.number}"}},
    }
    flow = {"name": "flow", "version": 1, "schemaVersion": 2, "tasks": [wait]}
    system.call("PUT", "/metadata/workflow", json=[flow])
    fields = {
        "name": "hook",
        "sourcePlatform": "Custom",
        "headers": CHECK,
        "receiverWorkflowNamesToVersions": {"flow": 1},
        "startRules": [{"workflow": "flow", "when": {"$.kind": "order"}}],
    }
    return system.post("/metadata/webhook", fields)


def _sent(url: str, body: Any, headers: Any) -> str:
    answer = httpx.post(url, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.headers["hookline-event-id"]


def test_it_says_what_was_expected_and_what_came(system: System) -> None:
    hook = _hook(system)
    started = system.post("/workflow", {"name": "flow", "input": {"number": 7}})
    event = _sent(hook["url"], {"number": 8}, CHECK)
    assert system.event(event)["verdict"] == "unmatched"
    shown = system.until(lambda: _of(system, event, started), "the wait being known")
    assert "MISS $.number" in shown
    assert '"7": came 8' in shown
    assert "MISS $.kind" in shown
    assert "came nothing" in shown
    forged = _sent(hook["url"], {"number": 7}, {"x-check": "no"})
    assert system.event(forged)["verdict"] == "rejected"
    done = system.hookline("explain", forged)
    assert (done.code, "MISS" in done.out, "rejected" in done.out) == (0, True, True), done
    as_json = json.loads(system.hookline("explain", event, "--json").out)
    assert as_json == system.get(f"/webhook-events/{event}/explain")


def _of(system: System, event: str, workflow_id: str) -> str | None:
    done = system.hookline("explain", event)
    assert done.code == 0, done
    return done.out if workflow_id in done.out else None


def test_an_unknown_event_is_an_error(system: System) -> None:
    done = system.hookline("explain", "nowhere")
    assert done.code != 0
    assert "nowhere" in done.err
