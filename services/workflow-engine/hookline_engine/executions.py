"""The one way by which commands reach executions, from the log and from the API alike.

Load, decide, save by compare-and-set with the outbox, emit, clear: each step once for a whole
batch. What waits for one execution in this process is decided in one save (G7).
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec
import structlog

from hookline_common.clock import Clock
from hookline_common.crash_points import CrashPoint, reached
from hookline_common.documents import Documents
from hookline_common.errors import Retryable, StoreUnavailable
from hookline_engine.clearing import Clearing
from hookline_engine.core.commands import Command, Wake
from hookline_engine.core.decisions import Evaluator, SchemaChecker
from hookline_engine.core.model import Head
from hookline_engine.deciding import Deciding
from hookline_engine.definitions.snapshots import Snapshot
from hookline_engine.drafts import Applied, Draft, Order
from hookline_engine.execution_store import ExecutionStore, Stored
from hookline_engine.lookups import Lookups
from hookline_engine.outbox import Outbox, Pending

MOST_SAVES = 30
"""Tries of the compare-and-set before a caller is told that the store cannot take it now."""

LONGEST_JITTER_SECONDS = 0.2

_log = structlog.get_logger()


class Listener(Protocol):
    """Who is told what happens to executions in this process."""

    def saved(self, head: Head) -> None:
        """An execution was saved."""
        ...

    def kept_back(self) -> None:
        """Effects could not go out to the log; they are in outboxes."""
        ...


class _Letter:
    """An order and who waits for its answer. A failure is a result: nobody may be listening."""

    __slots__ = ("answer", "order")

    def __init__(self, order: Order) -> None:
        self.order = order
        self.answer: asyncio.Future[Applied | Exception] = (
            asyncio.get_running_loop().create_future()
        )

    def settle(self, result: Applied | Exception) -> None:
        if not self.answer.done():
            self.answer.set_result(result)


_Post = dict[str, list[_Letter]]


class Executions:
    """Applies commands, and tells the listeners what was saved."""

    def __init__(
        self,
        documents: Documents,
        store: ExecutionStore,
        outbox: Outbox,
        lookups: Lookups,
        clock: Clock,
        evaluator: Evaluator,
        schemas: SchemaChecker,
        listeners: Sequence[Listener] = (),
        longest_clearing_delay_seconds: float = 1.0,
    ) -> None:
        self._documents = documents
        self._store = store
        self._outbox = outbox
        self._deciding = Deciding(store, lookups, clock, evaluator, schemas)
        self._listeners = tuple(listeners)
        self._clearing = Clearing(self._clear, longest_clearing_delay_seconds)
        self._mailboxes: _Post = {}
        self._busy: set[str] = set()
        self._workers: set[asyncio.Task[None]] = set()

    # --- the two doors ---

    async def run(
        self, workflow_id: str, command: Command, snapshot: Snapshot | None = None
    ) -> Applied:
        """The API's door: applied and on disk when it returns; raises the refusal as ApiError."""
        reached(CrashPoint.API_APPLYING)
        (result,) = await self.apply([Order(workflow_id, command, snapshot)])
        if isinstance(result, Exception):
            raise result
        reached(CrashPoint.API_APPLIED)
        await self._documents.sync()
        reached(CrashPoint.API_ANSWERING)
        if result.refusal is not None:
            raise result.refusal.error()
        return result

    async def apply(self, orders: Sequence[Order]) -> Sequence[Applied | Exception]:
        """The log's door: apply in order; what follows is emitted, and on disk with the next sync.

        A refusal, like a failure, is the result of its own order only.
        """
        letters = [_Letter(order) for order in orders]
        for letter in letters:
            self._mailboxes.setdefault(letter.order.workflow_id, []).append(letter)
        free = {order.workflow_id for order in orders} - self._busy
        if free:
            self._begin(free)
        return [await letter.answer for letter in letters]

    async def emit_pending(self, ids: Sequence[str]) -> None:
        """Load the executions, so that what is still in their outboxes goes out (G2)."""
        await self.apply([Order(workflow_id, Wake()) for workflow_id in ids])

    async def close(self) -> None:
        """Return when everything that was begun is finished."""
        while self._workers:
            await asyncio.wait(self._workers)
        await self._clearing.flush()

    # --- mailboxes ---

    def _begin(self, ids: set[str]) -> None:
        self._busy |= ids
        worker = asyncio.create_task(self._work(ids))
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def _work(self, ids: set[str]) -> None:
        """Hold these mailboxes until they are empty. A caller that goes away stops nothing."""
        while ids:
            post = {workflow_id: self._mailboxes.pop(workflow_id) for workflow_id in ids}
            try:
                await self._deliver(post)
            except Exception as error:  # noqa: BLE001 - handed to those who wait
                for letters in post.values():
                    for letter in letters:
                        letter.settle(error)
            waiting = ids & self._mailboxes.keys()
            self._busy -= ids - waiting
            ids = waiting

    async def _deliver(self, post: _Post) -> None:
        for failures in range(MOST_SAVES):
            lost = await self._round(post)
            if not lost:
                return
            post = {workflow_id: post[workflow_id] for workflow_id in lost}
            await asyncio.sleep(random.uniform(0, min(LONGEST_JITTER_SECONDS, 0.002 * 2**failures)))  # noqa: S311 - spreads writers, no secret
        raise StoreUnavailable("the execution is being changed by others all the time")

    # --- one round ---

    async def _round(self, post: _Post) -> frozenset[str]:
        """Load, decide, save, emit; returns the executions that another writer changed."""
        drafts = await self._load(post)
        await self._deciding.decide(list(drafts.values()))
        lost = await self._save(drafts)
        kept = {key: draft for key, draft in drafts.items() if key not in lost}
        failure = await self._emit(kept)
        for workflow_id, draft in kept.items():
            for letter, result in zip(post[workflow_id], draft.results, strict=True):
                letter.settle(_with_failure(result, failure))
        return lost

    async def _load(self, post: _Post) -> dict[str, Draft]:
        stored = await self._store.heads(list(post))
        pending = [
            Pending(workflow_id, entry.effect)
            for workflow_id, one in stored.items()
            if not self._is_out(workflow_id, one)
            for entry in one.head.outbox
        ]
        failure = await self._emit_again(pending) if pending else None
        drafts: dict[str, Draft] = {}
        for workflow_id, letters in post.items():
            draft = Draft(stored.get(workflow_id), [letter.order for letter in letters])
            if failure is None:
                draft.forget_emitted()
            drafts[workflow_id] = draft
        snapshots = await self._store.snapshots({one.head.snapshot for one in stored.values()})
        for draft in drafts.values():
            draft.use_snapshots(snapshots)
        return drafts

    async def _emit_again(self, pending: Sequence[Pending]) -> Retryable | None:
        reached(CrashPoint.OUTBOX_EMITTING_AGAIN)
        failure = await self._outbox.emit(pending)
        reached(CrashPoint.OUTBOX_EMITTED_AGAIN)
        return failure

    def _is_out(self, workflow_id: str, stored: Stored) -> bool:
        """Whether this process has emitted what is in this very revision."""
        change = self._clearing.pop(workflow_id)
        return change is not None and change.rev == stored.rev

    async def _save(self, drafts: Mapping[str, Draft]) -> frozenset[str]:
        changes = [change for draft in drafts.values() if (change := draft.change()) is not None]
        if not changes:
            return frozenset()
        lost = await self._store.save(changes)
        for change in changes:
            if change.head.workflow_id not in lost:
                for listener in self._listeners:
                    listener.saved(change.head)
        return lost

    async def _emit(self, drafts: Mapping[str, Draft]) -> Retryable | None:
        pending = [
            Pending(workflow_id, effect)
            for workflow_id, draft in drafts.items()
            for effect in draft.effects()
        ]
        if not pending:
            return None
        try:
            failure = await self._outbox.emit(pending)
        except Retryable as error:
            self._kept_back(error)
            raise
        if failure is not None:
            self._kept_back(failure)
            return failure
        self._clearing.add(
            [change for draft in drafts.values() if (change := draft.cleared()) is not None]
        )
        return None

    def _kept_back(self, failure: Retryable) -> None:
        _log.warning("effects_kept_back", error=str(failure))
        for listener in self._listeners:
            listener.kept_back()

    async def _clear(self, ids: Sequence[str]) -> None:
        """Save the cleared heads among `ids` that nobody is working on."""
        held = {workflow_id for workflow_id in ids if workflow_id not in self._busy}
        self._busy |= held
        changes = [change for one in held if (change := self._clearing.pop(one)) is not None]
        try:
            # Whoever wrote in between has emitted the same entries before and clears them.
            reached(CrashPoint.ENGINE_CLEARING)
            await self._store.save(changes)
            reached(CrashPoint.ENGINE_CLEARED)
        except Retryable as error:
            # The entries stay; the next load or sweep emits them again and clears them.
            _log.info("outboxes_not_cleared", error=str(error))
        finally:
            waiting = held & self._mailboxes.keys()
            self._busy -= held
            if waiting:
                self._begin(waiting)


def _with_failure(result: Applied | Exception, failure: Retryable | None) -> Applied | Exception:
    if failure is None or isinstance(result, Exception):
        return result
    return msgspec.structs.replace(result, log_failure=failure)
