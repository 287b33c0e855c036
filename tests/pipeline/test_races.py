"""Invariant 5: an event and a wait that meet do meet, however close together, and exactly once."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
import pytest_asyncio

import hookline_matcher.service
from hookline_cli.up import SERVICES
from tests.pipeline.backends import BACKENDS, settings_on
from tests.pipeline.matcher_processes import matcher_processes
from tests.pipeline.running_system import (
    DEADLINE_SECONDS,
    System,
    eventually,
    fresh,
    running_system,
    task,
    wait_task,
)
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

MEETINGS = 500
# SecantusDB writes each document to disk by itself: there the whole number is for CI.
MEETINGS_ON_A_LAPTOP = 100
AT_ONCE = 50

Release = Callable[[str], Awaitable[Any]]


def _meetings(system: System) -> int:
    """HOOKLINE_RACE_PAIRS says how many where more are wanted: 10,000, say."""
    chosen = os.environ.get("HOOKLINE_RACE_PAIRS")
    if chosen is not None:
        return int(chosen)
    in_full = system.backend == "embedded" or os.environ.get("HOOKLINE_REQUIRE_REAL") == "1"
    return MEETINGS if in_full else MEETINGS_ON_A_LAPTOP


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=BACKENDS)
async def two_matchers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """A system whose matchers are two processes. An embedded folder has one process (B3): there
    they are two members of the group in this one.
    """
    folder = tmp_path_factory.mktemp("races")
    environ = settings_on(request.param, folder, request, "own_kafka")
    if request.param == "embedded":
        async with running_system(
            request.param, environ, (*SERVICES, hookline_matcher.service.build)
        ) as system:
            yield system
        return
    others = tuple(build for build in SERVICES if build is not hookline_matcher.service.build)
    async with (
        running_system(request.param, environ, others) as system,
        matcher_processes(environ, 2, folder) as matchers,
    ):
        yield system
        shares = [await matcher.consumed() for matcher in matchers]
        assert min(shares) > 0, f"one of them had nothing to do: {shares}"
        assert await system.problems() == []


def _in_order(order: str, event: Release, wait: Release) -> Sequence[Release]:
    return (event, wait) if order == "event first" else (wait, event)


@pytest.mark.parametrize("order", ["event first", "wait first"])
async def test_an_event_and_a_wait_released_at_the_same_moment_always_meet(
    two_matchers: System, order: str
) -> None:
    """Each execution holds at a WAIT; its end and the event set out together. Two matchers share
    the partitions, so that the two often come to different ones: two processes on Kafka and
    MongoDB, two members of the group in one process on the embedded file, which only one may hold.
    """
    system = two_matchers
    flow, hook = await system.pair(
        task("hold", "WAIT"), wait_task("event", {"$.id": "${workflow.input.id}"})
    )
    mark = fresh("m")
    ids = [f"{mark}-{number}" for number in range(_meetings(system))]
    executions: dict[str, str] = {}
    events: dict[str, str] = {}

    async def start(name: str) -> None:
        executions[name] = await system.start(flow, {"id": name})

    async def release_wait(name: str) -> None:
        await system.post(f"/tasks/{executions[name]}/COMPLETED/signal", {})

    async def release_event(name: str) -> None:
        events[name] = (await system.send(hook, {"id": name})).event_id

    for page in _pages(ids):
        await asyncio.gather(*(start(name) for name in page))
        first, second = _in_order(order, release_event, release_wait)
        await asyncio.gather(*(release(name) for name in page for release in (first, second)))
    await _none_running(system, flow)
    recorded = await _all_resumed(system, hook["id"], len(ids))
    assert set(recorded) == set(events.values())
    for name in ids:
        effects = recorded[events[name]]["effects"]
        assert [effect["workflowId"] for effect in effects] == [executions[name]]
    ended = await system.executions_of(flow)
    assert {one["workflowId"] for one in ended} == set(executions.values())
    assert {one["status"] for one in ended} == {"COMPLETED"}
    for name in ids[::10]:
        found = await system.execution(executions[name])
        assert [line["outputData"] for line in found["tasks"]] == [{}, {"id": name}]


async def _none_running(system: System, flow: str) -> None:
    query = {"query": f"workflowType = '{flow}' AND status = RUNNING", "size": 0}

    async def look() -> bool:
        return (await system.get("/workflow/search", params=query))["totalHits"] == 0

    await eventually(look, f"the end of every {flow}")


async def _all_resumed(system: System, webhook_id: str, count: int) -> dict[str, dict[str, Any]]:
    """The records of the webhook's events by id, once all of them are resumed."""

    async def look() -> list[dict[str, Any]] | None:
        events = [event async for event in _events(system, webhook_id)]
        resumed = [event for event in events if event["verdict"] == "resumed"]
        return resumed if len(resumed) == len(events) == count else None

    return {event["id"]: event for event in await eventually(look, "all resumed")}


async def _events(system: System, webhook_id: str) -> AsyncIterator[dict[str, Any]]:
    query = {"webhookId": webhook_id, "limit": 1000}
    while True:
        page = await system.get("/webhook-events", params=query)
        for event in page["events"]:
            yield event
        if "nextCursor" not in page:
            return
        query["cursor"] = page["nextCursor"]


async def test_a_matcher_that_joins_or_leaves_loses_nothing(system: System) -> None:
    """Its partitions change hands in the middle of a stream of events and waits."""
    flow, hook = await system.pair(wait_task("event", {"$.id": "${workflow.input.id}"}))
    mark = fresh("m")
    ids = [f"{mark}-{number}" for number in range(_meetings(system) // 2)]
    executions: dict[str, str] = {}
    events: dict[str, str] = {}

    async def play(names: Sequence[str]) -> None:
        for name in names:
            executions[name] = await system.start(flow, {"id": name})
            events[name] = (await system.send(hook, {"id": name})).event_id

    async def join_and_leave() -> None:
        while len(events) < len(ids):
            newcomer = hookline_matcher.service.build(system.parts)
            await newcomer.start()
            enough = min(len(events) + len(ids) // 5, len(ids))
            await until(lambda enough=enough: len(events) >= enough, DEADLINE_SECONDS)
            await newcomer.stop()

    await asyncio.gather(*(play(ids[begin::5]) for begin in range(5)), join_and_leave())
    for name in ids:
        await system.ended(executions[name])
        record = await system.event(events[name], "resumed")
        assert [effect["workflowId"] for effect in record["effects"]] == [executions[name]]


async def test_deliveries_of_one_event_at_the_same_moment_take_effect_once(
    system: System,
) -> None:
    """Whichever of them is judged first; the others are duplicates."""
    started = await system.define(task("note", "SET_VARIABLE", {"a": 1}))
    flow, hook = await system.pair(
        wait_task("event", {"$.order": "${workflow.input.order}"}),
        workflowsToStart={started: 1},
        options={"deliveryId": "$.id"},
    )
    order = fresh("o")
    waiting = [await system.start(flow, {"order": order}) for _ in range(3)]
    body = {"order": order, "id": "d1"}
    sent = await asyncio.gather(*(system.send(hook, body) for _ in range(20)))
    verdicts = [await system.verdict(one) for one in sent]
    assert sorted(verdicts) == ["duplicate"] * 19 + ["resumed_and_started"]
    for one in waiting:
        await system.ended(one)
    assert len(await system.executions_of(started)) == 1


async def test_events_that_race_for_one_wait_are_taken_by_it_once(system: System) -> None:
    """One wait takes one event; the others are unmatched."""
    flow, hook = await system.pair(
        wait_task("event", {"$.order": "${workflow.input.order}"}), task("hold", "WAIT")
    )
    order = fresh("o")
    waiting = await system.start(flow, {"order": order})
    sent = await asyncio.gather(
        *(system.send(hook, {"order": order, "n": number}) for number in range(20))
    )
    verdicts = [await system.verdict(one) for one in sent]
    assert sorted(verdicts) == ["resumed"] + ["unmatched"] * 19
    taken = verdicts.index("resumed")
    line = await system.task_in(waiting, "event", "COMPLETED")
    assert line["outputData"]["n"] == taken


async def test_a_timeout_and_an_event_at_the_same_moment_end_the_wait_once(
    system: System,
) -> None:
    """The record of the event and the output of the task tell the same story."""
    flow, hook = await system.pair(
        wait_task("event", {"$.order": "${workflow.input.order}"}, timeout="1s")
    )
    orders = [fresh("o") for _ in range(20)]
    waiting = await asyncio.gather(*(system.start(flow, {"order": order}) for order in orders))
    events: dict[str, list[str]] = {order: [] for order in orders}
    running = set(waiting)
    while running:
        for order, one in zip(orders, waiting, strict=True):
            if one in running:
                if (await system.execution(one))["status"] == "COMPLETED":
                    running.discard(one)
                elif _about_to_time_out(await system.execution(one)):
                    sent = await system.send(hook, {"order": order})
                    events[order].append(sent.event_id)
    for order, one in zip(orders, waiting, strict=True):
        output = (await system.ended(one))["tasks"][0]["outputData"]
        verdicts = [(await system.event(event))["verdict"] for event in events[order]]
        resumed = [] if output == {"timedOut": True} else ["resumed"]
        assert [verdict for verdict in verdicts if verdict == "resumed"] == resumed
        assert set(verdicts) <= {"resumed", "unmatched", "failed"}


def _about_to_time_out(execution: dict[str, Any]) -> bool:
    lines = execution["tasks"]
    return bool(lines) and execution["updateTime"] - lines[0]["startTime"] < 1000


def _pages(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[begin : begin + AT_ONCE] for begin in range(0, len(ids), AT_ONCE)]
