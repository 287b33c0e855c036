"""Replays as the API sees them: made, looked ahead at, followed, paused, resumed, stopped."""

from collections.abc import Sequence

import msgspec

from hookline_common.clock import Clock
from hookline_common.documents import Documents
from hookline_common.errors import BadRequest, Conflict, Gone, NotFound, Undecodable
from hookline_common.eventlog import EventLog
from hookline_common.eventrecords import Effect, EventRecord, Verdict
from hookline_common.sealing import Sealer
from hookline_engine.raw_requests import raw_request
from hookline_engine.replay_jobs import (
    ReplayCounts,
    ReplayFilter,
    ReplayJob,
    ReplayJobs,
    paused,
    resumed,
    stopped,
)
from hookline_engine.replay_pages import ReplayPages
from hookline_engine.replay_preview import Preview, ReplayPreview
from hookline_engine.replay_runner import ReplayRunner
from hookline_engine.replay_selection import (
    NOTHING_TO_REPLAY,
    Selection,
    first_id,
    replay_event_id,
)


class ReplayRequest(msgspec.Struct, frozen=True):
    """What is asked for."""

    filter: ReplayFilter
    restart: bool
    per_second: int


class ReplayedEvent(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An event of a replay and its replay, once that has been recorded."""

    id: str
    first_id: str
    verdict: Verdict
    replay_id: str
    replay_verdict: Verdict | None = None
    replay_reason: str | None = None
    replay_effects: Sequence[Effect] = ()


class Replays:
    """The door to everything about replays, and their life in this process."""

    def __init__(
        self,
        documents: Documents,
        log: EventLog,
        sealer: Sealer,
        clock: Clock,
        preview: ReplayPreview,
    ) -> None:
        self._log = log
        self._clock = clock
        self._jobs = ReplayJobs(documents, clock)
        self._selection = Selection(documents)
        self._preview = preview
        self.runner = ReplayRunner(self._jobs, self._selection, ReplayPages(log, sealer), clock)

    async def create(self, asked: ReplayRequest) -> ReplayJob:
        """A job that will run; raises what `_check` raises."""
        await self._check(asked.filter)
        at = self._clock.now_ms()
        selected = await self._selection.count(asked.filter, at)
        job = await self._jobs.create(
            asked.filter, selected, restart=asked.restart, per_second=asked.per_second, at=at
        )
        self.runner.look()
        return job

    async def preview(self, asked: ReplayRequest, most: int) -> Preview:
        """What it would do to the first `most` events; nothing is saved."""
        await self._check(asked.filter)
        at = self._clock.now_ms()
        selected = await self._selection.count(asked.filter, at)
        job = ReplayJob(
            id="preview",
            filter=asked.filter,
            created_at=at,
            restart=asked.restart,
            per_second=asked.per_second,
            counts=ReplayCounts(selected=selected),
        )
        return await self._preview.of(job, most)

    async def get(self, job_id: str) -> ReplayJob:
        """The job as it stands; raises NotFound."""
        return await self._jobs.get(job_id)

    async def newest(self, limit: int, cursor: str | None) -> tuple[list[ReplayJob], str | None]:
        """A page of jobs, the newest first."""
        return await self._jobs.newest(limit, cursor)

    async def pause(self, job_id: str) -> ReplayJob:
        """Stop after the page in hand, to go on later."""
        return self._seen(await self._jobs.change(job_id, paused))

    async def resume(self, job_id: str) -> ReplayJob:
        """Go on."""
        return self._seen(await self._jobs.change(job_id, resumed))

    async def stop(self, job_id: str) -> ReplayJob:
        """Stop after the page in hand, for good."""
        now_ms = self._clock.now_ms()
        return self._seen(await self._jobs.change(job_id, lambda job: stopped(job, now_ms)))

    async def events(
        self, job_id: str, limit: int, cursor: str | None
    ) -> tuple[list[ReplayedEvent], str | None]:
        """A page of the job's events with what became of their replays, the oldest first."""
        job = msgspec.structs.replace(await self._jobs.get(job_id), cursor=cursor)
        page = await self._selection.page(job, limit)
        ids = [replay_event_id(job_id, event) for event in page.events]
        replays = await self._selection.named(ids)
        shown = [
            _replayed(event, replay_id, replays.get(replay_id))
            for event, replay_id in zip(page.events, ids, strict=True)
        ]
        return shown, page.cursor

    def _seen(self, job: ReplayJob) -> ReplayJob:
        self.runner.look()
        return job

    async def _check(self, wanted: ReplayFilter) -> None:
        """Whoever names events wants just these: each must be there and have something to replay.

        Raises NotFound, Conflict, and Gone where the one event's raw request is kept no longer.
        """
        named = await self._selection.named(wanted.ids)
        for index, event_id in enumerate(wanted.ids):
            field = f"/filter/ids/{index}"
            event = named.get(event_id)
            if event is None:
                message = f"There is no event {event_id}."
                raise NotFound(message, code="event_not_found", field=field)
            if event.verdict in NOTHING_TO_REPLAY:
                raise _not_replayable(event, field)
        if len(wanted.ids) == 1:
            await self._check_raw(named[wanted.ids[0]])

    async def _check_raw(self, event: EventRecord) -> None:
        try:
            found = await raw_request(self._log, event)
        except Undecodable as error:
            raise BadRequest(str(error), code="raw_unreadable", field="/filter/ids/0") from error
        if found is None:
            message = f"The request of the event {event.id} is kept no longer."
            raise Gone(message, code="raw_expired", field="/filter/ids/0")


def _replayed(event: EventRecord, replay_id: str, replay: EventRecord | None) -> ReplayedEvent:
    shown = ReplayedEvent(event.id, first_id(event), event.verdict, replay_id)
    if replay is None:
        return shown
    return msgspec.structs.replace(
        shown,
        replay_verdict=replay.verdict,
        replay_reason=replay.reason,
        replay_effects=replay.effects,
    )


def _not_replayable(event: EventRecord, field: str) -> Conflict:
    first = f" ({event.duplicate_of})" if event.duplicate_of else ""
    message = f"The event {event.id} is {event.verdict}: {NOTHING_TO_REPLAY[event.verdict]}{first}."
    return Conflict(message, code="not_replayable", field=field)
