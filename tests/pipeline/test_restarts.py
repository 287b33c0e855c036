"""A system that is stopped with events in flight and started again loses and doubles nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from hookline_cli.up import SERVICES
from hookline_common.running import Build
from tests.pipeline.backends import BACKENDS, settings_on
from tests.pipeline.running_system import CHECK, System, running_system, task, wait_task
from tests.waiting import until

EVENTS = 120
STOP_AFTER = 30

BY_ORDER = {"$.order": "${workflow.input.order}"}


def _settings(folder: Path) -> Mapping[str, str]:
    return {"HOOKLINE_DATA": str(folder)}


class _Sender:
    """Sends events until each was answered 2xx, as platforms do; some of them once more."""

    def __init__(self, orders: Sequence[str]) -> None:
        self.accepted: list[str] = []
        self._waiting = list(orders)

    async def send(self, url: str) -> None:
        """Send what has not been accepted, until the gateway cannot be reached."""
        async with httpx.AsyncClient(trust_env=False) as client:
            while self._waiting and await self._accepted(client, url, self._waiting[0]):
                self.accepted.append(self._waiting.pop(0))

    async def _accepted(self, client: httpx.AsyncClient, url: str, order: str) -> bool:
        body = {"order": order, "id": f"d-{order}"}
        try:
            answer = await client.post(url, json=body, headers=CHECK)
        except httpx.HTTPError:
            return False
        assert answer.status_code in (200, 503)
        return answer.status_code == 200

    def lose_track_of(self, orders: Sequence[str]) -> None:
        """The answer was lost on its way: the sender tries again."""
        self._waiting += orders


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_stop_in_the_middle_loses_and_doubles_nothing(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    environ = settings_on(backend, tmp_path, request, "own_kafka")
    orders = [f"o{number}" for number in range(EVENTS)]
    sender = _Sender(orders)
    async with running_system(backend, environ) as system:
        kind = "restart_work"
        waiting = await system.define(wait_task("event", BY_ORDER), name="waiting")
        note = task("note", "SET_VARIABLE", {"seen": True})
        started = await system.define(note, task("work", "SIMPLE") | {"name": kind}, name="started")
        hook = await system.webhook(
            receiverWorkflowNamesToVersions={waiting: 1},
            workflowsToStart={started: 1},
            options={"deliveryId": "$.id"},
        )
        executions = {order: await system.start(waiting, {"order": order}) for order in orders}
        timed = await system.start(
            await system.define(task("pause", "WAIT", {"duration": "2s"}), name="timed")
        )
        sending = asyncio.create_task(sender.send(hook["url"]))
        await until(lambda: len(sender.accepted) >= STOP_AFTER)
    await sending
    before = len(sender.accepted)
    assert STOP_AFTER <= before < EVENTS
    async with running_system(backend, environ) as system:
        hook = await system.get(f"/metadata/webhook/{hook['id']}")
        sender.lose_track_of(orders[:10])
        await sender.send(hook["url"])
        for order, workflow_id in executions.items():
            found = await system.ended(workflow_id)
            assert found["tasks"][0]["outputData"]["order"] == order
        done = await _work_off(system, kind)
        assert sorted(done) == sorted(orders)
        assert len(await system.executions_of(started)) == EVENTS
        await system.ended(timed)
        verdicts = await _verdicts(system, hook["id"])
        # Beside those sent again there may be one whose answer the stop cut off.
        duplicates = verdicts.pop("duplicate")
        assert verdicts == {"resumed_and_started": EVENTS}
        assert duplicates in (10, 11)
        assert await system.problems() == []


async def _work_off(system: System, kind: str) -> list[str]:
    """Complete every task of the started workflows; the orders they were about."""
    orders: list[str] = []
    while len(orders) < EVENTS:
        polled = await system.poll(kind)
        found = await system.execution(polled["workflowInstanceId"])
        orders.append(found["input"]["order"])
        await system.update(polled, "COMPLETED")
    for one in await system.executions_of("started"):
        await system.ended(one["workflowId"])
    return orders


async def _verdicts(system: System, webhook_id: str) -> dict[str, int]:
    query = {"webhookId": webhook_id, "limit": 1000}
    counted: dict[str, int] = {}
    for event in (await system.get("/webhook-events", params=query))["events"]:
        verdict = (await system.event(event["id"]))["verdict"]
        counted[verdict] = counted.get(verdict, 0) + 1
    return counted


def _without(name: str) -> Sequence[Build]:
    return tuple(build for build in SERVICES if build.__module__ != f"hookline_{name}.service")


@pytest.mark.parametrize("missing", ["verifier", "matcher"])
async def test_what_was_accepted_while_a_service_was_down_takes_effect_when_it_is_back(
    tmp_path: Path, missing: str
) -> None:
    """The sender is answered 200 all the same: accepted means durable."""
    async with running_system("embedded", _settings(tmp_path), _without(missing)) as system:
        flow, hook = await system.pair(wait_task("event", BY_ORDER))
        waiting = [await system.start(flow, {"order": str(number)}) for number in range(5)]
        sent = [await system.send(hook, {"order": str(number)}) for number in range(5)]
    async with running_system("embedded", _settings(tmp_path)) as system:
        for workflow_id, one in zip(waiting, sent, strict=True):
            await system.ended(workflow_id)
            assert (await system.event(one.event_id))["verdict"] == "resumed"


async def test_retries_and_timers_that_fell_due_while_it_was_down_go_on(tmp_path: Path) -> None:
    async with running_system("embedded", _settings(tmp_path)) as system:
        rules = {"retryCount": 1, "retryDelaySeconds": 1, "responseTimeoutSeconds": 60}
        await system.post("/metadata/taskdefs", [{"name": "late_work", **rules}])
        work = task("work", "SIMPLE") | {"name": "late_work"}
        retried = await system.start(await system.define(work))
        await system.update(await system.poll("late_work"), "FAILED")
        flow, _ = await system.pair(wait_task("event", BY_ORDER, timeout="1s"))
        timed_out = await system.start(flow, {"order": "1"})
    async with running_system("embedded", _settings(tmp_path)) as system:
        await system.update(await system.poll("late_work"), "COMPLETED")
        await system.ended(retried)
        line: Any = (await system.ended(timed_out))["tasks"][0]
        assert line["outputData"] == {"timedOut": True}
