"""rateLimitPerFrequency: so many hand-offs of a task type in every stretch of time (D35, D36)."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hookline_engine.limit_standing import Bounds, Standing, opens_at, room, taken
from tests.engine.engine_world import engine_on, simple
from tests.engine.limits_world import (
    batch,
    clocked_stores,
    clocked_world,
    limit_tasks,
    look_again,
    next_task,
    none_comes,
)

SLICE_MS = 2
"""A thousandth of a window of two seconds: by so much a place may come late."""


async def test_a_full_window_hides_tasks_until_it_has_passed(tmp_path: Path) -> None:
    async with clocked_world(tmp_path) as (world, clock):
        await limit_tasks(world, rateLimitPerFrequency=2, rateLimitFrequencyInSeconds=2)
        await world.define("flow", simple("work"))
        ids: list[str] = []
        for _ in range(4):
            ids.append(await world.start("flow"))
            clock.ms += 1
        got = await batch(world, 4)
        for task in got:
            await world.finish(task)  # that a task is done makes no room
        assert await none_comes(world)
        clock.ms += 1_990
        look_again(world)
        assert await none_comes(world)
        clock.ms += 10 + SLICE_MS
        look_again(world)
        got += [await next_task(world), await next_task(world)]
        assert await none_comes(world)
        assert [task["workflowInstanceId"] for task in got] == ids


async def test_engines_share_a_window(tmp_path: Path) -> None:
    async with (
        clocked_stores(tmp_path) as (log, documents, clock),
        engine_on(log, documents, clock) as one,
        engine_on(log, documents, clock) as other,
    ):
        await limit_tasks(one, rateLimitPerFrequency=3, rateLimitFrequencyInSeconds=2)
        await one.define("flow", simple("work"))
        for _ in range(5):
            await one.start("flow")
        assert len(await batch(one, 2)) == 2
        assert len(await batch(other, 5)) == 1
        assert await none_comes(one)
        clock.ms += 2_000 + SLICE_MS
        look_again(other)  # it has hidden the others, so it knows when to come back
        for world in (one, other):
            await next_task(world)


async def test_an_engine_that_comes_later_opens_the_window_of_a_lost_one(tmp_path: Path) -> None:
    async with clocked_stores(tmp_path) as (log, documents, clock):
        async with engine_on(log, documents, clock) as world:
            await limit_tasks(world, rateLimitPerFrequency=1, rateLimitFrequencyInSeconds=2)
            await world.define("flow", simple("work"))
            for _ in range(2):
                await world.start("flow")
            await next_task(world)
            assert await none_comes(world)
        clock.ms += 2_000 + SLICE_MS
        async with engine_on(log, documents, clock) as world:
            await next_task(world)


async def test_both_limits_hold_together(tmp_path: Path) -> None:
    async with clocked_world(tmp_path) as (world, clock):
        limits = {"rateLimitPerFrequency": 2, "rateLimitFrequencyInSeconds": 2}
        await limit_tasks(world, concurrentExecLimit=1, **limits)
        await world.define("flow", simple("work"))
        for _ in range(3):
            await world.start("flow")
        first = await next_task(world)
        assert await none_comes(world)
        await world.finish(first)
        second = await next_task(world)
        await world.finish(second)
        assert await none_comes(world)
        clock.ms += 2_000 + SLICE_MS
        look_again(world)
        await next_task(world)


# --- the arithmetic ---


@given(
    steps=st.lists(st.tuples(st.integers(0, 700), st.integers(1, 5)), max_size=60),
    most=st.integers(1, 6),
    window_ms=st.integers(1, 2_000),
)
def test_no_stretch_as_long_as_the_window_has_more_than_was_allowed(
    steps: list[tuple[int, int]], most: int, window_ms: int
) -> None:
    bounds = Bounds(per_window=most, window_ms=window_ms)
    standing, now, taken_at = Standing(), 1_700_000_000_000, list[int]()
    for number, (pause, count) in enumerate(steps):
        now += pause
        keys = [f"{number}:{one}" for one in range(count)]
        free = room(standing, bounds, now)
        standing, let_in = taken(standing, bounds, keys, now)
        assert len(let_in) == min(count, free)
        taken_at += [now] * len(let_in)
        assert sum(at > now - window_ms for at in taken_at) <= most
        at = opens_at(standing, bounds, now)
        if not room(standing, bounds, now):
            assert now < at <= now + window_ms + max(1, window_ms // 1000)
            assert room(standing, bounds, at) > 0
            assert room(standing, bounds, at - 1) == 0


@given(
    names=st.lists(st.sampled_from("abcdefgh"), max_size=30),
    at_once=st.integers(1, 5),
)
def test_whoever_has_a_place_keeps_it_and_nobody_has_two(names: list[str], at_once: int) -> None:
    standing, inside = Standing(), set[str]()
    for name in names:
        standing, let_in = taken(standing, Bounds(at_once), [name], 1)
        assert (name in let_in) == (name in inside or len(inside) < at_once)
        inside |= let_in
        assert inside == standing.holders.keys()
