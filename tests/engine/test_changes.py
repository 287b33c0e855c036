"""Changes: combined, bounded, and watched only while somebody follows."""

import asyncio
import contextlib

import pytest

from hookline_common import topics
from hookline_common.clock import SystemClock
from hookline_common.errors import LogUnavailable, Unavailable
from hookline_common.eventlog import GroupLag, Record
from hookline_engine import changes as module
from hookline_engine.changes import KINDS, LARGEST_IDS, MOST_FOLLOWERS, Change, Changes, Follower
from tests.memory_log import MemoryLog

PATIENCE = 20


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.01)


class Watched(MemoryLog):
    """A log that counts the looks at its ends, and can fail at them."""

    broken = False

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self._looked = asyncio.Event()

    async def lag(self, group: str, topics: object) -> list[GroupLag]:
        self.looks += 1
        self._looked.set()
        if self.broken:
            raise LogUnavailable
        names = list(topics)  # type: ignore[call-overload]
        return [GroupLag(name, 0, 0, len(self.topics.get(name, []))) for name in names]

    async def seen(self) -> None:
        """Return after one more look."""
        self._looked.clear()
        await self._looked.wait()


def record(topic: topics.Topic, key: str) -> Record:
    return Record(topic.name, key, b"{}")


async def test_a_change_says_its_kind_and_the_ids() -> None:
    log = Watched()
    await log.append([record(topics.EVENTS, "old")])
    with Changes(log, SystemClock()).followed(KINDS) as follower:
        await log.seen()
        await log.append([record(topics.EVENTS, "w1"), record(topics.EVENTS, "w2")])
        (found,) = await follower.changes(PATIENCE)

    assert (found.kind, found.ids, found.more) == ("executions", ("w1", "w2"), False)


async def test_what_comes_after_the_beginning_is_seen_however_soon() -> None:
    log = Watched()
    changes = Changes(log, SystemClock())
    with changes.followed(KINDS) as follower:
        await changes.begun()
        await log.append([record(topics.EVENTS, "w1")])
        (found,) = await follower.changes(PATIENCE)
    assert found.ids == ("w1",)


async def test_a_log_that_does_not_answer_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_LOOK_SECONDS", 0.05)
    log = Watched()
    log.broken = True
    changes = Changes(log, SystemClock())
    with changes.followed(KINDS):
        await changes.begun()
    assert log.looks


async def test_a_follower_hears_only_of_the_kinds_it_asked_for() -> None:
    log = Watched()
    with Changes(log, SystemClock()).followed(["executions"]) as follower:
        await log.seen()
        await log.append([record(topics.CONFIG, "c"), record(topics.OUTCOMES, "e")])
        await log.append([record(topics.EVENTS, "w")])
        (found,) = await follower.changes(PATIENCE)

    assert found.kind == "executions"


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_is_seen(kind: str) -> None:
    log = Watched()
    with Changes(log, SystemClock()).followed([kind]) as follower:
        await log.seen()
        await log.append([Record(KINDS[kind][0], "k", b"{}")])
        (found,) = await follower.changes(PATIENCE)

    assert found.kind == kind


async def test_nobody_watches_when_nobody_follows() -> None:
    log = Watched()
    changes = Changes(log, SystemClock())
    with changes.followed(KINDS), changes.followed(KINDS):
        await log.seen()
    await asyncio.sleep(0.05)
    before = log.looks
    await asyncio.sleep(0.05)

    assert log.looks == before


async def test_a_log_that_cannot_answer_is_asked_again() -> None:
    log = Watched()
    with Changes(log, SystemClock()).followed(KINDS) as follower:
        await log.seen()
        log.broken = True
        await log.append([record(topics.EVENTS, "w")])
        await log.seen()
        log.broken = False
        (found,) = await follower.changes(PATIENCE)

    assert found.ids == ("w",)


async def test_a_slow_follower_finds_everything_combined_and_bounded() -> None:
    follower = Follower(["executions"])
    for number in range(3 * LARGEST_IDS):
        follower.offer(Change("executions", (f"w{number % 150}",), False, number))
    (found,) = await follower.changes(0)

    assert len(found.ids) == LARGEST_IDS
    assert found.more
    assert await follower.changes(0) == ()


async def test_too_many_followers_are_refused() -> None:
    changes = Changes(Watched(), SystemClock())
    with contextlib.ExitStack() as stack:
        for _ in range(MOST_FOLLOWERS):
            stack.enter_context(changes.followed(KINDS))
        with pytest.raises(Unavailable, match="streams are open"):
            stack.enter_context(changes.followed(KINDS))
