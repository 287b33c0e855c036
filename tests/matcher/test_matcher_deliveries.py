"""One delivery counts once, and again only where it had no effect (protocols.md E)."""

from hookline_common.rawevents import Replay
from hookline_common.topics import DAY_MS
from hookline_common.webhooks import StartRule
from tests.matcher.world import MINUTE, T0, World, resumed, started

PAID = {"$.id": 7}


async def test_a_repeated_delivery_is_a_recorded_duplicate(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID), world.opened("b", PAID, ref="other"))
    await world.happens(world.event("e1", {"id": 7}, delivery="d"))
    await world.happens(world.opened("c", PAID))
    again = await world.happens(world.event("e2", {"id": 7}, delivery="d", at=T0 + 1))
    assert again == []
    record = await world.record("e2")
    assert (record.verdict, record.duplicate_of) == ("duplicate", "e1")
    assert (await world.document("e2")).fields.get("keys", ()) == ()


async def test_of_two_deliveries_in_one_batch_one_counts(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID))
    pair = [world.event(f"e{n}", {"id": 7}, delivery="d", at=T0 + n) for n in (1, 2)]
    assert resumed(await world.happens(*pair)) == [("e1", "a")]
    assert (await world.record("e2")).duplicate_of == "e1"


async def test_without_a_delivery_id_nothing_is_a_duplicate(world: World) -> None:
    await world.webhook()
    await world.happens(world.event("e1", {"id": 7}), world.event("e2", {"id": 7}))
    assert await world.verdict("e2") == "unmatched"
    assert await world.how_many_claims() == 0


async def test_the_window_goes_by_times_of_arrival(world: World) -> None:
    """Accident: a matcher that is hours behind takes two honest events for one."""
    await world.webhook(dedupe_seconds=60)
    rule_free = [
        world.event("e1", {"id": 7}, delivery="d", at=T0),
        world.event("e2", {"id": 7}, delivery="d", at=T0 + MINUTE + 1),
    ]
    await world.happens(world.opened("a", PAID), world.opened("b", PAID, workflow_id="wf-a"))
    await world.happens(rule_free[0])
    assert [event for event, _ in resumed(await world.happens(rule_free[1]))] == ["e2"]


async def test_redeliver_works_after_an_event_without_effect(world: World) -> None:
    """Accident: the workflow is mended, "redeliver" is pressed, and it is a duplicate (E1)."""
    await world.webhook()
    await world.happens(world.event("e1", {"id": 7}, delivery="d"))
    assert await world.verdict("e1") == "unmatched"
    await world.happens(world.opened("a", PAID, at=T0 + 5, started=T0 + 4))
    again = await world.happens(world.event("e2", {"id": 7}, delivery="d", at=T0 + 10))
    assert resumed(again) == [("e2", "a")]
    third = await world.happens(world.event("e3", {"id": 7}, delivery="d", at=T0 + 11))
    assert third == []
    assert (await world.record("e3")).duplicate_of == "e2"


async def test_a_duplicate_stays_one_when_its_message_comes_again(world: World) -> None:
    """Accident: a second copy is handled again after the first one has come to nothing; it takes
    the claim over, and the copy that could resume somebody is taken for its duplicate.
    """
    await world.webhook()
    await world.happens(world.opened("x", PAID))
    (command,) = await world.happens(world.event("e1", {"id": 7}, delivery="d", at=T0 + 1))
    second = world.event("e2", {"id": 7}, delivery="d", at=T0 + 2)
    await world.happens(second)
    await world.happens(world.refused(command))
    await world.happens(world.opened("a", PAID, at=T0 + 5, started=T0 + 4))
    third = world.event("e3", {"id": 7}, delivery="d", at=T0 + 10)

    commands = await world.happens(second, third, by=world.another())

    assert resumed(commands) == [("e3", "a")]
    assert (await world.record("e2")).duplicate_of == "e1"


async def test_the_last_of_several_copies_in_one_batch_takes_over(world: World) -> None:
    """Accident: a matcher is behind; the copy that was sent after the start of the execution comes
    to it beside the one that was sent before, which is of no use to anybody (E1, F3).
    """
    await world.webhook()
    await world.happens(world.opened("a", PAID, at=T0 + 5, started=T0 + 4))
    batch = [world.event(f"e{n}", {"id": 7}, delivery="d", at=T0 + n) for n in (1, 2, 10)]

    assert resumed(await world.happens(*batch)) == [("e10", "a")]
    assert (await world.record("e2")).duplicate_of == "e10"


async def test_a_delivery_that_took_over_is_not_taken_twice_by_one_task_reference(
    world: World,
) -> None:
    """Accident: a loop takes the kept first event, and then the same delivery once more."""
    await world.webhook()
    await world.happens(world.event("e1", {"id": 7}, delivery="d"))
    await world.happens(world.event("e2", {"id": 7}, delivery="d", at=T0 + 1))
    one = await world.happens(world.opened("a1", PAID, at=T0 + 2, workflow_id="wf"))
    assert resumed(one) == [("e1", "a1")]
    await world.happens(world.closed("a1", "wf"))
    two = await world.happens(world.opened("a2", PAID, at=T0 + 3, workflow_id="wf"))
    assert resumed(two) == []


async def test_a_claim_is_bound_to_the_incarnation(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID))
    await world.happens(world.event("e1", {"id": 7}, delivery="d"))
    await world.webhook(incarnation=2)
    await world.happens(world.opened("b", PAID, at=T0 + 1, started=T0 + 1))
    event = world.event("e2", {"id": 7}, delivery="d", incarnation=2, at=T0 + 2)
    assert resumed(await world.happens(event)) == [("e2", "b")]


async def test_a_claim_outlives_window_and_retention(world: World) -> None:
    """Accident: a rewind of 30 days finds the claims gone and starts everything again."""
    await world.webhook(retention_days=1, rules=[StartRule("ship")])
    await world.happens(world.event("e1", {"id": 7}, delivery="d"))
    world.clock.now += 30 * DAY_MS
    await world.happens(world.event("e2", {"id": 7}, delivery="d", at=T0 + 1000))
    assert await world.verdict("e2") == "duplicate"
    assert await world.verdict("e1") == "pending"


async def test_same_bytes_are_refused_only_where_asked_for(world: World) -> None:
    """Accident: a forged delivery id (it is not signed) makes an old event new (E2)."""
    await world.webhook("open", rules=[StartRule("ship")])
    await world.webhook("strict", rules=[StartRule("ship")], same_bytes="reject")
    for name in ("open", "strict"):
        for number in (1, 2):
            delivery = f"d{number}"
            event = world.event(f"{name}{number}", {"id": 7}, webhook=name, delivery=delivery)
            await world.happens(event)
    assert await world.verdict("open2") == "pending"
    assert await world.verdict("strict1") == "pending"
    record = await world.record("strict2")
    assert (record.verdict, record.duplicate_of, record.reason) == (
        "duplicate",
        "strict1",
        "same_bytes",
    )


# --- replays (E4) ---


def replay(world: World, new_id: str, of: str, *, restart: bool = False, at: int = 0) -> object:
    mark = Replay(replay_id=f"r-{new_id}", replay_of=of, restart=restart)
    return world.event(new_id, {"id": 7}, delivery="d", replay=mark, appended=at or T0 + MINUTE)


async def test_a_replay_is_an_event_of_its_own_and_no_duplicate(world: World) -> None:
    await world.webhook()
    await world.happens(world.event("e1", {"id": 7}, delivery="d"))
    started = T0 + MINUTE + 1
    await world.happens(world.opened("a", PAID, at=T0 + 2 * MINUTE, started=started))
    assert resumed(await world.happens(replay(world, "r1", "e1"))) == []  # type: ignore[arg-type]
    late = replay(world, "r2", "e1", at=T0 + 3 * MINUTE)
    assert resumed(await world.happens(late)) == [("r2", "a")]  # type: ignore[arg-type]
    first, second = await world.record("e1"), await world.record("r2")
    assert first.replays == ("r1", "r2")
    assert first.verdict == "unmatched"
    assert (second.replay_of, second.received_at, second.counts_from) == (
        "e1",
        T0,
        T0 + 3 * MINUTE,
    )


async def test_a_replay_resumes_a_task_reference_only_if_it_did_not_have_the_event(
    world: World,
) -> None:
    await world.webhook()
    await world.happens(world.opened("a1", PAID, workflow_id="wf"))
    await world.happens(world.event("e1", {"id": 7}, delivery="d"))
    await world.happens(world.closed("a1", "wf"))
    later = T0 + 5
    await world.happens(
        world.opened("a2", PAID, at=later, workflow_id="wf"),
        world.opened("b", PAID, at=later, started=later),
    )
    assert resumed(await world.happens(replay(world, "r1", "e1"))) == [("r1", "b")]  # type: ignore[arg-type]


async def test_a_replay_starts_again_only_when_asked_to(world: World) -> None:
    await world.webhook(rules=[StartRule("ship")])
    (first,) = started(await world.happens(world.event("e1", {"id": 7}, delivery="d")))
    (same,) = started(await world.happens(replay(world, "r1", "e1")))  # type: ignore[arg-type]
    (other,) = started(await world.happens(replay(world, "r2", "e1", restart=True)))  # type: ignore[arg-type]
    assert same.workflow_id == first.workflow_id
    assert same.effect_id != first.effect_id
    assert other.workflow_id != first.workflow_id


# --- rejected, handshake, paused (E3) ---


async def test_rejected_events_are_recorded_with_their_reason_and_do_nothing(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID))
    for verdict in ("rejected", "handshake", "paused"):
        assert await world.happens(world.event(verdict, {"id": 7}, verdict=verdict)) == []
        record = await world.record(verdict)
        assert (record.verdict, record.reason) == (verdict, "signature_mismatch")
        assert not record.verified
    assert await world.state("a") == ("open", None)
    late = await world.happens(world.opened("b", PAID, at=T0 + 1))
    assert late == []


async def test_rejected_after_verified_undoes_nothing_and_shows_both(world: World) -> None:
    """Accident: a rewind after the secret was changed turns history into rejections."""
    await world.webhook()
    await world.happens(world.opened("a", PAID))
    (command,) = await world.happens(world.event("e1", {"id": 7}))
    await world.happens(world.applied(command))
    rejected = world.event("e1", {"id": 7}, verdict="rejected")
    await world.happens(rejected)
    await world.happens(rejected)
    record = await world.record("e1")
    assert record.verdict == "resumed"
    assert [step.did for step in record.steps].count("rejected") == 1


async def test_verified_after_rejected_is_matched_and_shows_both(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID))
    await world.happens(world.event("e1", {"id": 7}, verdict="rejected"))
    assert await world.counts() == {"rejected": 1}
    (command,) = await world.happens(world.event("e1", {"id": 7}))
    await world.happens(world.applied(command))
    record = await world.record("e1")
    assert record.verdict == "resumed"
    assert [step.did for step in record.steps][:3] == ["received", "rejected", "verified"]
    assert await world.counts() == {"resumed": 1}


async def test_a_paused_event_can_be_delivered_again(world: World) -> None:
    await world.webhook()
    await world.happens(world.event("e1", {"id": 7}, verdict="paused", delivery="d"))
    await world.happens(world.opened("a", PAID))
    again = await world.happens(world.event("e2", {"id": 7}, delivery="d"))
    assert resumed(again) == [("e2", "a")]


async def test_a_webhook_deleted_before_matching_rejects_the_event(world: World) -> None:
    await world.webhook()
    await world.happens(world.opened("a", PAID))
    await world.delete_webhook()
    assert await world.happens(world.event("e1", {"id": 7})) == []
    record = await world.record("e1")
    assert (record.verdict, record.reason) == ("rejected", "webhook_deleted")


async def test_an_event_is_kept_as_long_as_its_webhook_says(world: World) -> None:
    await world.webhook(retention_days=60)
    await world.happens(world.event("e1", {"id": 7}))
    assert (await world.document("e1")).expires_at_ms == T0 + 60 * DAY_MS
