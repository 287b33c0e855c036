"""`GET /api/workers`: task types, who polls for them, and what waits for nobody."""

from pathlib import Path

from hookline_engine.poll_data import ACTIVE_MS, PollData
from hookline_engine.rest.workers import workers
from tests.engine.engine_world import open_world, simple

NOW = 1_000_000


def test_a_queue_that_nobody_polls_is_unattended() -> None:
    polls = [
        PollData("pick", "w1", NOW),
        PollData("ship", "w2", NOW - ACTIVE_MS - 1),
        PollData("pack", "w3", NOW, "eu"),
    ]
    sizes = {"pick": 2, "ship": 1, "pack": 3, "eu:pack": 1, "none": 4}
    shown = {one["taskType"]: one for one in workers(polls, sizes, NOW)}
    assert {name: one["unattended"] for name, one in shown.items()} == {
        "none": True,
        "pack": True,
        "pick": False,
        "ship": True,
    }
    assert {name: one["queueSize"] for name, one in shown.items()} == {
        "none": 4,
        "pack": 4,
        "pick": 2,
        "ship": 1,
    }
    assert shown["pack"]["pollers"] == [
        {"workerId": "w3", "domain": "eu", "lastPollTime": NOW, "active": True}
    ]
    assert [one["active"] for one in shown["ship"]["pollers"]] == [False]


async def test_they_are_seen_over_http_and_system_tasks_are_none(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.define("flow", simple("pick"))
        await world.start("flow")
        await world.start("flow")
        (before,) = (await world.call("GET", "/workers"))["workers"]
        assert (before["taskType"], before["queueSize"], before["unattended"]) == ("pick", 2, True)
        await world.poll("pick")
        (after,) = (await world.call("GET", "/workers"))["workers"]
        assert (after["queueSize"], after["unattended"]) == (1, False)
        assert after["pollers"][0]["active"]
