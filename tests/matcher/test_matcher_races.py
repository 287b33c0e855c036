"""An event and a wait that meet do meet, once, however their steps interleave (invariant 5)."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from hookline_common.collections import TAKES
from hookline_common.messages import Command
from hookline_matcher.takes import take_id
from tests.matcher.stepping import SteppingDocuments
from tests.matcher.world import SECOND, T0, World, resumed

TIMES = 500


@pytest.mark.parametrize("first", ["event", "wait"])
async def test_released_at_the_same_moment_they_meet_exactly_once(world: World, first: str) -> None:
    """Two matchers on one store, 500 times: the other's steps fall anywhere between one's own."""
    chance = random.Random(first)
    await world.webhook()
    await world.definition(("$.id",))
    one, other = _jittery(world, chance), _jittery(world, chance)
    for number in range(TIMES):
        event = world.event(f"e{number}", {"id": number}, at=T0 + 1)
        wait = world.opened(f"t{number}", {"$.id": number})
        pair = [world.happens(event, by=one), world.happens(wait, by=other)]
        if first == "wait":
            pair.reverse()
        found = await asyncio.gather(*pair)
        met = {meeting for commands in found for meeting in resumed(commands)}
        assert met == {(f"e{number}", f"t{number}")}
        assert len({c.effect_id for commands in found for c in commands}) == 1  # type: ignore[union-attr]
        assert await world.state(f"t{number}") == ("taken", f"e{number}")


def _jittery(world: World, chance: random.Random) -> object:
    steps = SteppingDocuments(world.store)

    async def dawdle(method: str, collection: str) -> None:
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)

    steps.before = steps.after = dawdle
    return world.matcher(steps)


async def _steps_of(world: World, act: Callable[[], Awaitable[object]]) -> int:
    world.steps.steps.clear()
    await act()
    return len(world.steps.steps)


@pytest.mark.parametrize("known", [True, False], ids=["known plan", "new plan"])
@pytest.mark.parametrize("interrupted", ["event", "wait"])
async def test_each_interleaving_of_event_and_wait_meets(
    world: World, interrupted: str, known: bool
) -> None:
    """The whole of one side happens between every two store calls of the other.

    Accidents: the event looks before the wait is written and the wait before the event (F2); a plan
    comes between the reading of plans and the writing of the event; both claim the meeting, the
    slower one lets the shared take go, and the next round of a loop gets the event again (F3).
    """
    await world.webhook(receivers={f"order{n}": 0 for n in range(60)})
    other = world.another()
    number = 0
    while True:
        value = {"$.id": number}
        event = world.event(f"e{number}", {"id": number}, at=T0 + 1)
        flow = "order0" if known else f"order{number}"
        wait = world.opened(f"t{number}", value, workflow=flow)
        main, side = (event, wait) if interrupted == "event" else (wait, event)
        late: list[Command] = []
        reached = _interrupt(
            world, number, lambda side=side, late=late: _into(world, late, side, other)
        )
        commands = await world.happens(main)
        world.steps.heal()
        if not reached() and number > 0:
            assert number > 3
            return
        if number == 0:
            late += await world.happens(side, by=other)
        met = set(resumed(commands)) | set(resumed(late))
        assert met == {(f"e{number}", f"t{number}")}, f"before call {number}"
        loop = world.opened(
            f"t{number}-again",
            value,
            at=T0 + 2,
            workflow_id=f"wf-t{number}",
            iteration=1,
            workflow=flow,
        )
        assert resumed(await world.happens(loop)) == [], f"the event came twice, call {number}"
        number += 1


async def _into(world: World, late: list[Command], message: object, by: object) -> None:
    late += await world.happens(message, by=by)  # type: ignore[arg-type]


def _interrupt(world: World, number: int, act: Callable[[], Awaitable[None]]) -> Callable[[], bool]:
    """Act right before the store call of that number; tells whether it came to it."""
    calls = 0

    async def look(method: str, collection: str) -> None:
        nonlocal calls
        calls += 1
        if calls == number:
            await act()

    world.steps.before = look
    return lambda: calls >= number


async def test_two_events_race_for_one_wait(world: World) -> None:
    """Accident: both complete the same task. The loser stays findable for the next wait."""
    await world.webhook()
    other = world.another()
    for number in range(40):
        await world.happens(world.opened(f"t{number}", {"$.id": number}, workflow_id="wf"))
        events = [world.event(f"{x}{number}", {"id": number}, at=T0 + 1) for x in "ab"]
        one, two = await asyncio.gather(
            world.happens(events[0]), world.happens(events[1], by=other)
        )
        assert len(resumed(one)) + len(resumed(two)) == 1
        loser = f"b{number}" if resumed(one) else f"a{number}"
        await world.happens(world.closed(f"t{number}", "wf"))
        late = await world.happens(
            world.opened(f"u{number}", {"$.id": number}, at=T0 + 2, workflow_id="wf")
        )
        assert resumed(late) == [(loser, f"u{number}")]


async def test_a_wait_that_is_lost_lets_the_take_go(world: World) -> None:
    """Accident: the take of a lost wait stays, and the next iteration never gets the event (F3)."""
    await world.webhook()
    await world.happens(world.opened("a1", {"$.id": 7}, workflow_id="wf"))
    rival = world.event("e2", {"id": 7}, at=T0 + 2)
    other = world.another()
    world.steps.once("replace", "waiters", lambda: world.happens(rival, by=other))
    assert resumed(await world.happens(world.event("e1", {"id": 7}, at=T0 + 1))) == []
    key = take_id("wf", "wait", "e1")
    assert (await world.store.get(TAKES, [key]))[key].body == b"{}"
    await world.happens(world.closed("a1", "wf"))
    late = await world.happens(world.opened("a2", {"$.id": 7}, at=T0 + 3, workflow_id="wf"))
    assert resumed(late) == [("e1", "a2")]


async def test_a_new_plan_finds_events_that_were_kept_without_its_key(world: World) -> None:
    """Accident: the workflow waits on a path that no plan had when the event came (F2)."""
    await world.webhook()
    await world.webhook("other", receivers={"invoice": 0})
    await world.happens(world.event("e1", {"id": 7, "sub": {"n": 1}}))
    await world.happens(world.event("x1", {"id": 7, "sub": {"n": 1}}, webhook="other"))
    world.clock.now += 60 * SECOND
    commands = await world.happens(world.opened("a", {"$.sub.n": 1}, at=T0 + 60 * SECOND))
    assert resumed(commands) == [("e1", "a")]


async def test_a_plan_that_comes_while_an_event_is_recorded_is_in_its_keys(world: World) -> None:
    """Accident: the record keeps the keys of before, and only the first minute's waits find it."""
    await world.webhook()
    await world.happens(world.opened("a", {"$.id": 7}))
    new = world.opened("b", {"$.sub": 1}, workflow_id="wf-other")
    other = world.another()
    world.steps.once("insert", "events", lambda: world.happens(new, by=other))
    commands = await world.happens(world.event("e1", {"id": 7, "sub": 2}, at=T0 + 1))
    assert resumed(commands) == [("e1", "a")]
    assert len((await world.document("e1")).fields["keys"]) == 2  # type: ignore[arg-type]


async def test_a_plan_whose_publishing_was_cut_short_is_published_again(world: World) -> None:
    """Accident: the plan is there, but no event was told; the wait trusts its keys."""
    await world.webhook()
    wait = world.opened("a", {"$.sub": 1}, at=T0 + 1)
    for number in (2, 3, 4, 5):
        world.steps.crash_at(number)
        with pytest.raises(Exception, match=r"plans|waiters"):
            await world.happens(wait)
        world.steps.heal()
    await world.happens(world.event("e1", {"sub": 1}))
    assert resumed(await world.happens(wait)) == [("e1", "a")]


async def test_two_deliveries_race_for_one_claim(world: World) -> None:
    await world.webhook()
    other = world.another()
    for number in range(40):
        await world.happens(
            world.opened(f"t{number}", {"$.id": number}),
            world.opened(f"u{number}", {"$.id": number}),
        )
        pair = [
            world.event(f"{x}{number}", {"id": number}, at=T0 + 1, delivery=f"d{number}")
            for x in "ab"
        ]
        found = await asyncio.gather(world.happens(pair[0]), world.happens(pair[1], by=other))
        assert sorted(len(resumed(commands)) for commands in found) == [0, 2]
        verdicts = {await world.verdict(f"{x}{number}") for x in "ab"}
        assert verdicts == {"pending", "duplicate"}
