"""What tests of the commands register first, and what they read from `hookline send`."""

import re
import uuid
from typing import Any

from tests.servers.hookline import Done, System

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def sent_event(done: Done, status: int = 200) -> str:
    """The id of the event that `hookline send` says it has sent."""
    assert done.code == 0, done
    found = re.match(rf"{status} ({UUID})", done.out)
    assert found, done
    return found[1]


def waiting(system: System, matches: dict[str, Any]) -> str:
    """The name of a new workflow that waits for what `matches` says."""
    name = f"waits_{uuid.uuid4().hex[:8]}"
    task = {"name": "wait", "taskReferenceName": "wait", "type": "WAIT_FOR_WEBHOOK",
            "inputParameters": {"matches": matches}}  # fmt: skip
    definition = {"name": name, "version": 1, "schemaVersion": 2, "tasks": [task]}
    system.call("PUT", "/metadata/workflow", json=[definition])
    return name


def registered(system: System, workflow: str, **fields: Any) -> dict[str, Any]:
    """A new webhook that may resume the workflow."""
    webhook = {"name": f"hook-{uuid.uuid4().hex[:8]}",
               "receiverWorkflowNamesToVersions": {workflow: 1}}  # fmt: skip
    made: dict[str, Any] = system.post("/metadata/webhook", {**webhook, **fields})
    return made
