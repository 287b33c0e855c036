"""Small definitions that tests of the console register."""

from typing import Any

from tests.servers.hookline import System

HOSTILE = "<img src=x onerror=alert(1)>"


def simple(name: str, **more: Any) -> dict[str, Any]:
    """A workflow of one task that a worker would do."""
    task = {"name": "pack", "taskReferenceName": "pack", "type": "SIMPLE"}
    return {"name": name, "version": 1, "schemaVersion": 2, "tasks": [task], **more}


def waiting(name: str, **more: Any) -> dict[str, Any]:
    """A workflow that waits for an event with its order."""
    task = {
        "name": "paid",
        "taskReferenceName": "paid",
        "type": "WAIT_FOR_WEBHOOK",
        "inputParameters": {"matches": {"$.order": "${workflow.input.order}"}},
    }
    return {
        "name": name,
        "version": 1,
        "schemaVersion": 2,
        "tasks": [task],
        "inputParameters": ["order"],
        **more,
    }


def register(system: System, *definitions: dict[str, Any]) -> None:
    """Save the definitions."""
    system.call("PUT", "/metadata/workflow", json=list(definitions))


def start(system: System, name: str, **more: Any) -> str:
    """Start an execution; its id."""
    return system.post("/workflow", {"name": name, **more})
