"""Plays cases side by side until enough were played, then waits until all is settled."""

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from hookline_cli.chaos.calls import Calls
from hookline_cli.chaos.cases import USUAL, Case, Kind, cases
from hookline_cli.chaos.journal import Journal, Played
from hookline_cli.chaos.ledger import Entry, Ledger, read_ledger
from hookline_cli.chaos.observing import Observed, Observer
from hookline_cli.chaos.scenery import Scenery
from hookline_cli.chaos.scripts import Stage
from hookline_cli.chaos.workers import Worker
from hookline_cli.client import ApiFailure
from hookline_common.ids import random_id

WAVE = 24
WORKERS = 2


class Plan(msgspec.Struct, frozen=True):
    """What to play: `choose` says how much of the endless stream of cases.

    So many cases as a `wave` has are played side by side, then there is a pause.
    """

    seed: int
    choose: Callable[[Iterator[Case]], Iterator[Case]]
    api: Sequence[str]
    ledger: Path
    gateways: Sequence[str] = ()
    key: str = ""
    kinds: Sequence[Kind] = USUAL
    http_target: str = ""
    workers: int = WORKERS
    wave: int = WAVE
    pause_seconds: float = 0.0
    patience_seconds: float = 60.0
    keep: bool = False


class Run(msgspec.Struct, frozen=True):
    """What came of it."""

    seed: int
    played: Sequence[Played]
    broken_off: Sequence[str]
    observed: Observed
    ledger: Sequence[Entry]
    faults: Counter[str]

    @property
    def resent(self) -> int:
        """How many events had to be sent more than once."""
        return sum(sending.tries > 1 for one in self.played for sending in one.sendings)


class Watcher:
    """Told how far a run is; the base class keeps it to itself."""

    def ready(self, task_type: str) -> None:
        """Everything is registered; from now on cases are played."""

    def played(self, count: int) -> None:
        """So many cases were played."""

    def settling(self, says: str) -> None:
        """The stream has ended, and what it began is not done yet."""


async def run_stream(plan: Plan, watcher: Watcher) -> Run:
    """Play the plan; raises ApiFailure where not even the set-up was possible."""
    calls = Calls(plan.api, plan.gateways, plan.key, plan.patience_seconds)
    mark = f"chaos{plan.seed}_{random_id()[:6]}"
    scenery = Scenery(calls, mark, plan.http_target)
    try:
        await scenery.build()
        watcher.ready(scenery.task_type)
        journal = Journal()
        async with working(plan, scenery.task_type):
            await _play_all(plan, calls, scenery, journal, watcher)
            flows = (scenery.started_flow, scenery.keyed_flow)
            observer = Observer(calls, flows, watcher.settling)
            observed = await observer.observe(journal.played, plan.patience_seconds)
        if not plan.keep:
            await scenery.remove()
    finally:
        await calls.close()
    ledger = read_ledger(plan.ledger)
    return Run(plan.seed, journal.played, journal.broken_off, observed, ledger, calls.faults)


@contextlib.asynccontextmanager
async def working(plan: Plan, task_type: str) -> AsyncGenerator[None]:
    """The plan's workers, at work while the block runs."""
    calls = Calls(plan.api, (), plan.key, plan.patience_seconds)
    ledger = Ledger(plan.ledger)
    workers = [Worker(calls, ledger, task_type, f"chaos-{n}") for n in range(plan.workers)]
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await calls.close()
        ledger.close()
    for error in ended:
        if isinstance(error, Exception):
            raise error


async def _play_all(
    plan: Plan, calls: Calls, scenery: Scenery, journal: Journal, watcher: Watcher
) -> None:
    async def play(case: Case) -> None:
        try:
            stage = Stage(calls, scenery, case, plan.patience_seconds)
            journal.add(await stage.play())
        except ApiFailure as failure:
            journal.break_off(case, str(failure))
        watcher.played(len(journal.played))

    left = plan.choose(cases(plan.seed, scenery.mark, plan.kinds))
    while wave := list(itertools.islice(left, plan.wave)):
        async with asyncio.TaskGroup() as group:
            for case in wave:
                group.create_task(play(case))
        await asyncio.sleep(plan.pause_seconds)
