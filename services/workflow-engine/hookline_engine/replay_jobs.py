"""Replay jobs in the store: what an operator asked to be replayed, and how far it is.

A job is one document. Who runs it holds it under a lease; everything that changes it, the runner's
progress and an operator's pause alike, is a compare-and-set that is decided again if it loses.
"""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from hookline_common.clock import Clock
from hookline_common.collections import REPLAYS
from hookline_common.documents import Condition, Document, Documents, Op, Order, Page, Query
from hookline_common.errors import Conflict, NotFound
from hookline_common.eventlog import Sync
from hookline_common.ids import uuid7
from hookline_common.topics import DAY_MS

KEPT_MS = 30 * DAY_MS
"""How long a finished job is kept: as long as the raw requests that it was about."""

DEFAULT_PER_SECOND = 200
"""Events a second, so that what arrives meanwhile is not kept waiting behind the replay."""
MOST_PER_SECOND = 10_000
MOST_IDS = 1000

_ATTEMPTS = 20

ReplayState: TypeAlias = Literal["queued", "running", "paused", "stopped", "done", "failed"]
LIVE: tuple[ReplayState, ...] = ("queued", "running")
ENDED: tuple[ReplayState, ...] = ("stopped", "done")


class ReplayFilter(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Which events; all that is given must hold. `begin` is included, `end` is not (epoch ms)."""

    webhook_id: str | None = None
    verdicts: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    begin: int | None = msgspec.field(default=None, name="from")
    end: int | None = msgspec.field(default=None, name="to")
    ids: tuple[str, ...] = ()
    text: str | None = None


class ReplayCounts(msgspec.Struct, frozen=True, rename="camel"):
    """`selected` when the job was made; of those `examined` so far, which are the sum of the rest:
    `appended`, `expired` (the raw request is kept no longer), `unreadable` (it cannot be opened or
    decoded) and `skipped` (changed since the job was made, or the same event as another of it).
    """

    selected: int = 0
    examined: int = 0
    appended: int = 0
    expired: int = 0
    unreadable: int = 0
    skipped: int = 0

    def plus(self, page: "ReplayCounts") -> "ReplayCounts":
        """With those of a page added."""
        names = self.__struct_fields__
        return ReplayCounts(**{name: getattr(self, name) + getattr(page, name) for name in names})


class ReplayJob(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One replay. `cursor` is where the next page of the selection begins."""

    id: str
    filter: ReplayFilter
    created_at: int
    state: ReplayState = "queued"
    restart: bool = False
    per_second: int = DEFAULT_PER_SECOND
    cursor: str | None = None
    counts: ReplayCounts = ReplayCounts()
    updated_at: int = 0
    finished_at: int = 0
    error: str | None = None


Change: TypeAlias = Callable[[ReplayJob], ReplayJob]

_encode = msgspec.json.Encoder().encode
_job_in = msgspec.json.Decoder(ReplayJob).decode


class ReplayJobs:
    """The collection of replay jobs."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    async def create(
        self, wanted: ReplayFilter, selected: int, *, restart: bool, per_second: int, at: int
    ) -> ReplayJob:
        """Save a new job, on disk; `at` is the time as of which its events were selected."""
        job = ReplayJob(
            id=uuid7(at),
            filter=wanted,
            created_at=at,
            restart=restart,
            per_second=per_second,
            counts=ReplayCounts(selected=selected),
            updated_at=at,
        )
        await self._documents.insert(REPLAYS, [_document(job, 0)], Sync.NOW)
        return job

    async def get(self, job_id: str) -> ReplayJob:
        """The job; raises NotFound."""
        return _job_in((await self._document(job_id)).body)

    async def newest(self, limit: int, cursor: str | None) -> tuple[list[ReplayJob], str | None]:
        """A page of jobs, the newest first; raises BadRequest for a cursor that is none."""
        query = Query(order=(Order("created_at", descending=True),), limit=limit, after=cursor)
        page: Page = await self._documents.find(REPLAYS, query)
        return [_job_in(document.body) for document in page.documents], page.cursor

    async def change(self, job_id: str, change: Change) -> ReplayJob:
        """Save what `change` makes of the newest state of the job; raises what it raises, too."""
        for _ in range(_ATTEMPTS):
            document = await self._document(job_id)
            before = _job_in(document.body)
            after = change(before)
            if after is before:
                return before
            after = replace(after, updated_at=self._clock.now_ms())
            if not await self._documents.replace(REPLAYS, [_document(after, document.rev)]):
                return after
        message = f"The replay {job_id} is being changed by others; try again."
        raise Conflict(message, code="changed_meanwhile")

    # --- leases ---

    async def claim(self, most: int, lease_ms: int, token: str) -> Sequence[ReplayJob]:
        """Jobs to run that nobody holds, the oldest first; they are held from now on."""
        query = Query(Condition("state", Op.IN, LIVE), (Order("created_at"),), limit=most)
        found = await self._documents.claim(REPLAYS, query, lease_ms, token)
        return [_job_in(document.body) for document in found]

    async def any_live(self) -> bool:
        """Whether there are jobs to run, whoever holds them."""
        return await self._documents.count(REPLAYS, Condition("state", Op.IN, LIVE)) > 0

    async def renew(self, job_id: str, lease_ms: int, token: str) -> bool:
        """Hold the job for longer, or let go of it with 0; False if it is held no more."""
        return not await self._documents.renew(REPLAYS, [job_id], lease_ms, token)

    async def _document(self, job_id: str) -> Document:
        found = (await self._documents.get(REPLAYS, [job_id])).get(job_id)
        if found is None:
            raise NotFound(f"There is no replay {job_id}.", code="replay_not_found")
        return found


def _document(job: ReplayJob, rev: int) -> Document:
    expiry = job.finished_at + KEPT_MS if job.finished_at else None
    fields = {"state": job.state, "created_at": job.created_at}
    return Document(job.id, _encode(job), fields, rev, expiry)


# --- what may become of a job ---------------------------------------------------------------------


def paused(job: ReplayJob) -> ReplayJob:
    """The job, to go on later; raises Conflict if it has ended."""
    if job.state == "paused":
        return job
    if job.state not in LIVE:
        raise _not_possible(job, "paused")
    return replace(job, state="paused")


def resumed(job: ReplayJob) -> ReplayJob:
    """The job, to go on now where it stood; raises Conflict if it has ended."""
    if job.state in LIVE:
        return job
    if job.state in ENDED:
        raise _not_possible(job, "resumed")
    return replace(job, state="queued", error=None)


def stopped(job: ReplayJob, now_ms: int) -> ReplayJob:
    """The job, never to go on; raises Conflict if it is done."""
    if job.state == "stopped":
        return job
    if job.state == "done":
        raise _not_possible(job, "stopped")
    return replace(job, state="stopped", finished_at=now_ms)


def begun(job: ReplayJob) -> ReplayJob:
    """The job as it is while somebody runs it."""
    return replace(job, state="running", error=None) if job.state == "queued" else job


def failed(job: ReplayJob, error: str) -> ReplayJob:
    """The job after a fault that repeating would not mend; it can be resumed."""
    return replace(job, state="failed", error=error) if job.state in LIVE else job


def advanced(
    job: ReplayJob, before: ReplayJob, page: ReplayCounts, cursor: str | None, now_ms: int
) -> ReplayJob:
    """The job after one more page, which began where `before` stood.

    A page is counted once: if the job has moved on, another runner had done the same page. Whoever
    paused or stopped it meanwhile is obeyed, and the page counts all the same.
    """
    if job.cursor != before.cursor or job.counts != before.counts or job.state == "done":
        return job
    after = replace(job, cursor=cursor, counts=job.counts.plus(page))
    if cursor is not None:
        return after
    return replace(after, state="done", finished_at=now_ms)


def _not_possible(job: ReplayJob, what: str) -> Conflict:
    message = f"The replay {job.id} is {job.state}: it cannot be {what} any more."
    return Conflict(message, code="replay_ended")
