"""Replays as an operator makes them, through the whole system."""

from typing import Any

from tests.pipeline.running_system import System, eventually


async def replay(system: System, **asked: Any) -> dict[str, Any]:
    """The replay of what is asked for, once it is done and all its events have a verdict."""
    job = await system.post("/replays", asked, expected=201)

    async def done() -> dict[str, Any] | None:
        found = await system.get(f"/replays/{job['id']}")
        assert found["state"] not in ("failed", "stopped"), found
        return found if found["state"] == "done" else None

    return await eventually(done, f"the end of replay {job['id']}")


async def became(system: System, job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What became of the replay of each event, by the id of the event."""

    async def judged() -> dict[str, dict[str, Any]] | None:
        found = await system.get(f"/replays/{job['id']}/events", params={"limit": 1000})
        events = {one["id"]: one for one in found["events"]}
        verdicts = {one.get("replayVerdict") for one in events.values()}
        return None if verdicts & {None, "pending"} else events

    return await eventually(judged, f"a verdict on each event of replay {job['id']}")


async def foreseen(system: System, **asked: Any) -> dict[str, Any]:
    """What a dry run says, and that it changed nothing."""
    before = await system.get("/replays")
    found = await system.post("/replays", {**asked, "dryRun": True})
    assert await system.get("/replays") == before
    return found
