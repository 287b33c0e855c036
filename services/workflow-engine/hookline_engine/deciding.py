"""Decides the commands of a batch of executions, and fetches what the core asks for meanwhile."""

import asyncio
import secrets
from collections.abc import Iterable, Sequence

from hookline_common.clock import Clock
from hookline_common.errors import SealBroken
from hookline_engine.core.decisions import (
    Context,
    Evaluator,
    MissingBodies,
    MissingLookups,
    SchemaChecker,
)
from hookline_engine.drafts import Draft, Surroundings
from hookline_engine.execution_store import BodyMissing, ExecutionStore
from hookline_engine.lookups import Lookups


class Deciding:
    """Runs the core on drafts; each round of questions is answered by one read for all of them."""

    def __init__(
        self,
        store: ExecutionStore,
        lookups: Lookups,
        clock: Clock,
        evaluator: Evaluator,
        schemas: SchemaChecker,
    ) -> None:
        self._store = store
        self._lookups = lookups
        self._clock = clock
        self._evaluator = evaluator
        self._schemas = schemas

    async def decide(self, drafts: Sequence[Draft]) -> None:
        """Decide all commands of all drafts."""
        seed = secrets.token_hex(8)
        context = Context(self._clock.now_ms(), seed, self._evaluator, self._schemas)
        surroundings = Surroundings({}, context)
        open_drafts = list(drafts)
        while open_drafts:
            await _advance(open_drafts, surroundings)
            open_drafts = [draft for draft in open_drafts if not draft.done]
            if open_drafts:
                surroundings = await self._supply(open_drafts, surroundings)

    async def _supply(self, drafts: Sequence[Draft], surroundings: Surroundings) -> Surroundings:
        """Fetch what the drafts miss: one read of bodies, pages and polls for all of them."""
        bodies, pages = _wanted(drafts)
        try:
            surroundings.bodies.update(await self._store.bodies(bodies))
            surroundings.bodies.update(await self._store.pages(pages))
        except BodyMissing:
            await self._supply_one_by_one(drafts, surroundings)
        asking = [draft for draft in drafts if isinstance(draft.missing, MissingLookups)]
        if not asking:
            return surroundings
        try:
            context = await self._answered(asking, surroundings.context)
        except SealBroken:
            context = await self._answered_one_by_one(asking, surroundings.context)
        return Surroundings(surroundings.bodies, context)

    async def _answered(self, drafts: Iterable[Draft], context: Context) -> Context:
        asked = [draft.missing for draft in drafts]
        questions = [one for one in asked if isinstance(one, MissingLookups)]
        return await self._lookups.answered(context, questions)

    async def _answered_one_by_one(self, drafts: Iterable[Draft], context: Context) -> Context:
        """Only the execution that names a secret which cannot be opened fails."""
        for draft in drafts:
            try:
                context = await self._answered([draft], context)
            except SealBroken as error:
                draft.fail(error)
        return context

    async def _supply_one_by_one(self, drafts: Sequence[Draft], surroundings: Surroundings) -> None:
        """Only the execution whose body is gone (it is being removed) fails."""
        for draft in drafts:
            bodies, pages = _wanted([draft])
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


def _wanted(drafts: Iterable[Draft]) -> tuple[set[str], set[str]]:
    """Bodies and pages that the drafts ask for."""
    bodies: set[str] = set()
    pages: set[str] = set()
    for draft in drafts:
        if isinstance(draft.missing, MissingBodies):
            bodies |= draft.missing.bodies
            pages |= draft.missing.pages
    return bodies, pages
