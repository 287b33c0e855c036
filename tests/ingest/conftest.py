"""A gateway on the embedded log, and one on a log in memory that fails on demand."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookline_common import adapters, topics
from tests.ingest.gateway_at_hand import AtHand


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[AtHand]:
    url = f"sqlite:{tmp_path / 'hookline.db'}"
    log, documents = await adapters.open_both(url, url)
    await log.create_topics(topics.CATALOGUE)
    at_hand = AtHand(log)
    await at_hand.service.start()
    yield at_hand
    await at_hand.service.stop()
    await log.close()
    await documents.close()


@pytest.fixture
async def fragile() -> AsyncIterator[AtHand]:
    at_hand = AtHand(accept_timeout_seconds=0.2)
    await at_hand.service.start()
    yield at_hand
    await at_hand.service.stop()
