"""Outcomes, verdicts and counters (protocols.md F5, webhooks.md section 7)."""

from tests.matcher.world import T0, World, resumed

PAID = {"$.id": 7}


async def test_a_refused_resume_releases_the_event_to_the_next_wait(world: World) -> None:
    """Accident: the task had just timed out, and the event is lost although another waits (F5)."""
    await world.webhook()
    await world.happens(world.opened("a1", PAID, workflow_id="wf"))
    (command,) = await world.happens(world.event("e1", {"id": 7}, at=T0 + 1))
    await world.happens(world.opened("a2", PAID, at=T0 + 2, workflow_id="wf"))
    assert await world.state("a2") == ("open", None)
    (next_one,) = await world.happens(world.refused(command))
    assert resumed([next_one]) == [("e1", "a2")]
    assert (await world.state("a1"))[0] == "closed"
    assert await world.verdict("e1") == "pending"
    await world.happens(world.applied(next_one))
    record = await world.record("e1")
    assert record.verdict == "resumed"
    assert [effect.status for effect in record.effects] == ["refused", "applied"]


async def test_a_released_event_goes_to_a_wait_that_opens_later(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a1", PAID, workflow_id="wf"))
    (command,) = await world.happens(world.event("e1", {"id": 7}, at=T0 + 1))
    assert await world.happens(world.refused(command)) == []
    assert await world.verdict("e1") == "failed"
    (next_one,) = await world.happens(world.opened("a2", PAID, at=T0 + 2, workflow_id="wf"))
    assert resumed([next_one]) == [("e1", "a2")]
    await world.happens(world.applied(next_one))
    assert await world.verdict("e1") == "resumed"


async def test_a_repeated_refusal_gives_the_event_to_nobody_else(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a1", PAID, workflow_id="wf"))
    (command,) = await world.happens(world.event("e1", {"id": 7}, at=T0 + 1))
    await world.happens(world.opened("a2", PAID, at=T0 + 2, workflow_id="wf"))
    refusal = world.refused(command)
    first = await world.happens(refusal)
    again = await world.happens(refusal)
    assert resumed(again) == resumed(first) == [("e1", "a2")]
    assert again == first
    assert len((await world.record("e1")).effects) == 2


async def test_all_refused_is_failed_with_the_first_reason(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID))
    (command,) = await world.happens(world.event("e1", {"id": 7}))
    await world.happens(world.refused(command, "execution_ended"))
    record = await world.record("e1")
    assert (record.verdict, record.reason) == ("failed", "execution_ended")
    assert record.effects[0].error == "it could not be done"


async def test_what_was_applied_stays_applied(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID))
    (command,) = await world.happens(world.event("e1", {"id": 7}))
    await world.happens(world.applied(command), world.refused(command))
    assert await world.verdict("e1") == "resumed"


async def test_an_event_dead_before_it_was_recorded_has_a_verdict(world: World) -> None:
    await world.webhook()
    await world.happens(world.dead("e1"))
    record = await world.record("e1")
    assert (record.verdict, record.reason, record.webhook_name) == ("dead", "dead_lettered", "hook")
    assert await world.counts() == {"dead": 1}
    await world.happens(world.opened("a", PAID))
    assert resumed(await world.happens(world.event("e1", {"id": 7}))) == [("e1", "a")]


async def test_a_dead_lettered_command_ends_what_was_pending(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID))
    (command,) = await world.happens(world.event("e1", {"id": 7}))
    await world.happens(world.dead("e1", "workflow.commands"))
    assert await world.verdict("e1") == "dead"
    await world.happens(world.applied(command))
    assert await world.verdict("e1") == "resumed"


async def test_an_outcome_of_an_unknown_event_is_harmless(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID))
    (command,) = await world.happens(world.event("e1", {"id": 7}))
    await world.store.delete(_events(), ["e1"])
    assert await world.happens(world.applied(command)) == []


async def test_counters_follow_the_verdict_forward(world: World) -> None:
    await world.webhook()
    await world.happens(
        world.event("e1", {"id": 7}, delivery="d"),
        world.event("e2", {"id": 8}),
        world.event("e3", {"id": 8}, verdict="rejected"),
    )
    assert await world.counts() == {"unmatched": 2, "rejected": 1}
    (command,) = await world.happens(world.opened("a", PAID))
    assert await world.counts() == {"unmatched": 2, "rejected": 1}
    await world.happens(world.applied(command))
    assert await world.counts() == {"unmatched": 1, "resumed": 1, "rejected": 1}
    await world.happens(world.applied(command))
    assert await world.counts() == {"unmatched": 1, "resumed": 1, "rejected": 1}


async def test_a_late_wait_does_not_take_a_verdict_back(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID))
    (one,) = await world.happens(world.event("e1", {"id": 7}))
    await world.happens(world.applied(one))
    (two,) = await world.happens(world.opened("b", PAID, at=T0 + 1))
    assert await world.verdict("e1") == "resumed"
    await world.happens(world.refused(two))
    assert await world.verdict("e1") == "resumed"


async def test_the_story_of_an_event_is_in_its_steps(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID))
    (command,) = await world.happens(world.event("e1", {"id": 7}))
    await world.happens(world.applied(command))
    record = await world.record("e1")
    assert [(step.service, step.did) for step in record.steps] == [
        ("ingest", "received"),
        ("verifier", "verified"),
        ("matcher", "matched"),
        ("engine", "resume applied"),
    ]
    assert record.position == ("webhooks.received", 0, 7)
    assert record.matched_at
    assert record.done_at


def _events() -> object:
    from hookline_common.collections import WEBHOOK_EVENTS

    return WEBHOOK_EVENTS
