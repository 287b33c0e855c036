"""The topics of a running system: lag, members, and records as they are read and come."""

from typing import Any

import pytest

from hookline_cli.rewinding import CannotRewind, moves_to_time, rewind
from hookline_common.topics import GROUPS, RECEIVED
from tests.pipeline.running_system import System, eventually, wait_task

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_every_group_has_its_members_and_catches_up(system: System) -> None:
    sent = await _sent(system)
    await system.event(sent)

    async def caught_up() -> dict[str, list[dict[str, Any]]] | None:
        found = (await system.get("/topics"))["topics"]
        groups = {topic["name"]: topic["groups"] for topic in found}
        lags = [one["lag"] for each in groups.values() for one in each]
        return None if any(lags) else groups

    groups = await eventually(caught_up, "no lag")
    members = {one["group"]: one["members"] for each in groups.values() for one in each}
    assert members == {"verifier": 1, "matcher": 2, "engine": 1, "dead-letters": 1}


async def test_a_tail_goes_on_where_it_was(system: System) -> None:
    sent = await _sent(system)
    page = await _records(system, limit=500)
    while not page["atEnd"]:
        page = await _records(system, limit=500, cursor=page["cursor"])
    assert sent in _events(page)
    following = await _sent(system)
    found = await _records(system, limit=500, cursor=page["cursor"])
    assert following in _events(found)
    assert sent not in _events(found)


async def test_pages_of_a_tail_are_all_of_it(system: System) -> None:
    sent = [await _sent(system) for _ in range(12)]
    page = await _records(system, limit=5, **{"from": 0})
    seen = _events(page)
    while not page["atEnd"]:
        page = await _records(system, limit=5, cursor=page["cursor"])
        seen += _events(page)
    assert set(sent) <= set(seen)
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
async def test_a_group_with_members_is_not_rewound(system: System, group: Any) -> None:
    log = system.parts.log
    with pytest.raises(CannotRewind, match=f"stop the service {group.service} "):
        await rewind(log, group, await moves_to_time(log, group, 0))


async def _sent(system: System) -> str:
    _, hook = await system.pair(wait_task("event", {"$.order": "1"}))
    return (await system.send(hook, {"order": "2"})).event_id


async def _records(system: System, **query: Any) -> dict[str, Any]:
    return await system.get(f"/topics/{RECEIVED.name}/records", params=query)


def _events(page: dict[str, Any]) -> list[str]:
    return [record["event"]["id"] for record in page["records"]]
