"""Events meet waits: who gets which event (protocols.md F1 to F3, webhooks.md section 5)."""

import pytest

from hookline_common.messages import CompleteTask
from tests.matcher.world import MINUTE, SECOND, T0, World, resumed

PAID = {"$.id": 7}


async def test_an_event_resumes_the_wait_with_its_value_and_no_other(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID), world.opened("b", {"$.id": 8}))
    commands = await world.happens(world.event("e1", {"id": 7, "note": "x"}, at=T0 + 5))
    assert resumed(commands) == [("e1", "a")]
    command = commands[0]
    assert isinstance(command, CompleteTask)
    assert bytes(command.payload or b"") == b'{"id":7,"note":"x"}'
    assert command.envelope is None
    assert await world.verdict("e1") == "pending"
    await world.happens(world.applied(command))
    assert await world.verdict("e1") == "resumed"
    assert (await world.record("e1")).effects[0].workflow_name == "order"
    assert await world.state("a") == ("taken", "e1")
    assert await world.state("b") == ("open", None)


async def test_values_are_compared_in_canonical_form(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", {"$.id": "7"}), world.opened("b", {"$.id": 7.0}))
    commands = await world.happens(world.event("e1", {"id": 7}))
    assert sorted(resumed(commands)) == [("e1", "a"), ("e1", "b")]


async def test_every_wait_on_a_key_is_resumed_however_many(world: World) -> None:
    await world.webhook()
    tasks = [f"task-{number:04}" for number in range(1100)]
    await world.happens(*(world.opened(task, PAID) for task in tasks))
    commands = await world.happens(world.event("e1", {"id": 7}))
    assert sorted(task for _, task in resumed(commands)) == tasks
    assert len((await world.record("e1")).effects) == 1100


async def test_one_wait_takes_one_event_the_oldest(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID))
    younger, older = (world.event(f"e{at}", {"id": 7}, at=T0 + at) for at in (20, 10))
    commands = await world.happens(younger, older)
    assert resumed(commands) == [("e10", "a")]
    assert await world.verdict("e20") == "unmatched"
    assert (await world.record("e20")).reason == "no_wait"


async def test_an_early_event_waits_for_the_wait(world: World) -> None:
    """Accident: the platform answers faster than the workflow gets to its wait."""
    await world.webhook()
    await world.happens(world.event("e1", {"id": 7}))
    assert await world.verdict("e1") == "unmatched"
    assert (await world.record("e1")).kept_until == T0 + 600 * SECOND
    commands = await world.happens(world.opened("a", PAID, at=T0 + MINUTE))
    assert resumed(commands) == [("e1", "a")]
    await world.happens(world.applied(commands[0]))
    assert await world.verdict("e1") == "resumed"


async def test_an_early_event_is_found_under_a_plan_that_was_known(world: World) -> None:
    await world.webhook()
    await world.definition(("$.id",))
    await world.happens(world.event("e1", {"id": 7}))
    assert len((await world.document("e1")).fields["keys"]) == 1
    world.clock.now += MINUTE
    commands = await world.happens(world.opened("a", PAID, at=T0 + MINUTE))
    assert resumed(commands) == [("e1", "a")]


async def test_the_oldest_kept_event_goes_first(world: World) -> None:
    await world.webhook()
    for at in (30, 10, 20):
        await world.happens(world.event(f"e{at}", {"id": 7}, at=T0 + at))
    first = await world.happens(world.opened("a", PAID, at=T0 + 100))
    second = await world.happens(
        world.opened("b", PAID, at=T0 + 100, workflow_id="wf-a", ref="two")
    )
    assert resumed(first) == [("e10", "a")]
    assert resumed(second) == [("e10", "b")]


@pytest.mark.parametrize(
    ("wait", "taken"),
    [
        ({"at": T0 + 600 * SECOND}, True),
        ({"at": T0 + 600 * SECOND + 1}, False),
        ({"at": T0 + 10, "started": T0}, True),
        ({"at": T0 + 10, "started": T0 + 1}, False),
        ({"at": T0 + 10, "started": T0 + 5000, "lookback_seconds": 5}, True),
        ({"at": T0 + 10, "started": T0 + 5001, "lookback_seconds": 5}, False),
        ({"at": T0 + 10, "early_events": False}, False),
        ({"at": T0, "early_events": False}, True),
        ({"at": T0 - 10, "timeout_at": T0}, True),
        ({"at": T0 - 10, "timeout_at": T0 - 1}, False),
        ({"at": T0, "webhooks": ("hook",)}, True),
        ({"at": T0, "webhooks": ("other",)}, False),
        ({"at": T0, "clauses": {"$.n": {"operator": "greaterThan", "value": 2}}}, True),
        ({"at": T0, "clauses": {"$.n": {"operator": "greaterThan", "value": 3}}}, False),
        ({"at": T0, "clauses": {"header:X-Kind": {"operator": "exists"}}}, True),
        ({"at": T0, "clauses": {"query:q": {"operator": "startsWith", "value": "y"}}}, True),
    ],
)
@pytest.mark.parametrize("first", ["event", "wait"])
async def test_the_rules_of_time_and_name_hold_whichever_comes_first(
    world: World, wait: dict[str, object], taken: bool, first: str
) -> None:
    """Accident: a slow matcher sees the wait first, or last, and decides differently."""
    await world.webhook()
    event = world.event("e1", {"id": 7, "n": 3}, headers=(("x-kind", "k"),), query="q=yes")
    opened = world.opened("a", PAID, **wait)  # type: ignore[arg-type]
    pair = (event, opened) if first == "event" else (opened, event)
    commands = await world.happens(pair[0]) + await world.happens(pair[1])
    assert bool(resumed(commands)) is taken


async def test_an_event_after_the_timeout_says_so(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID, timeout_at=T0 + 5))
    await world.happens(world.event("e1", {"id": 7}, at=T0 + 6))
    record = await world.record("e1")
    assert (record.verdict, record.reason) == ("unmatched", "wait_timed_out")


async def test_an_in_time_event_refused_for_the_timeout_is_unmatched(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID, timeout_at=T0 + 5))
    commands = await world.happens(world.event("e1", {"id": 7}, at=T0 + 4))
    await world.happens(world.refused(commands[0], "wait_timed_out"))
    record = await world.record("e1")
    assert (record.verdict, record.reason) == ("unmatched", "wait_timed_out")


async def test_early_events_of_a_webhook_may_be_kept_longer(world: World) -> None:
    await world.webhook(early_event_seconds=3600)
    await world.happens(world.event("e1", {"id": 7}))
    commands = await world.happens(world.opened("a", PAID, at=T0 + 50 * MINUTE))
    assert resumed(commands) == [("e1", "a")]


async def test_a_loop_gets_what_came_in_between_and_no_event_twice(world: World) -> None:
    """Accident: the second iteration takes the event of the first again, or misses the next."""
    await world.webhook()
    await world.happens(world.opened("a1", PAID, workflow_id="wf", iteration=1))
    one = await world.happens(world.event("e1", {"id": 7}, at=T0 + 1))
    two = await world.happens(world.event("e2", {"id": 7}, at=T0 + 2))
    assert (resumed(one), resumed(two)) == ([("e1", "a1")], [])
    await world.happens(world.closed("a1", "wf"))
    three = await world.happens(world.opened("a2", PAID, at=T0 + 3, workflow_id="wf", iteration=2))
    assert resumed(three) == [("e2", "a2")]
    await world.happens(world.closed("a2", "wf"))
    four = await world.happens(world.opened("a3", PAID, at=T0 + 4, workflow_id="wf", iteration=3))
    assert resumed(four) == []


async def test_a_workflow_started_afterwards_is_not_resumed_by_the_past(world: World) -> None:
    await world.webhook()
    await world.happens(world.event("e1", {"id": 7}, at=T0))
    commands = await world.happens(world.opened("a", PAID, at=T0 + 2, started=T0 + 1))
    assert resumed(commands) == []


async def test_a_wait_that_closed_before_it_opened_opens_nothing(world: World) -> None:
    """Accident: a repeated WaitOpened after WaitClosed resumes a task that is over (F1)."""
    await world.webhook()
    await world.happens(world.closed("a"))
    await world.happens(world.opened("a", PAID))
    assert await world.happens(world.event("e1", {"id": 7})) == []
    assert (await world.state("a"))[0] == "closed"


async def test_a_repeated_wait_opened_does_not_open_a_taken_wait_again(world: World) -> None:
    await world.webhook()
    opened = world.opened("a", PAID)
    await world.happens(opened)
    first = await world.happens(world.event("e1", {"id": 7}))
    again = await world.happens(opened)
    assert resumed(again) == resumed(first) == [("e1", "a")]
    assert again == first, "the same effect id, so that the engine completes the task once"
    await world.happens(world.applied(first[0]))
    assert await world.happens(opened) == []
    assert await world.happens(world.event("e2", {"id": 7}, at=T0 + 1)) == []


async def test_a_plan_of_many_values_is_refused_by_name(world: World) -> None:
    await world.webhook()
    await world.definition(("$.a[*]", "$.b[*]"))
    many = list(range(20))
    await world.happens(world.event("e1", {"a": many, "b": many}))
    record = await world.record("e1")
    assert (record.verdict, record.reason) == ("unmatched", "too_many_values")


async def test_an_unreadable_payload_is_unmatched_and_kept(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a"), world.event("e1", raw=b'{"a":1,"a":2}'))
    record = await world.record("e1")
    assert (record.verdict, record.reason) == ("unmatched", "payload_unreadable")
    assert "twice" in (record.detail or "")


async def test_empty_matches_take_any_event_of_a_webhook_that_names_the_workflow(
    world: World,
) -> None:
    await world.webhook()
    await world.webhook("other", receivers={"invoice": 0})
    await world.happens(world.opened("a"))
    assert await world.happens(world.event("e1", {"id": 1}, webhook="other")) == []
    assert resumed(await world.happens(world.event("e2", {"id": 1}))) == [("e2", "a")]


async def test_a_receiver_version_selects_its_waits_only(world: World) -> None:
    await world.webhook(receivers={"order": 2})
    await world.happens(world.opened("a", PAID))
    assert await world.happens(world.event("e1", {"id": 7})) == []
    await world.webhook(receivers={"order": 1}, revision=2)
    assert resumed(await world.happens(world.event("e2", {"id": 7}))) == [("e2", "a")]


async def test_the_envelope_is_there_when_asked_for_and_without_secrets(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID, include_event=True))
    secret = (("x-hub-signature", "sha1=abc"), ("cookie", "c"), ("x-kind", "push"))
    event = world.event("e1", {"id": 7}, headers=secret, query="q=1", delivery="d1")
    (command,) = await world.happens(event)
    assert isinstance(command, CompleteTask)
    shown = bytes(command.envelope or b"")
    assert b'"eventId":"e1"' in shown
    assert b'"deliveryId":"d1"' in shown
    assert b'"x-kind":"push"' in shown
    assert b"sha1" not in shown
    assert b"cookie" not in shown
    headers = dict((await world.record("e1")).headers)
    assert headers["x-hub-signature"] == headers["cookie"] == "***"


async def test_a_large_payload_is_left_in_the_record(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID))
    (command,) = await world.happens(world.event("e1", {"id": 7, "x": "y" * 65_536}))
    assert isinstance(command, CompleteTask)
    assert command.payload is None
    assert len(bytes((await world.record("e1")).payload or b"")) > 65_536
