"""Which open waits a replayed event would resume: the matcher's keys and rules, read-only."""

from collections.abc import AsyncIterator, Sequence

import msgspec

from hookline_common import reasons
from hookline_common.collections import PLANS, TAKES, WAITERS
from hookline_common.documents import All, Condition, Documents, Op, Query
from hookline_common.eventrecords import Waiter
from hookline_common.matching import Plan, TooManyValues, event_keys
from hookline_common.meetings import Take, is_spent, misfit, take_id
from hookline_common.webhooks import WebhookConfig
from hookline_engine.foreseen import ForeseenEffect, Replayed

_PAGE = 500
_OPEN = "open"

_plan_in = msgspec.json.Decoder(Plan).decode
_waiter_in = msgspec.json.Decoder(Waiter).decode
_take_in = msgspec.json.Decoder(Take).decode


class ForeseenResumes:
    """Remembers what the events before have taken: one wait takes one event."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._taken: set[str] = set()
        self._spent: set[str] = set()
        self._plans: dict[tuple[str, int], Sequence[Plan]] = {}

    async def of(self, event: Replayed) -> tuple[list[ForeseenEffect], str]:
        """The tasks that would be resumed; and the reason if there are none."""
        keys, reason = await self._keys(event)
        found: list[ForeseenEffect] = []
        async for waiter in self._open_waits(keys):
            missed = misfit(event.record, lambda: event.view, waiter)
            if missed is None and await self._takes(event, waiter):
                found.append(_resume(waiter))
            elif missed not in (None, reasons.NO_WAIT):
                reason = missed
        return found, reason

    async def _keys(self, event: Replayed) -> tuple[list[str], str]:
        keys: dict[str, None] = {}
        reason = reasons.NO_WAIT
        for plan in await self._plans_of(event.config):
            try:
                keys |= dict.fromkeys(event_keys(plan, event.view))
            except TooManyValues:
                reason = reasons.TOO_MANY_VALUES
        return list(keys), reason

    async def _plans_of(self, config: WebhookConfig) -> Sequence[Plan]:
        known = self._plans.get((config.id, config.revision))
        if known is None:
            known = [
                plan
                for plan in await self._read_plans(tuple(config.receivers))
                if config.receivers[plan.workflow] in (0, plan.version)
            ]
            self._plans[config.id, config.revision] = known
        return known

    async def _read_plans(self, workflows: Sequence[str]) -> list[Plan]:
        found: list[Plan] = []
        query = Query(Condition("workflow", Op.IN, workflows), limit=_PAGE)
        while workflows:
            page = await self._documents.find(PLANS, query)
            found += [_plan_in(document.body) for document in page.documents]
            if page.cursor is None:
                break
            query = msgspec.structs.replace(query, after=page.cursor)
        return found

    async def _open_waits(self, keys: Sequence[str]) -> AsyncIterator[Waiter]:
        where = All((Condition("keys", Op.IN, keys), Condition("state", Op.EQ, _OPEN)))
        query = Query(where, limit=_PAGE)
        while keys:
            page = await self._documents.find(WAITERS, query)
            for document in page.documents:
                yield _waiter_in(document.body)
            if page.cursor is None:
                return
            query = msgspec.structs.replace(query, after=page.cursor)

    async def _takes(self, event: Replayed, waiter: Waiter) -> bool:
        """Whether wait and event are both free for each other; they are not afterwards."""
        key = take_id(waiter.workflow_id, waiter.task_ref, event.identity)
        if waiter.task_id in self._taken or key in self._spent:
            return False
        if await self._is_spent(key, Take(event.record.id, waiter.task_id)):
            return False
        self._taken.add(waiter.task_id)
        self._spent.add(key)
        return True

    async def _is_spent(self, key: str, own: Take) -> bool:
        found = (await self._documents.get(TAKES, [key])).get(key)
        if found is None:
            return False
        take = _take_in(found.body)
        holder = (await self._documents.get(WAITERS, [take.task_id])).get(take.task_id)
        if holder is None:
            return is_spent(take, own, None, holder_open=False)
        is_open = holder.fields.get("state") == _OPEN
        return is_spent(take, own, _waiter_in(holder.body), holder_open=is_open)


def _resume(waiter: Waiter) -> ForeseenEffect:
    return ForeseenEffect(
        kind="resume",
        workflow_name=waiter.wait.workflow,
        workflow_id=waiter.workflow_id,
        version=waiter.wait.version,
        task_id=waiter.task_id,
        task_ref=waiter.task_ref,
    )
