"""The matcher as a service on the embedded log: from topics to topics."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookline_common.eventlog import EventLog, Record
from hookline_common.messages import COMMANDS_CODEC, Command
from hookline_common.running import Parts, open_parts
from hookline_common.settings import load_settings
from hookline_common.topics import COMMANDS, OUTCOMES, VERIFIED, WAITS
from hookline_matcher.handler import TOPICS
from hookline_matcher.service import build
from tests.matcher.world import HandClock, World, resumed, started

DEADLINE_SECONDS = 20.0


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    settings = load_settings({"HOOKLINE_DATA": str(tmp_path)})
    async with open_parts(settings, HandClock()) as opened:
        yield opened


async def commands_in(log: EventLog, wanted: int) -> list[Command]:
    """The first commands that come to the topic, once there are that many."""
    found: list[Command] = []
    async with log.consumer("test", [COMMANDS.name]) as consumer:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(found) < wanted:
                batch = await consumer.next_batch()
                found += [COMMANDS_CODEC.decode(each.record.value) for each in batch]
    return found


async def caught_up(log: EventLog) -> None:
    """Wait until the matcher has committed everything."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        # The log tells nobody of a commit, so there is no event to wait for.
        while any(lag.committed < lag.end for lag in await log.lag("matcher", TOPICS)):  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_events_and_waits_become_commands_and_outcomes_a_verdict(parts: Parts) -> None:
    world = World(parts.log, parts.documents, HandClock())
    await world.webhook()
    service = build(parts)
    await service.start()
    try:
        opened = [world.opened(f"t{n}", {"$.id": n}).record for n in range(20)]
        events = [world.event(f"e{n}", {"id": n}, delivery=f"d{n}").record for n in range(20)]
        await parts.log.append([*opened, *events, *events])
        commands = await commands_in(parts.log, 20)
        assert sorted(resumed(commands)) == sorted((f"e{n}", f"t{n}") for n in range(20))
        await parts.log.append([world.applied(command).record for command in commands])
        await caught_up(parts.log)
        assert {await world.verdict(f"e{n}") for n in range(20)} == {"resumed"}
        assert await service.problems() == []
    finally:
        await service.stop()
        await world.close()


async def test_a_message_that_makes_no_sense_stops_nothing(parts: Parts) -> None:
    """Accident: one undecodable record, and the partition stands still (invariant 8)."""
    world = World(parts.log, parts.documents, HandClock())
    await world.webhook()
    service = build(parts)
    await service.start()
    try:
        broken = [
            Record(WAITS.name, "t1", b"{"),
            Record(OUTCOMES.name, "e1", b'{"type":"new"}'),
            Record(
                VERIFIED.name, "e1", b"{}", (("ce_id", b"broken"), ("ce_source", b"/webhooks/hook"))
            ),
        ]
        good = [world.opened("t1", {"$.id": 1}).record, world.event("e1", {"id": 1}).record]
        await parts.log.append([*broken, *good])
        assert resumed(await commands_in(parts.log, 1)) == [("e1", "t1")]
        await caught_up(parts.log)
        await caught_up(parts.log)
        assert await world.verdict("broken") == "dead"
    finally:
        await service.stop()
        await world.close()


async def test_two_matchers_share_the_work(parts: Parts) -> None:
    """Waits and events of one story fall to either; every story ends once."""
    world = World(parts.log, parts.documents, HandClock())
    await world.webhook()
    services = [build(parts), build(parts)]
    for service in services:
        await service.start()
    try:
        messages: list[Record] = []
        for n in range(200):
            pair = [
                world.opened(f"t{n}", {"$.id": n}).record,
                world.event(f"e{n}", {"id": n}, delivery=f"d{n}").record,
            ]
            messages += pair if n % 2 else pair[::-1]
        await asyncio.gather(*(parts.log.append([message]) for message in messages))
        await caught_up(parts.log)
        commands = await commands_in(parts.log, 200)
        assert set(resumed(commands)) == {(f"e{n}", f"t{n}") for n in range(200)}
        assert started(commands) == []
    finally:
        for service in services:
            await service.stop()
        await world.close()
