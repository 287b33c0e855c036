"""Whatever is sent to the gateway: a verdict that says what is wrong, and the next one works."""

from typing import Any

import pytest

from tests.pipeline.bad_bodies import DEEP, DEEPER
from tests.pipeline.platform_senders import GITHUB, SLACK, STANDARD, STRIPE, TEAMS, PlatformSender
from tests.pipeline.running_system import CHECK, System, task, wait_task

pytestmark = pytest.mark.asyncio(loop_scope="session")

SAME_PARTITION = {"orderingKey": "header:x-order"}
IN_ORDER = {"x-order": "1", **CHECK}
JSON_TYPE = {"content-type": "application/json"}
UNREADABLE = {
    "a key twice": b'{"n": 1, "n": 2}',
    "NaN": b'{"n": NaN}',
    "infinity": b'{"n": -Infinity}',
    "a huge number": b'{"n": ' + b"9" * 400 + b"}",
    "a huge exponent": b'{"n": 1e400}',
    "lone surrogate": b'{"n": "\\ud800"}',
    "too deep": DEEP,
    "far too deep": DEEPER,
}
TEXTS = {
    "cut off": b'{"n": ',
    "invalid UTF-8": b'{"n": "\xff"}',
    "zero byte": b"\x00",
    "a mark and nothing": b"\xef\xbb\xbf",
}


async def _still_works(system: System, hook: dict[str, Any], waiting: str) -> None:
    """A good event, on the same partition as what came before, takes effect."""
    sent = await system.send(hook, {"n": "good"}, IN_ORDER)
    await system.resumed(sent)
    await system.ended(waiting)


@pytest.mark.parametrize("name", UNREADABLE)
async def test_a_payload_that_cannot_be_kept_whole_is_recorded_as_unreadable(
    system: System, name: str
) -> None:
    flow, hook = await system.pair(wait_task("event", {"$.n": "good"}), options=SAME_PARTITION)
    waiting = await system.start(flow)
    sent = await system.send(hook, UNREADABLE[name], IN_ORDER | JSON_TYPE)
    record = await system.event(sent.event_id)
    assert (record["verdict"], record["reason"]) == ("unmatched", "payload_unreadable")
    assert record["detail"]
    raw = await system.http.get(f"/webhook-events/{sent.event_id}/raw")
    assert raw.content == UNREADABLE[name]
    await _still_works(system, hook, waiting)


@pytest.mark.parametrize("name", TEXTS)
async def test_a_body_that_is_no_json_is_text(system: System, name: str) -> None:
    flow, hook = await system.pair(wait_task("event", {"$.n": "good"}), options=SAME_PARTITION)
    waiting = await system.start(flow)
    sent = await system.send(hook, TEXTS[name], IN_ORDER | JSON_TYPE)
    assert await system.verdict(sent) == "unmatched"
    await _still_works(system, hook, waiting)


@pytest.mark.parametrize(
    "sender", [GITHUB, STRIPE, STANDARD, TEAMS, SLACK], ids=lambda one: one.name
)
async def test_bad_signatures_of_every_kind_are_verdicts(
    system: System, sender: PlatformSender
) -> None:
    """Missing, empty, malformed, repeated, not ASCII; and bodies that are no JSON."""
    flow = await system.define(task("note", "SET_VARIABLE", {"a": 1}))
    hook = await system.webhook(**sender.fields, workflowsToStart={flow: 1}, urlVerified=True)
    good = sender.request("1")
    name = next(
        header for header in good.headers if "signature" in header or header == "authorization"
    )
    without = {header: value for header, value in good.headers.items() if header != name}
    signature = good.headers[name]
    for headers in (
        list(without.items()),
        [*without.items(), (name, "")],
        [*without.items(), (name, "=,=,v1=,sha256=")],
        [*without.items(), (name, signature), (name, "other")],
        [*without.items(), (name.encode(), "grüße".encode())],
        [*without.items(), (name, signature[:-2])],
        [*without.items(), (name, "x" * 10_000)],
    ):
        answer = await system.gateway.post(hook["url"], content=good.body, headers=headers)
        assert answer.status_code in (200, 401), answer.text
        record = await system.event(answer.headers["hookline-event-id"])
        assert (record["verdict"], record["verified"]) == ("rejected", False)
        assert record["reason"]
    for body in (b"", b"\xff", b"[", DEEPER):
        answer = await system.gateway.post(hook["url"], content=body, headers=good.headers)
        assert answer.status_code in (200, 401), answer.text
        assert (await system.event(answer.headers["hookline-event-id"]))["verdict"] == "rejected"
    assert await system.executions_of(flow) == []
    assert await system.verdict(await system.send(hook, *good)) == "started"


async def test_a_header_check_is_not_met_by_a_header_that_came_twice(system: System) -> None:
    flow, hook = await system.pair(wait_task("event", {}), options=SAME_PARTITION)
    waiting = await system.start(flow)
    twice = [*IN_ORDER.items(), ("X-Check", CHECK["x-check"])]
    record = await system.event((await system.send(hook, {}, twice)).event_id)
    assert (record["verdict"], record["reason"]) == ("rejected", "header_repeated")
    missing = await system.event((await system.send(hook, {}, {"x-order": "1"})).event_id)
    assert (missing["verdict"], missing["reason"]) == ("rejected", "header_missing")
    await _still_works(system, hook, waiting)


async def test_an_event_with_too_many_values_for_one_wait_is_unmatched(system: System) -> None:
    matches = {"$.a[*]": 1, "$.b[*]": 1}
    flow, hook = await system.pair(wait_task("event", matches), options=SAME_PARTITION)
    waiting = await system.start(flow)
    numbers = list(range(20))
    sent = await system.send(hook, {"a": numbers, "b": numbers}, IN_ORDER)
    record = await system.event(sent.event_id)
    assert (record["verdict"], record["reason"]) == ("unmatched", "too_many_values")
    sent = await system.send(hook, {"a": [1], "b": [1]}, IN_ORDER)
    await system.resumed(sent)
    await system.ended(waiting)
