"""Small definitions that tests of the console register, and what else they put in."""

from pathlib import Path
from typing import Any

from hookline_common import adapters, topics
from hookline_common.eventlog import Record
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


async def put_nonsense(folder: Path, count: int) -> None:
    """Commands that nobody can read, in the log of a system that does not run yet."""
    log = await adapters.open_log(f"sqlite:{folder / 'data' / 'hookline.db'}")
    try:
        await log.create_topics(topics.CATALOGUE)
        name = topics.COMMANDS.name
        await log.append([Record(name, f"k{n}", b"<b>nonsense") for n in range(count)])
    finally:
        await log.close()
