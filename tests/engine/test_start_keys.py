"""How long idempotency keys live, and what an execution that was removed leaves behind."""

from pathlib import Path
from typing import Any

from hookline_common.collections import IDEMPOTENCY_KEYS
from hookline_engine.start_keys import KEPT_MS
from tests.engine.engine_world import World, simple
from tests.engine.test_orphans import world_and_clock

KEYED = {"name": "flow", "idempotencyKey": "k", "idempotencyStrategy": "FAIL"}


async def start(world: World, strategy: str = "FAIL") -> Any:
    """The id, or the status and code of the refusal."""
    body = KEYED | {"idempotencyStrategy": strategy}
    answer = await world.http.post("/api/workflow", json=body)
    return answer.text if answer.status_code == 200 else answer.json()["code"]


async def test_a_key_lives_as_long_as_its_execution(tmp_path: Path) -> None:
    async with world_and_clock(tmp_path) as (world, clock):
        await world.define("flow", simple("work"))
        first = await start(world)
        clock.ms += 3 * KEPT_MS
        assert await world.shell.sweeps.once() == 0
        assert await start(world) == "idempotency_key_used"
        assert await start(world, "RETURN_EXISTING") == first
        await world.call("DELETE", f"/workflow/{first}/remove")
        clock.ms += KEPT_MS
        assert await world.shell.sweeps.once() >= 1
        assert await world.documents.count(IDEMPOTENCY_KEYS) == 0
        assert await start(world) not in (first, "idempotency_key_used")


async def test_the_key_of_an_execution_that_was_removed_is_used_for_thirty_days(
    tmp_path: Path,
) -> None:
    async with world_and_clock(tmp_path) as (world, clock):
        await world.define("flow", simple("work"))
        first = await start(world)
        await world.call("DELETE", f"/workflow/{first}/remove")
        clock.ms += KEPT_MS - 1
        await world.shell.sweeps.once()
        assert await start(world) == "idempotency_key_used"
        assert await start(world, "RETURN_EXISTING") == first
        assert (await world.http.get(f"/api/workflow/{first}")).status_code == 404
        clock.ms += 1
        await world.shell.sweeps.once()
        assert await start(world) not in (first, "idempotency_key_used")


async def test_a_key_that_serves_one_execution_at_a_time_is_free_once_that_was_removed(
    tmp_path: Path,
) -> None:
    async with world_and_clock(tmp_path) as (world, _):
        await world.define("flow", simple("work"))
        first = await start(world, "FAIL_ON_RUNNING")
        await world.call("DELETE", f"/workflow/{first}/remove")
        second = await start(world, "FAIL_ON_RUNNING")
        assert second not in (first, "idempotency_key_used")
        assert (await world.workflow(second))["status"] == "RUNNING"


async def test_a_key_whose_start_was_cut_off_goes_too(tmp_path: Path) -> None:
    """Nothing was started, and nobody came back with the key for thirty days."""
    async with world_and_clock(tmp_path) as (world, clock):
        await world.define("flow", simple("work"))
        first = await start(world)
        await world.shell.store.remove(first)
        clock.ms += KEPT_MS
        assert await world.shell.sweeps.once() >= 1
        assert await world.documents.count(IDEMPOTENCY_KEYS) == 0
