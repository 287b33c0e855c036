"""A fresh matcher for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookline_common import collections, topics
from hookline_common.adapters import open_both
from tests.matcher.world import HandClock, World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    url = f"sqlite:{tmp_path / 'data.db'}"
    clock = HandClock()
    log, documents = await open_both(url, url, clock=clock)
    await log.create_topics(topics.CATALOGUE)
    await documents.prepare(collections.ALL)
    made = World(log, documents, clock)
    yield made
    await made.close()
    await log.close()
    await documents.close()
