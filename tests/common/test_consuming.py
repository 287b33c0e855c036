"""The consumer loop: order of work and commit, retries, dead letters, rebalance, drain."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from hookline_common.consuming import ConsumerLoop
from hookline_common.errors import (
    AssignmentLost,
    DurabilityLost,
    LogUnavailable,
    Poison,
    StoreUnavailable,
)
from hookline_common.eventlog import MAX_BATCH_RECORDS, Delivered, Record
from hookline_common.messages import OUTCOMES_CODEC, EventDeadLettered
from tests.memory_log import MemoryLog
from tests.waiting import until

SOURCE, TARGET, DEAD, OUTCOMES = "source", "target", "source.dead", "webhooks.outcomes"
GROUP = "readers"


class HandClock:
    def __init__(self) -> None:
        self.at = 5_000_000

    def now_ms(self) -> int:
        return self.at


class Copying:
    """Copies each message to TARGET; `fail(value)` may raise for one of them."""

    def __init__(self) -> None:
        self.fail: Callable[[bytes], None] = lambda value: None
        self.tried: list[list[bytes]] = []

    async def handle(self, batch: Sequence[Delivered]) -> Sequence[Record]:
        values = [delivered.record.value or b"" for delivered in batch]
        self.tried.append(values)
        for value in values:
            self.fail(value)
        return [Record(TARGET, delivered.record.key, delivered.record.value) for delivered in batch]

    def subject(self, delivered: Delivered) -> tuple[str, str] | None:
        return (f"event of {delivered.record.key}", "webhook")


class Setting:
    def __init__(self) -> None:
        self.log = MemoryLog()
        self.clock = HandClock()
        self.handler = Copying()
        self.backoff = [0.0, 0.001, 0.001, 0.001]
        self.fatal: list[BaseException] = []
        self.loop = ConsumerLoop(
            self.log,
            self.clock,
            self.handler,
            service="copier",
            group=GROUP,
            topics=[SOURCE],
            on_fatal=self.fatal.append,
            backoff_seconds=self.backoff,
        )

    async def put(self, *values: bytes, key: str | None = None) -> None:
        records = [Record(SOURCE, key or value.decode(), value) for value in values]
        await self.log.append(records)

    def out(self, topic: str = TARGET) -> list[bytes]:
        return [record.value or b"" for record in self.log.records(topic)]

    @property
    def committed(self) -> int:
        return self.log.committed.get((GROUP, SOURCE), 0)


@pytest.fixture
async def at() -> AsyncIterator[Setting]:
    setting = Setting()
    yield setting
    await setting.loop.stop()


def raising(error: Exception, *bad: bytes) -> Callable[[bytes], None]:
    def fail(value: bytes) -> None:
        if value in bad:
            raise error

    return fail


async def test_a_batch_is_published_and_then_committed(at: Setting) -> None:
    await at.put(b"a", b"b", b"c")
    await at.loop.start()
    await until(lambda: at.committed == 3)
    assert at.out() == [b"a", b"b", b"c"]
    assert at.handler.tried == [[b"a", b"b", b"c"]]
    assert at.loop.problems() == []


async def test_nothing_is_committed_while_the_log_takes_nothing(at: Setting) -> None:
    await at.put(b"a")
    at.log.refuse = lambda record: (_ for _ in ()).throw(LogUnavailable())
    await at.loop.start()
    await until(lambda: len(at.handler.tried) > 8)
    assert at.committed == 0
    assert at.loop.problems()
    at.log.refuse = lambda record: None
    await until(lambda: at.committed == 1)
    assert at.out() == [b"a"]
    assert at.out(DEAD) == []
    assert at.loop.problems() == []


async def test_an_outage_of_the_store_never_dead_letters(at: Setting) -> None:
    """Accident prevented: an outage of a minute empties the topic into the dead letters."""
    await at.put(*(b"%d" % number for number in range(50)))
    at.handler.fail = lambda value: (_ for _ in ()).throw(StoreUnavailable())
    await at.loop.start()
    await until(lambda: len(at.handler.tried) > 60)
    at.handler.fail = lambda value: None
    await until(lambda: at.committed == 50)
    assert at.out(DEAD) == []
    assert sorted(at.out(), key=int) == [b"%d" % number for number in range(50)]


async def test_an_outage_asks_the_store_for_few_messages_of_a_batch(at: Setting) -> None:
    await at.put(*(b"%d" % number for number in range(200)))
    at.handler.fail = lambda value: (_ for _ in ()).throw(StoreUnavailable())
    at.backoff[3:] = [60.0]
    await at.loop.start()
    await until(lambda: len(at.handler.tried) >= 6)
    assert len(at.handler.tried) < 20


async def test_in_an_outage_no_more_is_taken_than_a_batch(at: Setting) -> None:
    """Accident prevented: the topic is read into memory for as long as the store is gone."""
    await at.put(*(b"%d" % number for number in range(5_000)))
    at.handler.fail = lambda value: (_ for _ in ()).throw(StoreUnavailable())
    await at.loop.start()
    await until(lambda: len(at.handler.tried) > 100)
    assert len({value for tried in at.handler.tried for value in tried}) <= MAX_BATCH_RECORDS
    at.handler.fail = lambda value: None
    await until(lambda: at.committed == 5_000)
    assert len(at.out()) == 5_000


async def test_a_poison_message_is_put_aside_and_the_rest_goes_on(at: Setting) -> None:
    at.handler.fail = raising(Poison("cannot be read"), b"bad")
    await at.put(b"a", b"bad", b"b")
    await at.loop.start()
    await until(lambda: at.committed == 3)
    assert at.out() == [b"a", b"b"]
    assert at.out(DEAD) == [b"bad"]
    (dead,) = at.log.records(DEAD)
    headers = dict(dead.headers)
    assert headers["hookline-reason"] == b"poison"
    assert headers["hookline-error"] == b"Poison"
    assert headers["hookline-message"] == b"cannot be read"
    assert headers["hookline-topic"] == b"source"
    assert headers["hookline-offset"] == b"1"
    assert headers["hookline-partition"] == b"0"
    assert headers["hookline-service"] == b"copier"
    assert len(headers["hookline-stack"]) == 12
    assert headers["hookline-first-at"] == headers["hookline-last-at"] == b"5000000"
    assert at.loop.problems() == []


async def test_a_dead_letter_keeps_the_headers_and_is_said_of_its_event(at: Setting) -> None:
    at.handler.fail = raising(Poison("no"), b"bad")
    await at.log.append([Record(SOURCE, "k", b"bad", (("trace", b"1"),))])
    await at.loop.start()
    await until(lambda: at.committed == 1)
    assert at.log.records(DEAD)[0].headers[0] == ("trace", b"1")
    (outcome,) = at.log.records(OUTCOMES)
    said = OUTCOMES_CODEC.decode(outcome.value)
    assert isinstance(said, EventDeadLettered)
    assert outcome.key == said.event_id == "event of k"
    assert (said.webhook_id, said.service, said.topic) == ("webhook", "copier", "source")


async def test_a_message_that_cannot_name_its_event_is_put_aside_all_the_same(
    at: Setting,
) -> None:
    at.handler.fail = raising(Poison("no"), b"bad")
    at.handler.subject = lambda delivered: {}["nothing"]  # type: ignore[method-assign]
    await at.put(b"bad")
    await at.loop.start()
    await until(lambda: at.committed == 1)
    assert at.out(DEAD) == [b"bad"]
    assert at.out(OUTCOMES) == []


@pytest.mark.unexpected
async def test_an_unexpected_error_is_tried_alone_three_times(at: Setting) -> None:
    at.handler.fail = raising(ZeroDivisionError("oops"), b"bad")
    await at.put(b"a", b"bad", b"b")
    await at.loop.start()
    await until(lambda: at.committed == 3)
    assert at.handler.tried.count([b"bad"]) == 3
    assert dict(at.log.records(DEAD)[0].headers)["hookline-reason"] == b"unexpected"
    assert dict(at.log.records(DEAD)[0].headers)["hookline-attempts"] == b"3"
    assert any("oops" in problem for problem in at.loop.problems())
    at.clock.at += 10 * 60 * 1000
    assert at.loop.problems() == []


@pytest.mark.unexpected
async def test_an_unexpected_error_that_passes_by_harms_nothing(at: Setting) -> None:
    failures = iter([ZeroDivisionError("once"), ZeroDivisionError("twice")])

    def fail(value: bytes) -> None:
        if value == b"bad" and (error := next(failures, None)):
            raise error

    at.handler.fail = fail
    await at.put(b"bad", b"a")
    await at.loop.start()
    await until(lambda: at.committed == 2)
    assert sorted(at.out()) == [b"a", b"bad"]
    assert at.out(DEAD) == []


async def test_a_message_that_fails_while_others_succeed_is_stuck(at: Setting) -> None:
    """It fails with an error that is no fault of its own; the evidence is in the others."""
    at.handler.fail = raising(StoreUnavailable(), b"bad")
    await at.put(b"bad", b"a")
    await at.loop.start()
    for number in range(10_000):
        if at.out(DEAD):
            break
        await at.put(b"%d" % number)
        await asyncio.sleep(0.001)
    assert dict(at.log.records(DEAD)[0].headers)["hookline-reason"] == b"stuck"
    assert at.out(DEAD) == [b"bad"]
    await until(lambda: at.committed == len(at.log.topics[SOURCE]))


async def test_a_lone_failing_message_is_never_stuck(at: Setting) -> None:
    at.handler.fail = raising(StoreUnavailable(), b"bad")
    await at.put(b"bad")
    await at.loop.start()
    await until(lambda: len(at.handler.tried) > 40)
    assert at.out(DEAD) == []
    at.handler.fail = lambda value: None
    await until(lambda: at.committed == 1)


async def test_messages_of_one_key_keep_their_order_behind_a_failing_one(at: Setting) -> None:
    left = [5]

    def fail(value: bytes) -> None:
        if value == b"k1" and left[0]:
            left[0] -= 1
            raise StoreUnavailable

    at.handler.fail = fail
    await at.put(b"k1", b"k2", b"k3", key="k")
    await at.put(b"other")
    await at.loop.start()
    await until(lambda: at.committed == 4)
    assert [value for value in at.out() if value != b"other"] == [b"k1", b"k2", b"k3"]


async def test_a_lost_partition_drops_the_batch_and_reads_it_again(at: Setting) -> None:
    at.log.commit_failures.append(AssignmentLost())
    await at.put(b"a")
    await at.loop.start()
    await until(lambda: at.committed == 1)
    assert at.handler.tried == [[b"a"], [b"a"]]
    assert at.out(DEAD) == []


async def test_a_commit_that_fails_rejoins_the_group(at: Setting) -> None:
    at.log.commit_failures.append(LogUnavailable())
    await at.put(b"a")
    await at.loop.start()
    await until(lambda: at.committed == 1)
    assert at.log.joined == 2


async def test_stop_finishes_and_commits_the_batch_in_hand(at: Setting) -> None:
    await at.put(b"a")
    at.log.hold = asyncio.Event()
    await at.loop.start()
    await until(lambda: bool(at.handler.tried))
    stopping = asyncio.create_task(at.loop.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    at.log.hold.set()
    await stopping
    assert at.committed == 1
    assert at.out() == [b"a"]


async def test_stop_while_the_store_is_down_commits_nothing(at: Setting) -> None:
    at.handler.fail = lambda value: (_ for _ in ()).throw(StoreUnavailable())
    at.backoff[:] = [60.0]
    await at.put(b"a")
    await at.loop.start()
    await until(lambda: bool(at.handler.tried))
    await asyncio.wait_for(at.loop.stop(), 5)
    assert at.committed == 0
    assert at.out(DEAD) == []


async def test_a_fatal_error_ends_the_loop_and_is_told(at: Setting) -> None:
    at.handler.fail = raising(DurabilityLost("fsync failed"), b"a")
    await at.put(b"a")
    await at.loop.start()
    await until(lambda: bool(at.fatal))
    assert isinstance(at.fatal[0], DurabilityLost)
    assert at.committed == 0
    assert at.loop.problems()


async def test_assignment_lost_while_handling_is_no_fault_of_the_message(at: Setting) -> None:
    errors = iter([AssignmentLost()])

    def fail(value: bytes) -> None:
        if error := next(errors, None):
            raise error

    at.handler.fail = fail
    await at.put(b"a")
    await at.loop.start()
    await until(lambda: at.committed == 1)
    assert at.out(DEAD) == []
