"""A verifier on the embedded log and store, called batch by batch."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookline_common import adapters, collections, topics
from tests.verifier.judging import Judging


@pytest.fixture
async def judging(tmp_path: Path) -> AsyncIterator[Judging]:
    url = f"sqlite:{tmp_path / 'hookline.db'}"
    log, documents = await adapters.open_both(url, url)
    await log.create_topics(topics.CATALOGUE)
    await documents.prepare(collections.ALL)
    at_hand = Judging(log, documents)
    yield at_hand
    await at_hand.close()
    await log.close()
    await documents.close()
