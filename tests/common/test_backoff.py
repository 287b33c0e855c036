"""How long a failing message holds up the others, and what docs/operating.md says of it."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookline_common import retries
from hookline_common.consuming import ConsumerLoop
from hookline_common.errors import StoreUnavailable
from tests.common.test_consuming import DEAD, Copying, HandClock, Setting, raising
from tests.memory_log import MemoryLog
from tests.waiting import until

BACKLOG = 6000
DOCS = Path(__file__).parents[2] / "docs" / "operating.md"


@pytest.fixture
async def at() -> AsyncIterator[Setting]:
    setting = Setting()
    yield setting
    await setting.loop.stop()


@pytest.mark.parametrize("failing", [1, 5])
async def test_keys_that_fail_in_front_of_a_backlog_are_put_aside(
    at: Setting, failing: int
) -> None:
    """Accident: the others are all in hand before it has failed often enough to be stuck, no more
    are taken in, and so nothing succeeds any more that could tell it from an outage.
    """
    bad = [b"bad-%d" % number for number in range(failing)]
    at.handler.fail = raising(StoreUnavailable(), *bad)
    await at.put(*bad, *(b"%d" % number for number in range(BACKLOG)))
    await at.loop.start()
    await until(lambda: at.committed == failing + BACKLOG)
    assert sorted(at.out(DEAD)) == bad
    assert len(at.out()) == BACKLOG


async def test_others_wait_no_longer_than_the_table_says() -> None:
    """With the pauses of production: one key fails for ever, and messages of others come."""
    log, handler = MemoryLog(), Copying()
    loop = ConsumerLoop(
        log, HandClock(), handler, service="copier", group="readers", topics=["source"]
    )
    setting = Setting()
    setting.log, setting.handler, setting.loop = log, handler, loop
    handler.fail = raising(StoreUnavailable(), b"bad")
    await setting.put(b"bad", b"first")
    await loop.start()
    begun = time.monotonic()
    try:
        await until(lambda: b"first" in setting.out())
        waited = [time.monotonic() - begun]
        for number in range(4):
            await setting.put(b"%d" % number)
            begun = time.monotonic()
            await until(lambda number=number: b"%d" % number in setting.out())
            waited.append(time.monotonic() - begun)
    finally:
        await loop.stop()
    assert max(waited) <= retries.OTHERS_WAIT_SECONDS + 1.0  # of which a second is the machine's


def test_the_docs_show_the_table_that_the_code_goes_by() -> None:
    section = DOCS.read_text().partition("## Retries and backoff\n")[2].partition("\n## ")[0]
    shown = [line for line in section.splitlines() if line.startswith("|")]
    assert shown == retries.table()
    assert f"{retries.OTHERS_WAIT_SECONDS:g} s" in section
