"""Events whose message was put aside and taken back: the verdict `dead` moves on, and stays so."""

from tests.matcher.world import MINUTE, T0, World, resumed

PAID = {"$.id": 7}


async def test_a_dead_event_that_is_taken_back_resumes(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID))
    await world.happens(world.dead("e1"))
    (command,) = await world.happens(world.event("e1", {"id": 7}))
    assert resumed([command]) == [("e1", "a")]
    await world.happens(world.applied(command))
    record = await world.record("e1")
    assert (record.verdict, record.reason, record.detail) == ("resumed", None, None)
    assert "dead-lettered" in [step.did for step in record.steps]


async def test_a_dead_event_that_is_taken_back_and_meets_nobody_is_unmatched(world: World) -> None:
    await world.webhook()
    await world.happens(world.dead("e1"))
    await world.happens(world.event("e1", {"id": 7}))
    assert await world.verdict("e1") == "unmatched"


async def test_a_dead_event_whose_delivery_another_took_meanwhile_is_its_duplicate(
    world: World,
) -> None:
    """Accident: it stays dead for ever, and a redrive that worked looks as if it had not."""
    await world.webhook()
    await world.happens(world.opened("a", PAID))
    await world.happens(world.dead("e1"))
    (command,) = await world.happens(world.event("e2", {"id": 7}, delivery="d"))
    await world.happens(world.applied(command))
    assert await world.happens(world.event("e1", {"id": 7}, delivery="d")) == []
    record = await world.record("e1")
    assert (record.verdict, record.duplicate_of) == ("duplicate", "e2")


async def test_a_dead_event_of_a_webhook_that_is_gone_is_rejected(world: World) -> None:
    await world.webhook()
    await world.happens(world.dead("e1"))
    await world.delete_webhook()
    await world.happens(world.event("e1", {"id": 7}))
    record = await world.record("e1")
    assert (record.verdict, record.reason) == ("rejected", "webhook_deleted")


async def test_a_command_that_is_taken_back_and_refused_has_failed(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID))
    (command,) = await world.happens(world.event("e1", {"id": 7}))
    await world.happens(world.dead("e1", "workflow.commands"))
    await world.happens(world.refused(command))
    record = await world.record("e1")
    assert (record.verdict, record.reason) == ("failed", "task_terminal")


async def test_an_event_is_dead_while_one_of_its_commands_is(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID), world.opened("b", PAID))
    first, second = await world.happens(world.event("e1", {"id": 7}))
    await world.happens(world.dead("e1", "workflow.commands"))
    await world.happens(world.refused(first))
    # A command that died itself and one that was pending beside it cannot be told apart.
    assert await world.verdict("e1") == "dead"
    await world.happens(world.applied(second))
    assert await world.verdict("e1") == "resumed"


async def test_hearing_again_that_an_event_was_dead_changes_nothing(world: World) -> None:
    """Accident: the matcher's group is rewound, and what was taken back since is dead again."""
    await world.webhook()
    dead = world.dead("e1")
    await world.happens(dead)
    await world.happens(world.event("e1", {"id": 7}))
    await world.happens(dead)
    assert await world.verdict("e1") == "unmatched"


async def test_an_event_can_die_once_more_after_it_was_taken_back(world: World) -> None:
    await world.webhook()
    await world.happens(world.dead("e1"))
    await world.happens(world.event("e1", {"id": 7}))
    world.clock.now += 1
    await world.happens(world.dead("e1"))
    record = await world.record("e1")
    assert record.verdict == "dead"
    assert [step.did for step in record.steps].count("dead-lettered") == 2


async def test_counters_leave_the_minute_in_which_the_event_was_counted(world: World) -> None:
    """Accident: the count of a minute goes below zero, for the event came in an earlier one."""
    await world.webhook()
    world.clock.now = T0 + 5 * MINUTE
    await world.happens(world.dead("e1"))
    assert await world.counts(at=world.clock.now) == {"dead": 1}
    await world.happens(world.event("e1", {"id": 7}, at=T0))
    assert await world.counts(at=world.clock.now) == {}
    assert await world.counts(at=T0) == {"unmatched": 1}
