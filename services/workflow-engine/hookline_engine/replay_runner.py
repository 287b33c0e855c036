"""Runs replay jobs: page by page, at their pace, under a lease that another engine can take over.

After each page cursor and counts are saved. A job whose engine was killed goes on where it stood
when the lease has run out; the page that was under way is done again.
"""

import asyncio
import itertools
from collections.abc import Sequence

import structlog

from hookline_common.clock import Clock
from hookline_common.errors import HooklineError, Retryable
from hookline_common.ids import random_id
from hookline_common.retries import BACKOFF_SECONDS
from hookline_engine.replay_jobs import LIVE, ReplayJob, ReplayJobs, advanced, begun, failed
from hookline_engine.replay_pages import ReplayPages
from hookline_engine.replay_selection import Selection

MOST_JOBS = 4
PAGE = 100
LEASE_MS = 6_000
RENEW_SECONDS = 2.0
RECHECK_SECONDS = 3.0
"""How often to look for a job whose engine may have gone, while there are jobs at all."""
IDLE_SECONDS = 60.0

_log = structlog.get_logger()


class ReplayRunner:
    """Takes jobs that nobody runs; several engines are safe by lease and compare-and-set."""

    def __init__(
        self, jobs: ReplayJobs, selection: Selection, pages: ReplayPages, clock: Clock
    ) -> None:
        self._jobs = jobs
        self._selection = selection
        self._pages = pages
        self._clock = clock
        self._token = random_id()
        self._news = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None
        self._trouble: dict[str, str] = {}

    def look(self) -> None:
        """A job was made or changed here: see to it now."""
        self._news.set()
        self._news = asyncio.Event()

    async def start(self) -> None:
        """Begin; what was left unfinished goes on."""
        self._task = asyncio.create_task(self._run(), name="replays")

    async def stop(self) -> None:
        """Stop between pages or in one, which is then done again by whoever takes the job."""
        tasks = {task for task in (self._task, *self._running.values()) if task is not None}
        self._task = None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def problems(self) -> Sequence[str]:
        """Why replays do not go on, in sentences."""
        return list(self._trouble.values())

    # --- which jobs ---

    async def _run(self) -> None:
        while True:
            news = self._news
            pause = IDLE_SECONDS
            try:
                await self._take()
                if await self._jobs.any_live():
                    pause = RECHECK_SECONDS
                self._trouble.pop("", None)
            except Retryable as error:
                self._trouble[""] = f"replays: trying again after {error}"
                pause = RECHECK_SECONDS
            await _heard(news, pause)

    async def _take(self) -> None:
        room = MOST_JOBS - len(self._running)
        if room <= 0:
            return
        for job in await self._jobs.claim(room, LEASE_MS, self._token):
            if job.id in self._running:  # it had been held up for longer than its lease
                continue
            task = asyncio.create_task(self._work(job.id), name=f"replay {job.id}")
            self._running[job.id] = task
            task.add_done_callback(lambda _, job_id=job.id: self._left(job_id))

    def _left(self, job_id: str) -> None:
        self._running.pop(job_id, None)
        self._trouble.pop(job_id, None)
        self.look()

    # --- one job ---

    async def _work(self, job_id: str) -> None:
        try:
            await self._pursue(job_id)
        except Exception as error:  # noqa: BLE001 - it is told to whoever follows the job
            _log.error("replay_failed", replay_id=job_id, error=str(error), exc_info=error)
            await self._give_up(job_id, f"{type(error).__name__}: {error}")
        finally:
            await self._let_go(job_id)

    async def _give_up(self, job_id: str, reason: str) -> None:
        try:
            await self._jobs.change(job_id, lambda job: failed(job, reason))
        except HooklineError as error:  # whoever takes it when the lease has run out says it again
            _log.warning("replay_failure_not_saved", replay_id=job_id, error=str(error))

    async def _pursue(self, job_id: str) -> None:
        """Page after page until the job is done or somebody else decides otherwise."""
        failures = itertools.count()
        while True:
            try:
                await self._pages_of(job_id)
                return
            except Retryable as error:
                self._trouble[job_id] = f"replay {job_id}: trying again after {error}"
                _log.warning("replay_retry", replay_id=job_id, error=str(error))
                await asyncio.sleep(BACKOFF_SECONDS[min(next(failures), len(BACKOFF_SECONDS) - 1)])

    async def _pages_of(self, job_id: str) -> None:
        loop = asyncio.get_running_loop()
        job = await self._jobs.change(job_id, begun)
        renewed = loop.time() - RENEW_SECONDS
        while job.state in LIVE:
            if loop.time() - renewed >= RENEW_SECONDS:
                if not await self._jobs.renew(job_id, LEASE_MS, self._token):
                    return
                renewed = loop.time()
            began, news = loop.time(), self._news
            before = job
            job = await self._page(job)
            self._trouble.pop(job_id, None)
            appended = job.counts.appended - before.counts.appended
            await _heard(news, began + appended / job.per_second - loop.time())
            if news.is_set():
                job = await self._jobs.get(job_id)

    async def _page(self, job: ReplayJob) -> ReplayJob:
        # Never more than a second's worth, so that a pause is heeded soon also at a slow pace.
        page = await self._selection.page(job, min(PAGE, job.per_second))
        counts = await self._pages.append(job, page)
        now_ms = self._clock.now_ms()
        return await self._jobs.change(
            job.id, lambda newest: advanced(newest, job, counts, page.cursor, now_ms)
        )

    async def _let_go(self, job_id: str) -> None:
        try:
            await self._jobs.renew(job_id, 0, self._token)
        except HooklineError as error:
            _log.info("replay_lease_not_released", replay_id=job_id, error=str(error))


async def _heard(news: asyncio.Event, seconds: float) -> None:
    """Wait for news, at most so long."""
    if seconds <= 0:
        await asyncio.sleep(0)
        return
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        pass
