"""The adapters that every contract test runs on, and names of its own for each test."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from hookline_common.adapters import open_documents, open_log
from hookline_common.documents import Collection, Documents
from hookline_common.eventlog import EventLog
from hookline_common.topics import DAY_MS, Topic
from tests.contract.things import THINGS

LOG_ADAPTERS = ["embedded", pytest.param("kafka", marks=pytest.mark.real)]
DOCUMENT_ADAPTERS = ["embedded", pytest.param("mongodb", marks=pytest.mark.real)]

DEADLINE_SECONDS = 20


async def _open_log(request: pytest.FixtureRequest, folder: Path) -> EventLog:
    if request.param == "kafka":
        return await open_log(f"kafka://{request.getfixturevalue('kafka_address')}")
    return await open_log(f"sqlite:{folder / 'log.db'}")


async def _open_documents(request: pytest.FixtureRequest, folder: Path) -> Documents:
    if request.param == "mongodb":
        return await open_documents(request.getfixturevalue("mongodb_url"))
    return await open_documents(f"sqlite:{folder / 'store.db'}")


@pytest.fixture(params=LOG_ADAPTERS)
async def event_log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EventLog]:
    """An open log; it may hold topics of other tests."""
    log = await _open_log(request, tmp_path)
    yield log
    await log.close()


@pytest.fixture(params=DOCUMENT_ADAPTERS)
async def documents(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Documents]:
    """An open store; it may hold collections of other tests."""
    store = await _open_documents(request, tmp_path)
    yield store
    await store.close()


MakeTopic = Callable[..., Awaitable[Topic]]


@pytest.fixture
def make_topic(event_log: EventLog) -> MakeTopic:
    """Creates a topic that no other test uses."""

    async def make(**settings: object) -> Topic:
        topic = Topic(
            name=f"test.{uuid.uuid4().hex[:12]}",
            key="any",
            message="any",
            writers=(),
            readers=(),
            retention_ms=DAY_MS,
            partitions=3,
        )
        topic = msgspec.structs.replace(topic, **settings)
        assert await event_log.create_topics([topic]) == [topic.name]
        return topic

    return make


Prepare = Callable[[Collection], Awaitable[Collection]]


@pytest.fixture
def prepare(documents: Documents) -> Prepare:
    """Prepares a collection under a name that no other test uses."""

    async def make(collection: Collection) -> Collection:
        own = msgspec.structs.replace(collection, name=f"test_{uuid.uuid4().hex[:12]}")
        await documents.prepare([own])
        return own

    return make


@pytest.fixture
async def things(prepare: Prepare) -> Collection:
    """An empty collection with a field of every kind."""
    return await prepare(THINGS)


Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


@pytest.fixture
def until() -> Until:
    """Waits until a condition holds; fails when it does not within the deadline."""

    async def wait(condition: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await condition():  # noqa: ASYNC110 - what it waits for sets no event
                await asyncio.sleep(0.01)

    return wait
