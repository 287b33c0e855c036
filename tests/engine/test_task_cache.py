"""Outputs that are used again: `cacheConfig` of a node (D11)."""

from pathlib import Path
from typing import Any

import pytest

from hookline_common.documents import Documents
from hookline_engine.core import effects as fx
from hookline_engine.core.decisions import CachedOutput, MissingLookups
from hookline_engine.core.effects import KeepOutput
from hookline_engine.core.model import FAR_FUTURE
from hookline_engine.task_outputs import TaskOutputs
from tests.engine.core_player import START, Player, definition, inline, node
from tests.engine.engine_world import World, open_world, simple
from tests.engine.rest_surface import open_stores

CACHED = {"key": "${n}-${workflow.input.who}", "ttlInSecond": 60}
INPUTS = {"n": "${workflow.input.n}"}


class Cache(dict[str, CachedOutput | None]):
    """Every key is known: to be absent unless it was kept."""

    def __contains__(self, _: object) -> bool:
        return True

    def __missing__(self, _: str) -> None:
        return None


def cached_node(ref: str = "a", **fields: Any) -> dict[str, Any]:
    return {**simple(ref), "inputParameters": INPUTS, "cacheConfig": CACHED, **fields}


def play(cache: Cache, now: int = START, **given: Any) -> Player:
    player = Player(definition(cached_node(), node("b")), cached=cache)
    player.now = now
    return player.start({"n": 1, "who": "me", **given})


def kept(player: Player, cache: Cache) -> None:
    for effect in player.sent(fx.KeepOutput):
        cache[effect.key] = CachedOutput(player.value(effect.output), effect.completed_at)


def test_an_output_completes_the_next_task_with_the_same_key_at_once() -> None:
    cache = Cache()
    first = play(cache)
    first.work("a", r=7)
    kept(first, cache)
    assert len(cache) == 1
    second = play(cache, now=START + 59_999)
    assert second.line("a").status == "COMPLETED"
    assert second.line("a").cached_output
    assert second.output("a") == {"r": 7}
    assert second.line("b").status == "SCHEDULED"
    assert [one.task_type for one in second.sent(fx.EnqueueTask)] == ["b"]
    assert not second.sent(fx.KeepOutput), "an output that was taken over is no younger for it"


@pytest.mark.parametrize("given", [{"n": 2}, {"who": "you"}])
def test_another_key_is_another_output(given: dict[str, Any]) -> None:
    cache = Cache()
    first = play(cache)
    first.work("a", r=7)
    kept(first, cache)
    assert play(cache, **given).line("a").status == "SCHEDULED"


def test_an_output_that_is_too_old_is_not_used() -> None:
    cache = Cache()
    first = play(cache)
    first.work("a", r=7)
    kept(first, cache)
    assert play(cache, now=START + 60_000).line("a").status == "SCHEDULED"


def test_a_failure_is_not_kept() -> None:
    player = play(Cache())
    player.work("a", "FAILED_WITH_TERMINAL_ERROR", r=7)
    assert not player.sent(fx.KeepOutput)


def test_another_task_name_is_another_output() -> None:
    keys = set[str]()
    for name in ("a", "z"):
        player = Player(definition(cached_node(name)), cached=Cache()).start({"n": 1, "who": "me"})
        player.work(name, r=7)
        keys |= {effect.key for effect in player.sent(fx.KeepOutput)}
    assert len(keys) == 2


def test_the_core_asks_for_what_it_needs_to_know() -> None:
    with pytest.raises(MissingLookups) as asked:
        Player(definition(cached_node())).start({"n": 1})
    assert len(asked.value.cached) == 1


@pytest.mark.parametrize(
    "config",
    [{"key": "", "ttlInSecond": 60}, {"key": "${n}", "ttlInSecond": 0},
     {"key": "${nothing.here}", "ttlInSecond": 60}],
)  # fmt: skip
def test_a_key_that_says_nothing_caches_nothing(config: dict[str, Any]) -> None:
    player = Player(definition(cached_node(cacheConfig=config))).start({"n": 1})
    player.work("a", r=1)
    assert not player.sent(fx.KeepOutput)


def test_what_only_steers_the_flow_is_never_taken_from_the_cache() -> None:
    wait = node("w", "WAIT", inputParameters={"duration": "1h"}, cacheConfig=CACHED)
    assert Player(definition(wait)).start({"n": 1}).line("w").status == "IN_PROGRESS"


def test_an_inline_task_is_cached_like_a_worker_s() -> None:
    cache = Cache()
    task = {**inline("i", "Math.random()", n=1), "cacheConfig": {"key": "${n}", "ttlInSecond": 60}}
    first = Player(definition(task), cached=cache).start()
    kept(first, cache)
    second = Player(definition(task), cached=cache)
    second.now += 5
    assert second.start().output("i") == first.output("i")


async def run(world: World, **given: Any) -> Any:
    workflow_id = await world.start("flow", {"n": 1, "who": "me", **given})
    return await world.workflow(workflow_id)


async def test_a_kept_output_outlives_restarts_and_ends_with_its_execution(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path) as world:
        await world.define("flow", cached_node())
        first = await run(world)
        await world.finish(await world.poll("a"), r=7, empty={})
        assert (await run(world, n=2))["status"] == "RUNNING"
        await world.finish(await world.poll("a"))
    async with open_world(tmp_path) as world:
        second = await run(world)
        assert second["status"] == "COMPLETED"
        (task,) = second["tasks"]
        assert task["outputData"] == {"r": 7, "empty": {}}
        assert task["cachedOutput"] is True
        assert task["pollCount"] == 0
        third = await run(world, n=2)
        assert (third["status"], third["tasks"][0]["outputData"]) == ("COMPLETED", {})
        await world.call("DELETE", f"/workflow/{first['workflowId']}/remove")
        shown = await world.workflow(second["workflowId"])
        assert shown["tasks"][0]["outputData"] == {"r": 7, "empty": {}}, "it has its own copy"
        assert (await run(world))["status"] == "RUNNING"


async def test_the_youngest_output_stays_in_whatever_order_they_are_kept(tmp_path: Path) -> None:
    async with open_stores(tmp_path) as (_, documents):
        outputs = TaskOutputs(documents)
        young, old = (KeepOutput("x", "k", "", at, FAR_FUTURE) for at in (9, 3))
        await outputs.keep([young, old])
        await outputs.keep([old])
        assert await completed_at(documents, "k") == 9
        await outputs.keep([KeepOutput("x", "k", "", 12, FAR_FUTURE)])
        assert await completed_at(documents, "k") == 12
        await outputs.keep([KeepOutput("x", "gone", "", 1, 2)])
        assert await completed_at(documents, "gone") is None, "it has expired"


async def completed_at(documents: Documents, key: str) -> int | None:
    found = (await TaskOutputs(documents).find([key]))[key]
    return found.completed_at if found else None
