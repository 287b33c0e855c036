"""A crash before or after any store call, then redelivery: the same result (invariant 3, F4)."""

from collections.abc import Callable, Sequence

import pytest

from hookline_common.eventlog import Delivered
from hookline_common.messages import Command
from hookline_common.webhooks import StartRule
from tests.matcher.stepping import Crash
from tests.matcher.world import T0, World, resumed, started

MOST_CALLS = 40


class Story:
    """What happened before, and the batch in which the crash comes; `n` keeps stories apart."""

    def __init__(self, world: World, n: str) -> None:
        self.world = world
        self.n = n
        self.value = {"$.id": n}

    def event(self, name: str, at: int = T0, **more: object) -> Delivered:
        return self.world.event(f"{name}{self.n}", {"id": self.n}, at=at, **more)  # type: ignore[arg-type]

    def opened(self, name: str, at: int = T0, **more: object) -> Delivered:
        flow = f"wf{self.n}"
        return self.world.opened(
            f"{name}{self.n}",
            self.value,
            at=at,
            workflow_id=flow,
            **more,  # type: ignore[arg-type]
        )

    def closed(self, name: str) -> Delivered:
        return self.world.closed(f"{name}{self.n}", f"wf{self.n}")

    async def event_meets_wait(self) -> Sequence[Delivered]:
        await self.world.happens(self.opened("t"))
        return [self.event("e", at=T0 + 1, delivery=f"d{self.n}")]

    async def wait_meets_kept_event(self) -> Sequence[Delivered]:
        await self.world.happens(self.event("e"))
        return [self.opened("t", at=T0 + 1)]

    async def both_in_one_batch(self) -> Sequence[Delivered]:
        return [self.opened("t"), self.event("e", at=T0 + 1), self.event("f", at=T0 + 2)]

    async def wait_of_a_loop(self) -> Sequence[Delivered]:
        await self.world.happens(self.opened("s"))
        await self.world.happens(self.event("e", at=T0 + 1))
        await self.world.happens(self.event("f", at=T0 + 2), self.event("g", at=T0 + 3))
        return [self.closed("s"), self.opened("t", at=T0 + 4)]

    async def refused_and_offered_again(self) -> Sequence[Delivered]:
        await self.world.happens(self.opened("s"))
        commands = await self.world.happens(self.event("e", at=T0 + 1))
        await self.world.happens(self.opened("t", at=T0 + 2))
        return [self.world.refused(command) for command in commands if resumed([command])]

    async def delivery_taken_over(self) -> Sequence[Delivered]:
        await self.world.happens(self.event("e", verdict="paused", delivery=f"d{self.n}"))
        await self.world.happens(self.opened("t"))
        return [self.event("f", at=T0 + 1, delivery=f"d{self.n}")]

    async def verified_after_rejected(self) -> Sequence[Delivered]:
        await self.world.happens(self.event("e", verdict="rejected"))
        await self.world.happens(self.opened("t"))
        return [self.event("e", at=T0)]

    async def new_plan(self) -> Sequence[Delivered]:
        await self.world.happens(self.world.event(f"e{self.n}", {f"x{self.n}": 1}, at=T0))
        return [
            self.world.opened(
                f"t{self.n}", {f"$.x{self.n}": 1}, at=T0 + 1, workflow_id=f"wf{self.n}"
            )
        ]

    async def outcome_comes_in(self) -> Sequence[Delivered]:
        await self.world.happens(self.opened("t"))
        commands = await self.world.happens(self.event("e", at=T0 + 1))
        return [self.world.applied(command) for command in commands]


async def _ending(world: World, n: str, commands: Sequence[Command]) -> list[object]:
    """Apply what was commanded; then all that a crash must not change."""
    unique = {command.effect_id: command for command in commands}  # type: ignore[union-attr]
    await world.happens(
        *(world.applied(command) for command in unique.values()), by=world.another()
    )
    found: list[object] = []
    for name in "efg":
        try:
            record = await world.record(name + n)
        except KeyError:
            continue
        effects = [(e.kind, e.status, (e.task_id or "").removesuffix(n)) for e in record.effects]
        found.append((name, record.verdict, record.reason, sorted(effects)))
    for task in "st":
        try:
            state, by = await world.state(task + n)
        except KeyError:
            continue
        found.append((task, state, (by or "").removesuffix(n)))
    return found


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "prepare",
    [
        Story.event_meets_wait,
        Story.wait_meets_kept_event,
        Story.both_in_one_batch,
        Story.wait_of_a_loop,
        Story.refused_and_offered_again,
        Story.delivery_taken_over,
        Story.verified_after_rejected,
        Story.new_plan,
        Story.outcome_comes_in,
    ],
    ids=lambda prepare: prepare.__name__,
)
async def test_a_crash_at_any_call_changes_nothing(
    world: World, prepare: Callable[[Story], object], after: bool
) -> None:
    await world.webhook(rules=[StartRule("ship", when={"$.id": {"operator": "exists"}})])
    story = Story(world, "-plain")
    commands = await world.happens(*await prepare(story))  # type: ignore[misc]
    expected = await _ending(world, "-plain", commands)
    wanted = (len(resumed(commands)), len(started(commands)))
    for number in range(1, MOST_CALLS):
        n = f"-{number}"
        batch = await prepare(Story(world, n))  # type: ignore[misc]
        world.steps.crash_at(number, after=after)
        try:
            commands = await world.happens(*batch)
        except Crash:
            world.steps.heal()
            commands = await world.happens(*batch, by=world.another())
        else:
            world.steps.heal()
            assert number > 3
            return
        assert (len(resumed(commands)), len(started(commands))) == wanted, f"call {number}"
        assert await _ending(world, n, commands) == expected, f"call {number}"
    pytest.fail("the batch takes more calls than were tried")


@pytest.mark.parametrize(
    "prepare",
    [Story.event_meets_wait, Story.both_in_one_batch, Story.wait_of_a_loop, Story.outcome_comes_in],
    ids=lambda prepare: prepare.__name__,
)
async def test_a_batch_delivered_again_changes_nothing(
    world: World, prepare: Callable[[Story], object]
) -> None:
    await world.webhook(rules=[StartRule("ship")])
    batch = await prepare(Story(world, "-1"))  # type: ignore[misc]
    first = await world.happens(*batch)
    again = await world.happens(*batch, by=world.another())
    assert {c.effect_id for c in again} == {c.effect_id for c in first}  # type: ignore[union-attr]
    assert len(again) == len(first)
    ending = await _ending(world, "-1", first)
    await world.happens(*batch, by=world.another())
    assert await _ending(world, "-1", []) == ending


async def test_a_crash_between_take_and_wait_leaves_no_event_unobtainable(world: World) -> None:
    """Accident: the wait goes to another event; the take that was left keeps the first for ever."""
    await world.webhook()
    await world.happens(world.opened("a1", {"$.id": 7}, workflow_id="wf"))
    event = world.event("e1", {"id": 7}, at=T0 + 1)

    async def crash(method: str, collection: str) -> None:
        if (method, collection) == ("replace", "waiters"):
            raise Crash

    world.steps.before = crash
    with pytest.raises(Crash):
        await world.happens(event)
    world.steps.heal()
    other = world.another()
    assert resumed(await world.happens(world.event("e2", {"id": 7}, at=T0 + 2), by=other))
    await world.happens(world.closed("a1", "wf"), by=other)
    late = await world.happens(
        world.opened("a2", {"$.id": 7}, at=T0 + 3, workflow_id="wf"), by=other
    )
    assert resumed(late) == [("e1", "a2")]
    assert resumed(await world.happens(event, by=other)) == [("e1", "a2")]


async def test_the_number_of_store_calls_does_not_depend_on_the_batch(world: World) -> None:
    await world.webhook(rules=[StartRule("ship")])
    calls: list[list[tuple[str, str]]] = []
    for size, name in ((2, "warm"), (2, "few"), (300, "many")):
        waits = [world.opened(f"{name}t{n}", {"$.id": f"{name}{n}"}) for n in range(size)]
        events = [
            world.event(f"{name}e{n}", {"id": f"{name}{n}"}, at=T0 + 1, delivery=f"{name}{n}")
            for n in range(size)
        ]
        world.steps.steps.clear()
        await world.happens(*waits)
        commands = await world.happens(*events)
        assert len(resumed(commands)) == len(started(commands)) == size
        await world.happens(*(world.applied(command) for command in commands))
        calls.append(list(world.steps.steps))
    assert calls[1] == calls[2]
    assert len(calls[1]) < 25
