"""Replay jobs: what they select, what they append, and that they survive what may come."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from hookline_common.cloudevents import raw_event
from hookline_common.errors import Conflict, LogUnavailable
from hookline_common.eventlog import Position, Record, Sync
from hookline_common.ids import digest
from hookline_common.sealed_events import open_event
from hookline_engine.replay_jobs import (
    ReplayCounts,
    ReplayFilter,
    ReplayJob,
    ReplayJobs,
    advanced,
    begun,
    paused,
    resumed,
    stopped,
)
from hookline_engine.replay_runner import LEASE_MS
from tests.engine.engine_world import eventually
from tests.engine.recorded_events import T0, History, raw
from tests.engine.rest_surface import SEALER, HandMovedClock, Surface, open_stores, open_surface

REPLAYS = "/api/replays"


class World:
    """The API over stores that hold events."""

    def __init__(self, surface: Surface) -> None:
        self.surface = surface
        self.history = History(surface.log, surface.documents)

    async def rejected(self, *numbers: int, **more: Any) -> None:
        for number in numbers:
            await self.history.stored(raw(f"e{number}", {"n": number}, T0 - 1000 + number), **more)

    async def ask(self, status: int = 201, **body: Any) -> Any:
        answer = await self.surface.http.post(REPLAYS, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def until(self, job: Any, *states: str) -> Any:
        found: dict[str, Any] = {}

        async def there() -> bool:
            found.update(await self.surface.call("GET", f"{REPLAYS}/{job['id']}"))
            return found["state"] in states

        await eventually(there)
        return found

    async def done(self, **body: Any) -> Any:
        return await self.until(await self.ask(**body), "done", "failed")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_stores(tmp_path) as (log, documents), open_surface(log, documents) as surface:
        yield World(surface)


async def test_an_event_is_appended_again_as_it_came_with_a_mark_and_an_id_of_its_own(
    world: World,
) -> None:
    original = raw("e1", {"n": 1}, url="https://hooks.example/webhook/w1?a=b", query="a=b")
    await world.history.stored(original, key="order-7")
    job = await world.done(filter={"ids": ["e1"]}, restart=True)
    (again,) = await world.history.replays()
    event = raw_event(again.record)
    assert again.record.key == "order-7"
    assert event.id == digest(job["id"], "e1")
    assert event.replay is not None
    assert (event.replay.replay_id, event.replay.replay_of) == (job["id"], "e1")
    assert event.replay.restart
    assert replace(event, id="e1", replay=None) == original
    assert job["counts"] == {
        "selected": 1, "examined": 1, "appended": 1,
        "expired": 0, "unreadable": 0, "skipped": 0,
    }  # fmt: skip


async def test_what_was_sealed_opens_under_the_new_id(world: World) -> None:
    headers = (("authorization", "Bearer s3cret"), ("x-other", "a"))
    marked = replace(raw("e1", headers=headers, query="token=t%2F1&b=2"), url="https://h/w?x")
    webhook = type("Names", (), {})()
    webhook.sealed_headers, webhook.sealed_query = (
        frozenset({"authorization"}),
        frozenset({"token"}),
    )
    await world.history.stored(marked, webhook)
    await world.done(filter={"ids": ["e1"]})
    (again,) = await world.history.replays()
    stored = raw_event(again.record)
    assert "s3cret" not in str(again.record)
    assert stored.sealed == ("authorization", "query:token")
    opened = open_event(stored, SEALER)
    assert opened.headers == headers
    assert opened.query == "token=t%2F1&b=2"


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ({"webhookId": "w1"}, ["e1", "e2", "e4", "e5"]),
        ({"webhookId": "w2"}, ["e3"]),
        ({"verdicts": ["rejected"]}, ["e1", "e3"]),
        ({"verdicts": ["unmatched", "DEAD"]}, ["e2", "e4"]),
        ({"types": ["push"]}, ["e2", "e4"]),
        ({"types": "push", "verdicts": "dead"}, ["e4"]),
        ({"from": T0 - 998, "to": T0 - 996}, ["e2", "e3"]),
        ({"from": "2023-11-14T22:13:19.003Z"}, ["e3", "e4", "e5"]),
        ({"ids": ["e5", "e1", "e1"]}, ["e1", "e5"]),
        ({"ids": ["e5", "e1"], "verdicts": ["resumed"]}, ["e5"]),
        ({"text": "PUSH"}, ["e2", "e4"]),
        ({"webhookId": "none"}, []),
    ],
)
async def test_all_conditions_of_the_filter_must_hold(
    world: World, wanted: dict[str, Any], chosen: Sequence[str]
) -> None:
    await world.rejected(1)
    await world.rejected(2, verdict="unmatched", type="push")
    await world.history.stored(raw("e3", at=T0 - 997, webhook_id="w2"))
    await world.rejected(4, verdict="dead", type="push")
    await world.rejected(5, verdict="resumed")
    await world.rejected(6, verdict="duplicate")
    await world.rejected(7, verdict="handshake")
    await world.rejected(8, verdict="pending")
    job = await world.done(filter=wanted)
    assert await world.history.replayed() == chosen
    assert job["counts"]["selected"] == job["counts"]["appended"] == len(chosen)


async def test_pages_go_oldest_first_to_the_end(world: World) -> None:
    numbers = range(230)
    await world.rejected(*numbers)
    job = await world.done(filter={"webhookId": "w1"}, perSecond=10_000)
    assert (job["state"], job["counts"]["appended"]) == ("done", 230)
    assert len(set(await world.history.replayed())) == 230


async def test_what_is_gone_or_cannot_be_read_is_counted_and_the_rest_replayed(
    world: World,
) -> None:
    await world.rejected(1, 4)
    await world.history.recorded(raw("e2"))
    (position,) = await world.surface.log.append(
        [Record("webhooks.received", "e3", b"{}", (("ce_id", b"e3"),))]
    )
    where = (position.topic, position.partition, position.offset)
    await world.history.recorded(raw("e3"), position=where)
    unsealable = replace(
        raw("e5"), headers=(("authorization", "s1:other:AAAA"),), sealed=("authorization",)
    )
    await world.history.stored(unsealable)
    job = await world.done(filter={"verdicts": ["rejected"]})
    assert await world.history.replayed() == ["e1", "e4"]
    assert job["counts"] == {
        "selected": 5, "examined": 5, "appended": 2,
        "expired": 1, "unreadable": 2, "skipped": 0,
    }  # fmt: skip


async def test_what_comes_or_changes_afterwards_is_not_chased(world: World) -> None:
    """Accident: a job that replays rejected events, whose replays are rejected, never ends."""
    await world.rejected(1)
    await world.rejected(2, done_at=T0 + 5)
    await world.history.stored(raw("e3", at=T0 + 1))
    job = await world.done(filter={"verdicts": ["rejected"]})
    assert await world.history.replayed() == ["e1"]
    assert (job["counts"]["appended"], job["counts"]["skipped"]) == (1, 1)


async def test_a_job_never_replays_its_own_replays_whatever_the_clocks_say(world: World) -> None:
    await world.rejected(1)
    first = await world.done(filter={"verdicts": ["rejected"]})
    (again,) = await world.history.replays()
    mine = raw_event(again.record)
    where = (again.position.topic, again.position.partition, again.position.offset)
    early = T0 - 1
    await world.history.recorded(mine, replay_of="e1", position=where, counts_from=early)
    events = await world.surface.call("GET", f"{REPLAYS}/{first['id']}/events")
    assert [(one["id"], one["replayId"], one["replayVerdict"]) for one in events["events"]] == [
        ("e1", mine.id, "rejected")
    ]


async def test_a_replay_of_a_replay_stands_for_the_first_event_once(world: World) -> None:
    await world.rejected(1)
    await world.history.stored(raw("r1"), replay_of="e1", counts_from=T0 - 500)
    job = await world.done(filter={"verdicts": ["rejected"]})
    assert await world.history.replayed() == ["e1"]
    assert job["counts"]["skipped"] == 1
    alone = await world.done(filter={"ids": ["r1"]})
    assert alone["counts"]["appended"] == 1
    assert await world.history.replayed() == ["e1", "e1"]


async def test_a_paused_job_goes_on_where_it_stood(world: World) -> None:
    await world.rejected(*range(3))
    job = await world.ask(filter={"webhookId": "w1"}, perSecond=1)
    one = f"{REPLAYS}/{job['id']}"

    async def begun() -> bool:
        return (await world.surface.call("GET", one))["counts"]["appended"] > 0

    await eventually(begun)
    assert (await world.surface.call("PUT", f"{one}/pause"))["state"] == "paused"
    assert (await world.surface.call("PUT", f"{one}/pause"))["state"] == "paused"
    stood = (await world.surface.call("GET", one))["counts"]["examined"]
    assert 0 < stood < 3
    assert (await world.surface.call("PUT", f"{one}/resume"))["state"] == "queued"
    done = await world.until(job, "done")
    assert done["counts"]["appended"] == 3
    assert await world.history.replayed() == ["e0", "e1", "e2"]
    for act in ("pause", "resume", "stop"):
        refused = await world.surface.refused("PUT", f"{one}/{act}")
        assert refused == (409, "replay_ended", None)


async def test_a_stopped_job_never_goes_on(world: World) -> None:
    await world.rejected(*range(3))
    job = await world.ask(filter={"webhookId": "w1"}, perSecond=1)
    one = f"{REPLAYS}/{job['id']}"
    assert (await world.surface.call("PUT", f"{one}/stop"))["state"] == "stopped"
    assert await world.surface.refused("PUT", f"{one}/resume") == (409, "replay_ended", None)
    assert (await world.surface.call("PUT", f"{one}/stop"))["state"] == "stopped"


async def test_a_restarted_engine_goes_on_with_the_job(tmp_path: Path) -> None:
    clock = HandMovedClock()
    async with open_stores(tmp_path, clock) as (log, documents):
        async with open_surface(log, documents, clock=clock) as surface:
            world = World(surface)
            await world.rejected(*range(3))
            job = await world.ask(filter={"webhookId": "w1"}, perSecond=1)

            async def begun() -> bool:
                found = await surface.call("GET", f"{REPLAYS}/{job['id']}")
                return found["counts"]["appended"] > 0

            await eventually(begun)
        async with open_surface(log, documents, clock=clock) as surface:
            again = World(surface)
            assert (await again.until(job, "done"))["counts"]["appended"] == 3
            assert await again.history.replayed() == ["e0", "e1", "e2"]


async def test_a_job_whose_engine_was_killed_goes_on_when_its_lease_has_run_out(
    tmp_path: Path,
) -> None:
    clock = HandMovedClock()
    async with open_stores(tmp_path, clock) as (log, documents):
        history = History(log, documents)
        for number in range(3):
            await history.stored(raw(f"e{number}"))
        jobs = ReplayJobs(documents, clock)
        wanted = ReplayFilter(ids=("e0", "e1", "e2"))
        made = await jobs.create(wanted, 3, restart=False, per_second=100, at=clock.ms)
        assert len(await jobs.claim(1, LEASE_MS, "a killed engine")) == 1
        page = ReplayCounts(examined=1, appended=1)
        await jobs.change(made.id, lambda job: advanced(begun(job), job, page, "1", clock.ms))
        async with open_surface(log, documents, clock=clock) as surface:
            assert await jobs.claim(1, LEASE_MS, "another") == []
            clock.ms += LEASE_MS + 1
            surface.registry.replays.runner.look()
            done = await World(surface).until({"id": made.id}, "done")
            assert done["counts"]["appended"] == 3
            assert await history.replayed() == ["e1", "e2"]


class LogWithFaults:
    """A log whose first appends of replays fail after they were done, as when an answer is lost."""

    def __init__(self, log: Any, failures: int) -> None:
        self._log = log
        self.failures = failures

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def append(self, records: Sequence[Record], sync: Sync = Sync.NOW) -> Sequence[Position]:
        positions = await self._log.append(records, sync)
        if self.failures and any(name == "ce_replay" for name, _ in records[0].headers):
            self.failures -= 1
            raise LogUnavailable("the answer was lost")
        return positions


async def test_a_page_that_is_done_twice_gives_the_same_ids(tmp_path: Path) -> None:
    async with open_stores(tmp_path) as (log, documents):
        faulty: Any = LogWithFaults(log, failures=2)
        async with open_surface(faulty, documents) as surface:
            world = World(surface)
            await world.rejected(1, 2)
            job = await world.done(filter={"webhookId": "w1"})
            assert (job["state"], job["counts"]["appended"]) == ("done", 2)
            ids = [raw_event(one.record).id for one in await world.history.replays()]
            assert len(ids) == 6
            assert set(ids) == {digest(job["id"], "e1"), digest(job["id"], "e2")}
            assert surface.registry.replays.runner.problems() == []


class LogThatFailsForGood(LogWithFaults):
    """A log in which replays meet a fault of no known type."""

    async def append(self, records: Sequence[Record], sync: Sync = Sync.NOW) -> Sequence[Position]:
        if self.failures and any(name == "ce_replay" for name, _ in records[0].headers):
            raise RuntimeError("a bug")
        return await self._log.append(records, sync)


async def test_a_fault_that_repeating_would_not_mend_is_told_and_the_job_can_go_on(
    tmp_path: Path,
) -> None:
    async with open_stores(tmp_path) as (log, documents):
        faulty: Any = LogThatFailsForGood(log, failures=1)
        async with open_surface(faulty, documents) as surface:
            world = World(surface)
            await world.rejected(1)
            job = await world.done(filter={"webhookId": "w1"})
            assert (job["state"], job["error"]) == ("failed", "RuntimeError: a bug")
            faulty.failures = 0
            await surface.call("PUT", f"{REPLAYS}/{job['id']}/resume")
            done = await world.until(job, "done")
            assert "error" not in done
            assert done["counts"]["appended"] == 1


# --- what may become of a job: pure ---


def _job(**more: Any) -> ReplayJob:
    return ReplayJob(id="j", filter=ReplayFilter(webhook_id="w"), created_at=1, **more)


def test_a_page_counts_once_and_counts_although_the_job_was_paused() -> None:
    page = ReplayCounts(examined=2, appended=2)
    before = _job(state="running")
    first = advanced(before, before, page, "c1", 5)
    assert (first.cursor, first.counts.appended, first.state) == ("c1", 2, "running")
    assert advanced(first, before, page, "c1", 6) is first
    held = advanced(paused(before), before, page, "c1", 5)
    assert (held.state, held.cursor, held.counts.appended) == ("paused", "c1", 2)
    last = advanced(first, first, page, None, 7)
    assert (last.state, last.finished_at, last.counts.appended) == ("done", 7, 4)
    assert advanced(last, first, page, None, 8) is last


def test_what_has_ended_stays_ended() -> None:
    assert resumed(_job(state="failed", error="x")).error is None
    for state in ("done", "stopped", "failed"):
        with pytest.raises(Conflict):
            paused(_job(state=state))
    with pytest.raises(Conflict):
        stopped(_job(state="done"), 1)
