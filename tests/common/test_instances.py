"""Who runs is noted in the store, and forgotten when it is not seen any more."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from hookline_common import adapters, collections
from hookline_common.documents import Documents
from hookline_common.instances import FORGOTTEN_MS, Heart, announced, instances


class HandMovedClock:
    """A clock that tests move."""

    ms = 1_000_000

    def now_ms(self) -> int:
        return self.ms


class Service:
    """Something with a name and perhaps problems."""

    def __init__(self, name: str, *problems: str) -> None:
        self.name = name
        self.wrong = problems

    async def problems(self) -> Sequence[str]:
        return self.wrong


@pytest.fixture
def clock() -> HandMovedClock:
    return HandMovedClock()


@pytest.fixture
async def documents(tmp_path: Path, clock: HandMovedClock) -> AsyncIterator[Documents]:
    opened = await adapters.open_documents(f"sqlite:{tmp_path / 'x.db'}", clock=clock)
    await opened.prepare(collections.ALL)
    yield opened
    await opened.close()


async def test_each_service_of_a_process_is_there_until_its_end(
    documents: Documents, clock: HandMovedClock
) -> None:
    heart = Heart(documents, clock, [Service("ingest"), Service("engine", "no log")])
    await heart.beat()
    engine, ingest = await instances(documents)
    assert (engine.service, engine.ready, engine.problems) == ("engine", False, ("no log",))
    assert (ingest.service, ingest.ready, ingest.pid > 0) == ("ingest", True, True)
    await heart.stop()
    assert await instances(documents) == []


async def test_a_beat_keeps_the_instance_and_tells_the_news(
    documents: Documents, clock: HandMovedClock
) -> None:
    service = Service("matcher")
    heart = Heart(documents, clock, [service])
    await heart.beat()
    clock.ms += FORGOTTEN_MS - 1
    service.wrong = ("no store",)
    await heart.beat()
    clock.ms += FORGOTTEN_MS - 1
    (found,) = await instances(documents)
    assert (found.ready, found.seen_at - found.started_at) == (False, FORGOTTEN_MS - 1)


async def test_one_that_stood_still_is_forgotten_and_comes_back(
    documents: Documents, clock: HandMovedClock
) -> None:
    heart = Heart(documents, clock, [Service("verifier")])
    await heart.beat()
    clock.ms += FORGOTTEN_MS + 1
    assert await instances(documents) == []
    await heart.beat()
    assert [one.service for one in await instances(documents)] == ["verifier"]


async def test_a_drained_process_is_gone_at_once(
    documents: Documents, clock: HandMovedClock
) -> None:
    async with announced(documents, clock, [Service("ingest")]):
        while not await instances(documents):  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0)
    assert await instances(documents) == []
