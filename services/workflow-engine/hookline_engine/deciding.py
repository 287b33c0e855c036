"""Decides the commands of a batch of executions, and fetches what the core asks for meanwhile."""

import asyncio
import secrets
from collections.abc import Iterable, Sequence

import msgspec

from hookline_common.clock import Clock
from hookline_engine.core.decisions import Context, Evaluator, MissingBodies, MissingLookups
from hookline_engine.drafts import Draft, Surroundings
from hookline_engine.execution_store import BodyMissing, ExecutionStore
from hookline_engine.poll_data import Polls


class Deciding:
    """Runs the core on drafts; each round of questions is answered by one read for all of them."""

    def __init__(
        self, store: ExecutionStore, polls: Polls, clock: Clock, evaluator: Evaluator
    ) -> None:
        self._store = store
        self._polls = polls
        self._clock = clock
        self._evaluator = evaluator

    async def decide(self, drafts: Sequence[Draft]) -> None:
        """Decide all commands of all drafts."""
        surroundings = Surroundings(
            {}, Context(self._clock.now_ms(), secrets.token_hex(8), self._evaluator)
        )
        open_drafts = list(drafts)
        while open_drafts:
            await _advance(open_drafts, surroundings)
            open_drafts = [draft for draft in open_drafts if not draft.done]
            if open_drafts:
                surroundings = await self._supply(open_drafts, surroundings)

    async def _supply(self, drafts: Sequence[Draft], surroundings: Surroundings) -> Surroundings:
        """Fetch what the drafts miss: one read of bodies, pages and polls for all of them."""
        bodies, pages, types = _wanted(drafts)
        try:
            surroundings.bodies.update(await self._store.bodies(bodies))
            surroundings.bodies.update(await self._store.pages(pages))
        except BodyMissing:
            await self._supply_one_by_one(drafts, surroundings)
        if not types:
            return surroundings
        context = surroundings.context
        domains = {**context.active_domains, **await self._polls.active_domains(types)}
        return Surroundings(
            surroundings.bodies, msgspec.structs.replace(context, active_domains=domains)
        )

    async def _supply_one_by_one(self, drafts: Sequence[Draft], surroundings: Surroundings) -> None:
        """Only the execution whose body is gone (it is being removed) fails."""
        for draft in drafts:
            bodies, pages, _ = _wanted([draft])
            try:
                surroundings.bodies.update(await self._store.bodies(bodies))
                surroundings.bodies.update(await self._store.pages(pages))
            except BodyMissing as error:
                draft.fail(error)


async def _advance(drafts: Iterable[Draft], surroundings: Surroundings) -> None:
    scripted: list[Draft] = []
    for draft in drafts:
        if draft.has_scripts:
            scripted.append(draft)
        else:
            draft.advance(surroundings)
    if scripted:
        await asyncio.gather(
            *(asyncio.to_thread(draft.advance, surroundings) for draft in scripted)
        )


def _wanted(drafts: Iterable[Draft]) -> tuple[set[str], set[str], set[str]]:
    """Bodies, pages and task types that the drafts ask for."""
    bodies: set[str] = set()
    pages: set[str] = set()
    types: set[str] = set()
    for draft in drafts:
        match draft.missing:
            case MissingBodies() as missing:
                bodies |= missing.bodies
                pages |= missing.pages
            case MissingLookups() as missing:
                types |= missing.task_types
            case None:
                pass
    return bodies, pages, types
