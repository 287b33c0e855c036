"""Requests about replays: what is refused and how, the answers, and what a dry run says."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from hookline_common.collections import PLANS, TAKES, WAITERS
from hookline_common.documents import Document
from hookline_common.eventrecords import Waiter
from hookline_common.matching import Plan, canonical, plan_id, wait_key
from hookline_common.meetings import Take, take_id
from hookline_common.messages import Wait
from tests.engine.engine_world import World, engine_on, eventually, node
from tests.engine.recorded_events import History, raw
from tests.engine.rest_surface import HandMovedClock, open_stores

HOOK = {
    "id": "w1",
    "name": "gh",
    "sourcePlatform": "Custom",
    "headers": {"x-check": "a value that is hard to guess"},
    "receiverWorkflowNamesToVersions": {"order": 0},
}
GOOD = (("content-type", "application/json"), ("x-check", "a value that is hard to guess"))
T0 = 1_700_000_000_000


class Replaying(World):
    """An engine, the clock that it goes by, and the events of its history."""

    clock: HandMovedClock

    @property
    def history(self) -> History:
        return History(self.log, self.documents)

    async def stored(self, event_id: str, body: Any = None, **record: Any) -> None:
        await self.history.stored(raw(event_id, body, headers=GOOD), **record)

    async def foreseen(self, **asked: Any) -> Any:
        return await self.call("POST", "/replays", {**asked, "dryRun": True})

    async def waits(self, task_id: str, number: int, workflow_id: str = "wf1") -> Waiter:
        """An open wait, as the matcher keeps it."""
        wait = Wait(workflow="order", version=1, paths=("$.n",), values=(canonical(number),))
        waiter = Waiter(task_id, workflow_id, 0, "event", 0, T0, T0, wait)
        plan = Plan("order", 1, wait.paths)
        await self.documents.insert(
            PLANS, [Document(plan_id(plan), msgspec.json.encode(plan), {"workflow": "order"})]
        )
        fields = {"keys": (wait_key(wait),), "state": "open", "workflow": "order"}
        await self.documents.insert(
            WAITERS, [Document(task_id, msgspec.json.encode(waiter), fields)]
        )
        return waiter


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Replaying]:
    clock = HandMovedClock()
    async with (
        open_stores(tmp_path, clock) as (log, documents),
        engine_on(log, documents, clock) as opened,
    ):
        world = Replaying(opened.http, opened.engine, opened.parts)
        world.clock = clock
        yield world


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({}, 400, "missing_field", "/filter"),
        ({"filter": {}}, 400, "missing_field", "/filter"),
        ({"filter": {"verdicts": [], "text": ""}}, 400, "missing_field", "/filter"),
        ({"filter": ["e1"]}, 400, "wrong_type", "/filter"),
        ({"filter": {"verdict": "dead"}}, 400, "unknown_field", "/filter/verdict"),
        ({"filter": {"verdicts": ["bad"]}}, 400, "invalid_value", "/filter/verdicts"),
        ({"filter": {"verdicts": ["duplicate"]}}, 400, "not_replayable", "/filter/verdicts"),
        ({"filter": {"types": ["a", 1]}}, 400, "wrong_type", "/filter/types/1"),
        ({"filter": {"from": "yesterday"}}, 400, "invalid_value", "/filter/from"),
        ({"filter": {"to": True}}, 400, "wrong_type", "/filter/to"),
        ({"filter": {"ids": ["e1"], "text": "x"}}, 400, "invalid_value", "/filter/text"),
        ({"filter": {"ids": ["x"] * 1 + [f"x{n}" for n in range(1000)]}}, 400, "out_of_range",
         "/filter/ids"),
        ({"filter": {"text": "x"}, "perSecond": 0}, 400, "out_of_range", "/perSecond"),
        ({"filter": {"text": "x"}, "dryRun": True, "limit": 1001}, 400, "out_of_range", "/limit"),
        ({"filter": {"text": "x"}, "dryrun": True}, 400, "unknown_field", "/dryrun"),
        ({"filter": {"ids": ["e1", "none"]}}, 404, "event_not_found", "/filter/ids/1"),
        ({"filter": {"ids": ["gone"]}}, 410, "raw_expired", "/filter/ids/0"),
        ({"filter": {"ids": ["twin"]}}, 409, "not_replayable", "/filter/ids/0"),
    ],
)  # fmt: skip
async def test_a_bad_request_names_its_field_and_makes_no_job(
    world: Replaying, body: Any, status: int, code: str, field: str
) -> None:
    await world.stored("e1")
    await world.history.recorded(raw("gone"))
    await world.stored("twin", verdict="duplicate", duplicate_of="e1")
    answer = await world.http.post("/api/replays", json=body)
    found = answer.json()
    assert (answer.status_code, found["code"], found.get("field")) == (status, code, field), found
    assert (await world.call("GET", "/replays"))["replays"] == []


async def test_unknown_replays_are_404_and_cursors_are_checked(world: Replaying) -> None:
    for method, path in (("GET", ""), ("GET", "/events"), ("PUT", "/pause"), ("PUT", "/resume"),
                         ("PUT", "/stop")):  # fmt: skip
        found = await world.refused(method, f"/replays/none{path}")
        assert found == (404, "replay_not_found")
    assert await world.refused("GET", "/replays", cursor="x") == (400, "invalid_parameter")
    assert await world.refused("GET", "/replays", limit=0) == (400, "invalid_parameter")


async def test_replays_are_listed_newest_first_in_pages(world: Replaying) -> None:
    made: list[str] = []
    for number in range(3):
        world.clock.ms += 1
        answer = await world.http.post("/api/replays", json={"filter": {"text": f"none {number}"}})
        assert answer.status_code == 201
        assert answer.json()["state"] == "queued"
        made.append(answer.json()["id"])
    first = await world.call("GET", "/replays", limit=2)
    rest = await world.call("GET", "/replays", limit=2, cursor=first["nextCursor"])
    listed = [job["id"] for job in first["replays"] + rest["replays"]]
    assert listed == made[::-1]

    async def done() -> bool:
        return (await world.call("GET", f"/replays/{made[0]}"))["state"] == "done"

    await eventually(done)


# --- dry runs ---


async def test_of_two_events_the_first_gets_the_one_wait(world: Replaying) -> None:
    await world.call("POST", "/metadata/webhook", HOOK)
    await world.stored("e1", {"n": 7})
    await world.stored("e2", {"n": 7})
    await world.waits("t1", 7)
    seen = await world.foreseen(filter={"webhookId": "w1"})
    assert [event["wouldBe"] for event in seen["events"]] == ["resumed", "unmatched"]
    assert (seen["resumes"], seen["events"][1]["reason"]) == (1, "no_wait")
    (effect,) = seen["events"][0]["effects"]
    assert (effect["workflowId"], effect["taskId"], effect["taskRef"]) == ("wf1", "t1", "event")
    assert seen["notForeseen"]


async def test_an_execution_that_had_the_event_does_not_get_it_again(world: Replaying) -> None:
    await world.call("POST", "/metadata/webhook", HOOK)
    await world.stored("e1", {"n": 7}, verdict="resumed")
    waiter = await world.waits("t2", 7)
    taken = msgspec.json.encode(replace(waiter, task_id="t1", taken_by="e1"))
    await world.documents.insert(WAITERS, [Document("t1", taken, {"state": "taken"})])
    take = msgspec.json.encode(Take("e1", "t1"))
    await world.documents.insert(TAKES, [Document(take_id("wf1", "event", "e1"), take)])
    seen = await world.foreseen(filter={"ids": ["e1"]})
    assert seen["events"][0]["wouldBe"] == "unmatched"
    await world.waits("t3", 7, "wf2")
    seen = await world.foreseen(filter={"ids": ["e1"]})
    assert [one["taskId"] for one in seen["events"][0]["effects"]] == ["t3"]


async def test_starts_are_foreseen_with_their_keys(world: Replaying) -> None:
    rule = {"workflow": "ship", "idempotencyKey": "${workflow.input.n}"}
    await world.call(
        "POST", "/metadata/webhook", {**HOOK, "startRules": [rule], "workflowsToStart": None}
    )
    await world.define("ship", node("SET_VARIABLE", "note", inputParameters={"a": 1}))
    await world.stored("e1", {"n": 7})
    await world.stored("e2", {"n": 7})
    await world.stored("e3", {})
    seen = await world.foreseen(filter={"webhookId": "w1"})
    codes = [event["effects"][0].get("code") for event in seen["events"]]
    assert codes == [None, "idempotency_key_used", "idempotency_key_empty"]
    assert (seen["starts"], seen["alreadyStarted"]) == (1, 1)
    assert seen["verdicts"] == {"started": 1, "failed": 2}
    started = seen["events"][0]["effects"][0]["workflowId"]
    assert seen["events"][1]["effects"][0]["workflowId"] == started


async def test_what_cannot_be_judged_is_said(world: Replaying) -> None:
    await world.call("POST", "/metadata/webhook", HOOK)
    await world.history.recorded(raw("gone"))
    await world.history.stored(raw("forged", headers=(("x-check", "no"),)))
    await world.history.stored(raw("orphan", webhook_id="deleted"))
    await world.history.stored(replace(raw("odd", headers=GOOD), body=b'{"a":1,"a":2}'))
    seen = await world.foreseen(filter={"verdicts": ["rejected"]})
    told = {event["id"]: (event["wouldBe"], event["reason"]) for event in seen["events"]}
    assert told == {
        "gone": ("expired", "raw_expired"),
        "forged": ("rejected", "header_mismatch"),
        "orphan": ("rejected", "webhook_deleted"),
        "odd": ("unmatched", "payload_unreadable"),
    }
    few = await world.call(
        "POST", "/replays", {"filter": {"verdicts": ["rejected"]}, "dryRun": True, "limit": 2}
    )
    assert (few["selected"], few["examined"]) == (4, 2)
