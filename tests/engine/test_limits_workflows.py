"""rateLimitConfig of workflows: so many executions at once for each value of the key (D9)."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hookline_common.clock import SystemClock
from hookline_engine.core.effects import QueueRun
from hookline_engine.limit_store import LimitStore
from hookline_engine.run_lines import RunLines
from tests.engine.engine_world import World, engine_on, node, open_world, simple
from tests.engine.faulty_stores import FaultyDocuments
from tests.engine.limits_world import clocked_stores, clocked_world, look_again, next_task
from tests.engine.rest_surface import open_stores


async def define(world: World, at_once: int, **fields: Any) -> None:
    """A workflow `flow` that runs so often at once for each `${workflow.input.key}`."""
    config = {"rateLimitKey": "${workflow.input.key}", "concurrentExecLimit": at_once}
    policy = {"policy": fields.pop("policy")} if "policy" in fields else {}
    await world.define("flow", simple("work"), rateLimitConfig=config | policy, **fields)


async def started(world: World, key: str, count: int = 1) -> list[str]:
    return [await world.start("flow", {"key": key}) for _ in range(count)]


async def waits(world: World, workflow_id: str) -> bool:
    """Whether it stands in line, as the API shows it."""
    shown = await world.workflow(workflow_id)
    assert shown["status"] == "RUNNING"
    assert bool(shown["tasks"]) != shown["rateLimited"]
    return shown["rateLimited"]


async def begins(world: World, workflow_id: str) -> None:
    await world.until_shown(workflow_id, lambda shown: len(shown["tasks"]) == 1)
    assert not await waits(world, workflow_id)


async def end(world: World, workflow_id: str) -> None:
    """Its one task is done."""
    (task,) = (await world.workflow(workflow_id))["tasks"]
    await world.finish(task)
    assert (await world.workflow(workflow_id))["status"] == "COMPLETED"


async def test_executions_wait_for_each_other_by_key_and_begin_in_order(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await define(world, 2)
        one, two, three, four = await started(world, "a", 4)
        (other,) = await started(world, "b")
        waiting = [await waits(world, each) for each in (one, two, three, four, other)]
        assert waiting == [False, False, True, True, False]
        assert (await world.workflow(three))["rateLimitKey"] == "a"
        await end(world, two)
        await begins(world, three)
        assert await waits(world, four)
        await end(world, one)
        await begins(world, four)
        await end(world, three)
        (five,) = await started(world, "a")
        assert not await waits(world, five)


async def test_who_comes_later_does_not_overtake_the_line(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await define(world, 1)
        first, *line = await started(world, "a", 6)
        for following in line:
            await end(world, first)
            await begins(world, following)
            (late,) = await started(world, "a")
            assert await waits(world, late)
            await world.call("DELETE", f"/workflow/{late}")
            first = following


async def test_a_new_place_goes_to_the_line_and_not_to_who_has_just_come(tmp_path: Path) -> None:
    async with clocked_world(tmp_path) as (world, _):
        await define(world, 1)
        _, two, three = await started(world, "a", 3)
        await define(world, 2)  # nobody has looked at the line since
        (late,) = await started(world, "a")
        await begins(world, two)
        assert await waits(world, three)
        assert await waits(world, late)


async def test_who_is_ended_in_line_leaves_it(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await define(world, 1)
        one, two, three = await started(world, "a", 3)
        await world.call("DELETE", f"/workflow/{two}")
        assert (await world.workflow(two))["status"] == "TERMINATED"
        await end(world, one)
        await begins(world, three)
        assert (await world.workflow(two))["tasks"] == []


@pytest.mark.parametrize("how", ["terminated", "failed", "removed"])
async def test_however_one_ends_the_next_begins(tmp_path: Path, how: str) -> None:
    async with open_world(tmp_path) as world:
        await world.call("POST", "/metadata/taskdefs", [{"name": "work", "retryCount": 0}])
        await define(world, 1)
        one, two = await started(world, "a", 2)
        if how == "failed":
            await world.finish(await next_task(world), "FAILED")
        else:
            path = f"/workflow/{one}" + ("/remove" if how == "removed" else "")
            await world.call("DELETE", path)
        await begins(world, two)


async def test_one_that_runs_again_needs_a_place_again(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.call("POST", "/metadata/taskdefs", [{"name": "work", "retryCount": 0}])
        await define(world, 1)
        one, two, three = await started(world, "a", 3)
        await world.finish(await next_task(world), "FAILED")
        await begins(world, two)
        await world.call("POST", f"/workflow/{one}/retry")
        assert (await world.workflow(one))["rateLimited"]
        assert await world.poll("work") is not None  # of the second
        assert await world.poll("work") is None
        await end(world, two)
        await begins(world, three)
        await end(world, three)
        await world.until_shown(one, lambda shown: not shown["rateLimited"])
        assert (await next_task(world))["workflowInstanceId"] == one


async def test_one_that_is_paused_in_line_takes_its_place_and_goes_on_when_resumed(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path) as world:
        await define(world, 1)
        one, two = await started(world, "a", 2)
        await world.call("PUT", f"/workflow/{two}/pause")
        await end(world, one)
        await world.until_shown(two, lambda shown: not shown["rateLimited"])
        assert (await world.workflow(two))["tasks"] == []
        await world.call("PUT", f"/workflow/{two}/resume")
        await begins(world, two)


async def test_a_workflow_that_rejects_answers_429_until_one_has_ended(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await define(world, 1, policy="REJECT")
        (one,) = await started(world, "a")
        body = {"name": "flow", "input": {"key": "a"}}
        limited = (429, "workflow_limit_reached")
        assert await world.refused("POST", "/workflow", body) == limited
        (other,) = await started(world, "b")
        assert not await waits(world, other)
        await end(world, one)
        (two,) = await started(world, "a")
        assert not await waits(world, two)


async def test_a_start_that_was_lost_holds_its_place_no_longer_than_half_a_minute(
    tmp_path: Path,
) -> None:
    async with clocked_stores(tmp_path) as (log, documents, clock):
        faulty: Any = FaultyDocuments(documents)
        async with engine_on(log, faulty, clock) as world:
            await define(world, 1, policy="REJECT")
            faulty.fails = lambda method, name: (method, name) == ("insert", "executions")
            body = {"name": "flow", "input": {"key": "a"}}
            assert (await world.http.post("/api/workflow", json=body)).status_code == 503
            faulty.fails = lambda _method, _name: False
            assert (await world.http.post("/api/workflow", json=body)).status_code == 429
            clock.ms += 30_000
            (one,) = await started(world, "a")
            clock.ms += 30_000
            assert (await world.http.post("/api/workflow", json=body)).status_code == 429
            await end(world, one)


async def test_a_place_that_a_lost_start_holds_goes_to_who_waits(tmp_path: Path) -> None:
    async with clocked_stores(tmp_path) as (log, documents, clock):
        faulty: Any = FaultyDocuments(documents)
        async with engine_on(log, faulty, clock) as world:
            await define(world, 1)
            faulty.fails = lambda method, name: (method, name) == ("insert", "executions")
            body = {"name": "flow", "input": {"key": "a"}}
            assert (await world.http.post("/api/workflow", json=body)).status_code == 503
            faulty.fails = lambda _method, _name: False
            one, two = await started(world, "a", 2)
            assert await waits(world, one)
            clock.ms += 30_000
            look_again(world)
            await begins(world, one)
            assert await waits(world, two)


async def test_who_is_put_in_line_again_after_its_end_takes_no_place(tmp_path: Path) -> None:
    """A crash before its outbox was cleared emits the effect again."""
    async with clocked_world(tmp_path) as (world, clock):
        await define(world, 1)
        (one,) = await started(world, "a")
        head = await world.shell.store.head(one)
        assert head is not None
        assert head.rate_limit is not None
        await end(world, one)
        again = QueueRun(f"{one}:0:line", one, 0, head.rate_limit.id, "flow", 1, 1)
        lines = RunLines(LimitStore(world.documents), world.shell.due_limits, clock)
        await lines.queue([again])
        (two,) = await started(world, "a")
        await begins(world, two)


async def test_a_sub_workflow_waits_and_its_parent_with_it(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await define(world, 1)
        child = node(
            "SUB_WORKFLOW",
            "child",
            subWorkflowParam={"name": "flow"},
            inputParameters={"key": "a"},
        )
        await world.define("outer", child)
        (one,) = await started(world, "a")
        outer = await world.start("outer")

        def is_there(shown: dict[str, Any]) -> bool:
            return bool(shown["tasks"]) and bool(shown["tasks"][0].get("subWorkflowId"))

        shown = await world.until_shown(outer, is_there)
        inner = shown["tasks"][0]["subWorkflowId"]
        await world.until_status_or_absent(inner, "RUNNING")
        assert await waits(world, inner)
        await end(world, one)
        await begins(world, inner)
        await end(world, inner)
        await world.until_status(outer, "COMPLETED")


async def test_a_sub_workflow_that_is_rejected_fails_its_task(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await define(world, 1, policy="REJECT")
        await started(world, "a")
        parameters = {"subWorkflowParam": {"name": "flow"}, "inputParameters": {"key": "a"}}
        await world.define("outer", node("SUB_WORKFLOW", "child", **parameters))
        shown = await world.until_status(await world.start("outer"), "FAILED")
        assert "rateLimitKey 'a'" in shown["tasks"][-1]["reasonForIncompletion"]


async def test_two_engines_on_one_store_keep_one_limit(tmp_path: Path) -> None:
    async with (
        open_stores(tmp_path, SystemClock()) as (log, documents),
        engine_on(log, documents) as one,
        engine_on(log, documents) as other,
    ):
        await define(one, 3)
        starts = [started(world, "a") for world in (one, other) * 6]
        ids = [each for found in await asyncio.gather(*starts) for each in found]
        running: set[str] = set()
        for _ in ids:
            task = await next_task(other)
            running.add(task["workflowInstanceId"])
            shown = [await one.workflow(each) for each in ids]
            inside = [each for each in shown if each["status"] == "RUNNING" and each["tasks"]]
            assert len(inside) <= 3
            await one.finish(task)
        assert running == set(ids)


async def test_the_line_outlives_its_engine(tmp_path: Path) -> None:
    async with open_stores(tmp_path, SystemClock()) as (log, documents):
        faulty: Any = FaultyDocuments(documents)
        async with engine_on(log, faulty) as world:
            await define(world, 1)
            one, two, three = await started(world, "a", 3)
            (task,) = (await world.workflow(one))["tasks"]
            # The first has ended, and the engine goes before the next is admitted.
            faulty.fails = lambda method, name: (method, name) == ("delete", "limit_waiters")
            body = {"taskId": task["taskId"], "workflowInstanceId": one, "status": "COMPLETED"}
            assert (await world.http.post("/api/tasks", json=body)).status_code == 503
        async with engine_on(log, documents) as world:
            await begins(world, two)
            assert await waits(world, three)


async def test_an_admission_that_was_cut_off_is_made_good(tmp_path: Path) -> None:
    """It has its place, and may have begun: it begins once, and takes one place."""
    async with open_stores(tmp_path, SystemClock()) as (log, documents):
        faulty: Any = FaultyDocuments(documents)
        failures = 0

        def once(method: str, name: str) -> bool:
            nonlocal failures
            failures += (method, name) == ("delete", "limit_waiters")
            return (method, name) == ("delete", "limit_waiters") and failures == 2

        async with engine_on(log, faulty) as world:
            await define(world, 1)
            one, two, three = await started(world, "a", 3)
            faulty.fails = once  # the first delete is of the one that ends, the second of the next
            await end(world, one)
            await begins(world, two)
            await end(world, two)
            await begins(world, three)
            assert failures > 2
            await end(world, three)
            (four,) = await started(world, "a")
            assert not await waits(world, four)


async def test_who_has_a_place_and_was_not_told_so_is_told_again(tmp_path: Path) -> None:
    async with open_stores(tmp_path, SystemClock()) as (log, documents):
        faulty: Any = FaultyDocuments(documents)
        seen: list[tuple[str, str]] = []
        failed: list[str] = []

        def when_told(method: str, name: str) -> bool:
            seen.append((method, name))
            # The place of the one that ends is freed, and that of the next is taken.
            told = (method, name) == ("replace", "executions")
            if told and seen.count(("replace", "limits")) == 2 and not failed:
                failed.append(name)
                return True
            return False

        async with engine_on(log, faulty) as world:
            await define(world, 1)
            one, two, three = await started(world, "a", 3)
            faulty.fails = when_told
            await end(world, one)
            await begins(world, two)
            assert failed
            assert await waits(world, three)


async def test_a_raised_limit_lets_in_who_stands_in_line(tmp_path: Path) -> None:
    async with clocked_world(tmp_path) as (world, clock):
        await define(world, 1)
        one, two, three, four = await started(world, "a", 4)
        await define(world, 3)
        clock.ms += 5_000
        look_again(world)
        for each in (one, two, three):
            await begins(world, each)
        assert await waits(world, four)
        await world.define("flow", simple("work"))
        clock.ms += 5_000
        look_again(world)
        await begins(world, four)


async def test_time_in_line_does_not_count_for_the_timeout(tmp_path: Path) -> None:
    async with clocked_world(tmp_path) as (world, clock):
        await define(world, 1, timeoutSeconds=10, timeoutPolicy="TIME_OUT_WF")
        one, two = await started(world, "a", 2)
        clock.ms += 9_000
        await end(world, one)
        await begins(world, two)
        clock.ms += 9_000
        await world.call("PUT", f"/workflow/decide/{two}")
        assert not await waits(world, two)
        clock.ms += 1_000
        await world.call("PUT", f"/workflow/decide/{two}")
        assert (await world.workflow(two))["status"] == "TIMED_OUT"
