"""The topics over the API: what there is, how far the groups are, and the records in them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hookline_common.eventlog import Record
from hookline_common.messages import CONFIG_CODEC, EVENTS_CODEC, WorkflowEvent
from hookline_common.sealing import secret_context
from hookline_common.topics import BY_NAME, CONFIG, EVENTS, GROUPS, RECEIVED
from hookline_common.webhooks import Secret, WebhookConfig
from tests.engine.engine_world import World, open_world
from tests.engine.rest_surface import SEALER


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as opened:
        yield opened


async def fill(world: World, count: int, topic: str = RECEIVED.name) -> None:
    await world.log.append([Record(topic, f"k{at}", b"%d" % at) for at in range(count)])


async def records(world: World, topic: str = RECEIVED.name, **query: Any) -> dict[str, Any]:
    return await world.call("GET", f"/topics/{topic}/records", **query)


def previews(page: dict[str, Any]) -> list[int]:
    return sorted(int(record["preview"]) for record in page["records"])


async def test_every_topic_is_listed_with_its_groups(world: World) -> None:
    await fill(world, 9)
    found = {one["name"]: one for one in (await world.call("GET", "/topics"))["topics"]}
    assert list(found) == list(BY_NAME)
    received = found[RECEIVED.name]
    assert sum(one["end"] for one in received["partitions"]) == 9
    (verifier,) = received["groups"]
    assert (verifier["group"], verifier["service"], verifier["members"]) == (
        "verifier",
        "verifier",
        0,
    )
    assert verifier["lag"] == sum(one["lag"] for one in verifier["partitions"]) == 9
    assert found[EVENTS.name]["groups"] == []
    assert len(found[EVENTS.name]["partitions"]) == EVENTS.partitions
    readers = {name: [one["group"] for one in topic["groups"]] for name, topic in found.items()}
    for group in GROUPS:
        assert [name for name, read in readers.items() if group.name in read] == sorted(
            group.topic_names, key=list(BY_NAME).index
        )


async def test_one_topic_has_the_members_of_its_groups(world: World) -> None:
    found = await world.call("GET", "/topics/workflow.commands")
    assert [(one["group"], one["members"]) for one in found["groups"]] == [("engine", 1)]


async def test_the_newest_records_come_and_then_those_after_them(world: World) -> None:
    await fill(world, 30)
    newest = await records(world, limit=5)
    assert len(newest["records"]) == 5
    assert newest["atEnd"]
    none = await records(world, cursor=newest["cursor"])
    assert (none["records"], none["cursor"]) == ([], newest["cursor"])
    await world.log.append([Record(RECEIVED.name, "k", b"99")])
    after = await records(world, cursor=none["cursor"])
    assert previews(after) == [99]


@pytest.mark.parametrize("limit", [1, 4, 7, 500])
async def test_pages_give_every_record_once_and_in_order(world: World, limit: int) -> None:
    await fill(world, 40)
    page = await records(world, limit=limit, **{"from": 0})
    seen = list(page["records"])
    while not page["atEnd"]:
        page = await records(world, limit=limit, cursor=page["cursor"])
        seen += page["records"]
    assert sorted(int(record["preview"]) for record in seen) == list(range(40))
    for partition in range(RECEIVED.partitions):
        offsets = [one["offset"] for one in seen if one["partition"] == partition]
        assert offsets == sorted(offsets)


async def test_from_a_time_on(world: World) -> None:
    await fill(world, 3)
    last = (await records(world))["records"][-1]["timestamp"]
    assert len((await records(world, **{"from": last}))["records"]) >= 1
    assert (await records(world, **{"from": last + 1}))["records"] == []


async def test_a_json_message_is_told_by_its_kind(world: World) -> None:
    message = WorkflowEvent(
        id="x",
        kind="completed",
        workflow_id="w",
        workflow_name="f",
        workflow_version=1,
        run=0,
        at=1,
    )
    await world.log.append([Record(EVENTS.name, "w", EVENTS_CODEC.encode(message))])
    (record,) = (await records(world, EVENTS.name))["records"]
    assert record["kind"] == "workflow_event"
    assert '"workflowName":"f"' in record["preview"]


async def test_sealed_secrets_and_tombstones_of_the_configuration(world: World) -> None:
    sealed = SEALER.seal("the secret", secret_context("w", 1, "s"))
    config = WebhookConfig(
        id="w",
        incarnation=1,
        revision=1,
        name="hook",
        platform="github",
        source_platform="GitHub",
        verifier="",
        header_checks={"x": sealed},
        secrets=(Secret("s", sealed),),
    )
    await world.log.append(
        [Record(CONFIG.name, "w", CONFIG_CODEC.encode(config)), Record(CONFIG.name, "w", None)]
    )
    shown, gone = (await records(world, CONFIG.name))["records"]
    assert sealed.rpartition(":")[2][:20] not in str(shown)
    assert '"sealed":"***"' in shown["preview"]
    assert gone["tombstone"]


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/topics/nothing", {}, (404, "no_topic")),
        ("/topics/nothing/records", {}, (404, "no_topic")),
        (f"/topics/{RECEIVED.name}/records", {"cursor": "1.2"}, (400, "invalid_parameter")),
        (f"/topics/{RECEIVED.name}/records", {"cursor": "a"}, (400, "invalid_parameter")),
        (f"/topics/{RECEIVED.name}/records", {"from": "soon"}, (400, "invalid_parameter")),
        (f"/topics/{RECEIVED.name}/records", {"limit": "501"}, (400, "invalid_parameter")),
    ],
)
async def test_what_is_asked_wrongly_is_refused(
    world: World, path: str, query: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert await world.refused("GET", path, **query) == expected
