"""Where the id of a delivery is not signed, `options.sameBytes` knows a repeated body (E2)."""

import pytest

from tests.pipeline.platform_senders import GITHUB, KEY, Request
from tests.pipeline.running_system import Sent, System, task

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _sent_again(system: System, same_bytes: str) -> tuple[list[str], int]:
    """The verdicts on a body that came twice under different ids, and how much it started."""
    started = await system.define(task("note", "SET_VARIABLE", {"a": 1}))
    hook = await system.webhook(
        sourcePlatform="GitHub",
        secretValue=KEY,
        workflowsToStart={started: 1},
        options={"sameBytes": same_bytes},
    )
    first = GITHUB.request("o1", KEY)
    second = Request(first.body, {**first.headers, "x-github-delivery": "another"})
    verdicts = [await _verdict(system, await _send(system, hook, one)) for one in (first, second)]
    return verdicts, len(await system.executions_of(started))


async def _send(system: System, hook: dict[str, str], request: Request) -> Sent:
    return await system.send(hook, request.body, request.headers)


async def _verdict(system: System, sent: Sent) -> str:
    record = await system.event(sent.event_id)
    if record["verdict"] != "duplicate":
        return record["verdict"]
    return f"duplicate: {record.get('reason')}"


async def test_a_body_that_came_before_has_no_effect_where_that_is_asked_for(
    system: System,
) -> None:
    """Whoever has seen a signed body could otherwise send it again under an id of his own."""
    verdicts, started = await _sent_again(system, "reject")
    assert (verdicts, started) == (["started", "duplicate: same_bytes"], 1)


async def test_two_honest_events_may_be_equal(system: System) -> None:
    verdicts, started = await _sent_again(system, "accept")
    assert (verdicts, started) == (["started", "started"], 2)
