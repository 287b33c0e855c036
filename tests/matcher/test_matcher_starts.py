"""Start rules: conditions, keys and strategies (webhooks.md section 6)."""

from hookline_common.webhooks import StartRule
from tests.matcher.world import T0, World, resumed, started

PAID = {"$.id": 7}


async def test_an_event_starts_each_workflow_whose_condition_holds(world: World) -> None:
    rules = [
        StartRule("ship", version=3, when={"$.kind": "paid"}),
        StartRule("refund", when={"$.kind": "returned"}),
        StartRule("count"),
    ]
    await world.webhook(receivers={}, rules=rules)
    commands = started(await world.happens(world.event("e1", {"kind": "paid"}, delivery="d1")))
    assert [(command.name, command.version) for command in commands] == [("ship", 3), ("count", 0)]
    ship = commands[0]
    assert ship.correlation_id == "d1"
    assert (ship.event.webhook_name, ship.event.event_id) == ("hook", "e1")
    assert bytes(ship.payload or b"") == b'{"kind":"paid"}'
    assert not ship.key_given
    await world.happens(*(world.applied(command) for command in commands))
    record = await world.record("e1")
    assert record.verdict == "started"
    assert [effect.workflow_id for effect in record.effects] == [c.workflow_id for c in commands]
    assert (await world.document("e1")).fields["workflows"] == tuple(
        command.workflow_id for command in commands
    )


async def test_resumes_are_issued_first_and_both_are_counted(world: World) -> None:
    await world.webhook(rules=[StartRule("ship")])
    await world.happens(world.opened("a", PAID))
    commands = await world.happens(world.event("e1", {"id": 7}))
    assert resumed(commands[:1]) == [("e1", "a")]
    assert len(started(commands[1:])) == 1
    await world.happens(world.applied(commands[0]))
    assert await world.verdict("e1") == "pending"
    await world.happens(world.applied(commands[1]))
    assert await world.verdict("e1") == "resumed_and_started"


async def test_no_rule_and_no_wait_is_unmatched(world: World) -> None:
    await world.webhook(receivers={}, rules=[StartRule("ship", when={"$.kind": "paid"})])
    assert await world.happens(world.event("e1", {"kind": "other"})) == []
    assert (await world.record("e1")).reason == "no_wait"


async def test_the_key_is_the_delivery_and_the_rule(world: World) -> None:
    """Accident: the same delivery starts the workflow twice."""
    rules = [StartRule("ship"), StartRule("ship", when={"$.id": 7})]
    await world.webhook(rules=rules)
    first = started(await world.happens(world.event("e1", {"id": 7}, delivery="d")))
    assert len({command.workflow_id for command in first}) == 2
    refusals = [world.refused(command, "no_such_version") for command in first]
    await world.happens(*refusals)
    assert await world.verdict("e1") == "failed"
    again = started(await world.happens(world.event("e2", {"id": 7}, delivery="d", at=T0 + 1)))
    assert [c.workflow_id for c in again] == [c.workflow_id for c in first]
    other = started(await world.happens(world.event("e3", {"id": 7}, delivery="d3")))
    assert not {c.workflow_id for c in other} & {c.workflow_id for c in first}


async def test_an_edited_condition_does_not_start_again(world: World) -> None:
    await world.webhook(rules=[StartRule("ship", when={"$.id": 7})])
    event = world.event("e1", {"id": 7})
    (first,) = started(await world.happens(event))
    await world.webhook(
        rules=[StartRule("ship", when={"$.id": {"operator": "exists"}})], revision=2
    )
    (again,) = started(await world.happens(event))
    assert again == first


async def test_a_given_key_reads_payload_and_event(world: World) -> None:
    key = "${workflow.input.order}-${event.deliveryId}-${event.headers.x-kind}-${event.query.q}"
    await world.webhook(rules=[StartRule("ship", idempotency_key=key)])
    event = world.event("e1", {"order": 12}, delivery="d", headers=(("x-kind", "k"),), query="q=1")
    (command,) = started(await world.happens(event))
    assert (command.key, command.key_given) == ("12-d-k-1", True)


async def test_one_given_key_is_one_workflow_whatever_webhook_it_came_from(world: World) -> None:
    rule = StartRule("ship", idempotency_key="${workflow.input.order}")
    await world.webhook("one", rules=[rule])
    await world.webhook("two", rules=[rule])
    commands = started(
        await world.happens(
            world.event("e1", {"order": 12}, webhook="one"),
            world.event("e2", {"order": "12"}, webhook="two"),
        )
    )
    assert len({command.workflow_id for command in commands}) == 1
    assert len({command.effect_id for command in commands}) == 2


async def test_a_key_that_may_be_used_again_gives_each_start_its_own_id(world: World) -> None:
    rule = StartRule("ship", idempotency_key="k", idempotency_strategy="FAIL_ON_RUNNING")
    await world.webhook(rules=[rule])
    event = world.event("e1", {"id": 1})
    (first,) = started(await world.happens(event))
    (second,) = started(await world.happens(world.event("e2", {"id": 2})))
    (again,) = started(await world.happens(event))
    assert first.workflow_id != second.workflow_id
    assert again.workflow_id == first.workflow_id
    assert first.strategy == "FAIL_ON_RUNNING"


async def test_a_key_that_resolves_to_nothing_is_recorded(world: World) -> None:
    rules = [StartRule("ship", idempotency_key="${workflow.input.order}"), StartRule("count")]
    await world.webhook(rules=rules)
    (command,) = started(await world.happens(world.event("e1", {"other": 1})))
    assert command.name == "count"
    await world.happens(world.applied(command))
    record = await world.record("e1")
    assert record.verdict == "started"
    assert [(effect.status, effect.code) for effect in record.effects] == [
        ("failed", "idempotency_key_empty"),
        ("applied", None),
    ]


async def test_only_a_failed_start_makes_the_event_failed_at_once(world: World) -> None:
    await world.webhook(rules=[StartRule("ship", idempotency_key="${workflow.input.order}")])
    assert await world.happens(world.event("e1", {"other": 1})) == []
    record = await world.record("e1")
    assert (record.verdict, record.reason) == ("failed", "idempotency_key_empty")
