"""Engines whose task types and workflows have limits, for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hookline_common.documents import Documents
from hookline_common.eventlog import EventLog
from tests.engine.engine_world import World, engine_on, eventually
from tests.engine.rest_surface import HandMovedClock, open_stores


@asynccontextmanager
async def clocked_stores(
    folder: Path,
) -> AsyncIterator[tuple[EventLog, Documents, HandMovedClock]]:
    """Stores whose clock the test moves."""
    clock = HandMovedClock()
    async with open_stores(folder, clock) as (log, documents):
        yield log, documents, clock


@asynccontextmanager
async def clocked_world(folder: Path) -> AsyncIterator[tuple[World, HandMovedClock]]:
    """One engine whose clock the test moves."""
    async with (
        clocked_stores(folder) as (log, documents, clock),
        engine_on(log, documents, clock) as world,
    ):
        yield world, clock


async def limit_tasks(world: World, name: str = "work", **limits: Any) -> None:
    """Register, or register anew, a task type with limits; failed tasks are not tried again."""
    definition = {"name": name, "retryCount": 0, **limits}
    await world.call("POST", "/metadata/taskdefs", [definition])


async def batch(world: World, count: int, name: str = "work") -> list[Any]:
    """What a batch poll gets."""
    return await world.call("GET", f"/tasks/poll/batch/{name}", count=count, timeout=100)


async def next_task(world: World, name: str = "work") -> Any:
    """The next task that a worker gets, however often it has to ask."""
    found: list[Any] = []

    async def polled() -> bool:
        found.extend(await batch(world, 1, name))
        return bool(found)

    await eventually(polled)
    return found[0]


async def none_comes(world: World, name: str = "work") -> bool:
    """Whether a worker that asks for many gets nothing. It hides what may not be handed out."""
    return await batch(world, 50, name) == []


def look_again(world: World) -> None:
    """The clock was moved: the engine's limits look at it, as they would when time passes."""
    world.shell.due_limits.add("task:nobody", 0)
