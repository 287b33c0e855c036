"""Messages that could not be processed: catalogued, taken back, and then they take effect."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hookline_common.ids import random_id
from tests.pipeline.backends import BACKENDS, settings_on
from tests.pipeline.refusing import Refusals, refusing
from tests.pipeline.running_system import System, eventually, running_system, task, wait_task

BY_ORDER = {"$.order": "${workflow.input.order}"}


class Ward:
    """A system in which messages can be made to fail, and what the API says of them."""

    def __init__(self, system: System, refusals: Refusals) -> None:
        self.system = system
        self.refusals = refusals

    async def letters(self, count: int, **query: Any) -> list[dict[str, Any]]:
        """The dead letters, the newest first, once there are so many."""

        async def look() -> list[dict[str, Any]] | None:
            found = (await self.system.get("/dead-letters", params=query))["deadLetters"]
            return found if len(found) == count else None

        return await eventually(look, f"{count} dead letters with {query}")

    async def redrive(self, **body: Any) -> dict[str, Any]:
        return await self.system.post("/dead-letters/redrive", body)


@pytest.fixture(params=BACKENDS)
async def ward(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ward]:
    refusals = Refusals()
    environ = settings_on(request.param, tmp_path, request, "own_kafka")
    async with running_system(request.param, environ, refusing(refusals)) as system:
        yield Ward(system, refusals)


@pytest.mark.parametrize(
    "topic", ["webhooks.received", "webhooks.verified", "workflow.commands", "webhooks.outcomes"]
)
async def test_a_message_that_is_taken_back_takes_effect(ward: Ward, topic: str) -> None:
    system, order = ward.system, random_id()
    flow, hook = await system.pair(wait_task("event", BY_ORDER))
    workflow = await system.start(flow, {"order": order})
    mark = workflow if topic == "webhooks.outcomes" else order
    ward.refusals.begin(topic, mark)
    sent = await system.send(hook, {"order": order})
    (letter,) = await ward.letters(1, eventId=sent.event_id)
    assert (letter["topic"], letter["state"], letter["reason"]) == (topic, "waiting", "poison")
    if topic != "webhooks.outcomes":
        assert (await system.event(sent.event_id, "dead"))["reason"] == "dead_lettered"
    shown = await system.get(f"/dead-letters/{letter['id']}")
    assert mark in str(shown["value"])
    ward.refusals.end(topic, mark)
    done = await ward.redrive(ids=[letter["id"]])
    assert (done["redriven"], done["remaining"], done["skipped"]) == (1, 0, [])
    event = await system.event(sent.event_id, "resumed")
    assert [effect["workflowId"] for effect in event["effects"]] == [workflow]
    await system.ended(workflow)
    (again,) = await ward.letters(1, eventId=sent.event_id)
    assert again["state"] == "redriven"


async def test_taking_back_twice_starts_once(ward: Ward) -> None:
    system, order = ward.system, random_id()
    flow = await system.define(task("note", "SET_VARIABLE", {"seen": True}))
    hook = await system.webhook(workflowsToStart={flow: 1})
    ward.refusals.begin("workflow.commands", order)
    sent = await system.send(hook, {"order": order})
    (letter,) = await ward.letters(1, eventId=sent.event_id)
    ward.refusals.end("workflow.commands", order)
    chosen = {"eventId": [sent.event_id]}
    assert (await ward.redrive(filter=chosen, dryRun=True))["matched"] == 1
    assert (await ward.redrive(filter=chosen))["redriven"] == 1
    assert (await ward.redrive(filter=chosen))["redriven"] == 0
    named = await ward.redrive(ids=[letter["id"], "nothing"])
    assert named["skipped"] == [
        {"id": letter["id"], "reason": "redriven"},
        {"id": "nothing", "reason": "not_found"},
    ]
    await system.event(sent.event_id, "started")
    assert len(await system.executions_of(flow)) == 1


async def test_what_fails_again_is_a_new_dead_letter(ward: Ward) -> None:
    system, order = ward.system, random_id()
    _, hook = await system.pair(wait_task("event", BY_ORDER))
    ward.refusals.begin("webhooks.received", order)
    sent = await system.send(hook, {"order": order})
    (first,) = await ward.letters(1, eventId=sent.event_id)
    await ward.redrive(ids=[first["id"]])
    second, _ = await ward.letters(2, eventId=sent.event_id)
    assert second["redriveOf"] == first["id"]
    assert (second["state"], second["attempts"]) == ("waiting", 1)
    assert (second["partition"], second["offset"]) != (first["partition"], first["offset"])
    dropped = await system.call("DELETE", "/dead-letters", json={"ids": [second["id"]]})
    assert (dropped["dropped"], dropped["remaining"]) == (1, 0)
    ward.refusals.end("webhooks.received", order)
    assert (await ward.redrive(ids=[second["id"]]))["redriven"] == 0
    assert (await system.event(sent.event_id))["verdict"] == "dead"
