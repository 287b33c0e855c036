"""The one consumer loop: batch in, messages out, commit last; retry, dead letters, drain.

Rules: protocols.md A2, A6, F5; DESIGN.md invariant 8; STYLE.md, Errors. What happens to a batch
whose handling fails is in isolation.py.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Protocol, TypeVar

import structlog

from hookline_common.clock import Clock
from hookline_common.crash_points import loop_points, reached
from hookline_common.dead_letters import Origin
from hookline_common.errors import AssignmentLost, Fatal, Retryable
from hookline_common.eventlog import Delivered, EventLog, Record, Sync
from hookline_common.intake import Intake
from hookline_common.isolation import Isolation
from hookline_common.metrics import Metrics
from hookline_common.retries import BACKOFF_SECONDS, WHOLE_TRIES

T = TypeVar("T")
_log = structlog.get_logger()

DRAIN_SECONDS = 20.0
"""How long `stop` waits for the batch in hand; Kubernetes kills after 30 s by default."""

DEGRADED_MS = 5 * 60 * 1000
"""How long one unexpected failure keeps the service from being ready."""


class Handler(Protocol):
    """What a service does with messages. Doing a batch twice must equal doing it once."""

    async def handle(self, batch: Sequence[Delivered]) -> Sequence[Record]:
        """Do the work and return what to publish; the loop appends it, then commits."""
        ...

    def subject(self, delivered: Delivered) -> tuple[str, str] | None:
        """The ids of the event and webhook that the message is about, for EventDeadLettered."""
        ...


class ConsumerLoop:
    """A member of `group` that hands batches of `topics` to the handler until it is stopped.

    `on_fatal` is told when the loop cannot go on (a Fatal error, or a defect in the loop itself).
    """

    def __init__(
        self,
        log: EventLog,
        clock: Clock,
        handler: Handler,
        *,
        service: str,
        group: str,
        topics: Sequence[str],
        metrics: Metrics | None = None,
        on_fatal: Callable[[BaseException], None] | None = None,
        backoff_seconds: Sequence[float] = BACKOFF_SECONDS,
    ) -> None:
        self._log = log
        self._clock = clock
        self._handler = handler
        self._origin = Origin(service, group)
        self._points = loop_points(service)
        self._topics = tuple(topics)
        self._metrics = metrics or Metrics()
        self._on_fatal = on_fatal
        self._backoff = backoff_seconds
        self._consumed = self._metrics.consumed.labels(group)
        self._batch_records = self._metrics.batch_records.labels(group)
        self._batch_seconds = self._metrics.batch_seconds.labels(group)
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._idle = False
        self._failures = 0
        self._trouble: str | None = None
        self._unexpected: tuple[int, str] | None = None

    async def start(self) -> None:
        """Begin to consume."""
        self._task = asyncio.create_task(self._run(), name=f"consumer {self._origin.group}")

    async def stop(self) -> None:
        """Stop taking, finish and commit the batch in hand, leave the group."""
        self._stopping = True
        task, self._task = self._task, None
        if task is None:
            return
        if self._idle:
            task.cancel()
        _, late = await asyncio.wait({task}, timeout=DRAIN_SECONDS)
        if late:
            _log.warning("consumer_drain_cut_short", group=self._origin.group)
            task.cancel()
            await asyncio.wait({task})

    def problems(self) -> Sequence[str]:
        """Why this consumer is not well, in sentences; empty if it is."""
        found: list[str] = []
        if self._trouble is not None:
            found.append(f"consumer {self._origin.group}: {self._trouble}")
        if self._unexpected is not None:
            at, error = self._unexpected
            if self._clock.now_ms() - at < DEGRADED_MS:
                found.append(f"consumer {self._origin.group}: unexpected failure: {error}")
        return found

    # --- the loop ---

    async def _run(self) -> None:
        try:
            await self._rejoin_for_ever()
        except asyncio.CancelledError:
            if not self._stopping:
                raise
        except Exception as error:  # noqa: BLE001 - the last resort: said in readiness, ends the process
            self._trouble = f"stopped: {type(error).__name__}: {error}"
            _log.error("consumer_stopped", group=self._origin.group, exc_info=error)
            if self._on_fatal is not None:
                self._on_fatal(error)

    async def _rejoin_for_ever(self) -> None:
        while not self._stopping:
            try:
                async with AsyncExitStack() as membership:
                    await self._consume(membership)
            except (Retryable, AssignmentLost) as error:
                self.failing(error)
                await self.unless_stopped(lambda: asyncio.sleep(self.pause_after(self._failures)))
                self._failures += 1

    async def _consume(self, membership: AsyncExitStack) -> None:
        joining = self._log.consumer(self._origin.group, self._topics)
        consumer = await self.unless_stopped(lambda: membership.enter_async_context(joining))
        intake = Intake(consumer)
        membership.push_async_callback(intake.close)
        while not self._stopping:
            batch = await self.unless_stopped(intake.take)
            await self._deal_with(intake, batch)
            self._failures = 0

    async def _deal_with(self, intake: Intake, batch: Sequence[Delivered]) -> None:
        time = asyncio.get_running_loop().time
        begun = time()
        try:
            done = await self._finish(intake, batch)
            reached(self._points.committing)
            await intake.consumer.commit(done)
        except AssignmentLost:
            # Whoever holds the partition reads the batch; what is still ours is read again.
            self._metrics.dropped_batches.labels(self._origin.group).inc()
            await intake.rewind()
            return
        self._trouble = None
        self._consumed.inc(len(done))
        self._batch_records.observe(len(done))
        self._batch_seconds.observe(time() - begun)

    async def _finish(self, intake: Intake, batch: Sequence[Delivered]) -> Sequence[Delivered]:
        """Do the batch, however often it takes; return what is done, which may be more."""
        for failures in range(WHOLE_TRIES):
            try:
                await self.attempt(batch)
            except Retryable as error:
                intake.consumer.pause()
                self.failing(error)
                pause = self.pause_after(failures)
                await self.unless_stopped(lambda pause=pause: asyncio.sleep(pause))
            except (AssignmentLost, Fatal):
                raise
            except Exception:  # noqa: BLE001 - tried again alone, where it is told apart and counted
                break
            else:
                intake.consumer.resume()
                return batch
        intake.consumer.pause()
        done = await Isolation(self, intake, batch).run()
        intake.consumer.resume()
        return done

    # --- what isolation.py uses too ---

    async def attempt(self, batch: Sequence[Delivered]) -> None:
        """Handle the messages and publish what follows from them."""
        reached(self._points.read)
        records = await self._handler.handle(batch)
        if records:
            reached(self._points.publishing)
            await self._log.append(records, Sync.LATER)
            reached(self._points.published)

    async def put_aside(self, records: Sequence[Record], topic: str, reason: str) -> None:
        """Append dead letters and what is said of them."""
        await self._log.append(records, Sync.LATER)
        self._metrics.dead_letters.labels(self._origin.group, topic, reason).inc()

    async def unless_stopped(self, wait: Callable[[], Awaitable[T]]) -> T:
        """Wait for something that `stop` may interrupt; then CancelledError ends the loop."""
        if self._stopping:
            raise asyncio.CancelledError
        self._idle = True
        try:
            return await wait()
        finally:
            self._idle = False

    def pause_after(self, failures: int) -> float:
        """Seconds to wait after that many earlier failures in a row."""
        return self._backoff[min(failures, len(self._backoff) - 1)]

    def failing(self, error: Exception) -> None:
        """Note a failure that is tried again."""
        self._trouble = f"trying again after {type(error).__name__}: {error}"
        self._metrics.retries.labels(self._origin.group, type(error).__name__).inc()
        _log.warning("consumer_retries", group=self._origin.group, error=str(error))

    def unexpected(self, delivered: Delivered, error: Exception) -> None:
        """Note a failure of no known type: it degrades readiness for a while."""
        self._unexpected = (self._clock.now_ms(), f"{type(error).__name__}: {error}")
        _log.error(
            "unexpected", group=self._origin.group, position=delivered.position, exc_info=error
        )

    @property
    def origin(self) -> Origin:
        """Who is consuming."""
        return self._origin

    @property
    def handler(self) -> Handler:
        """Who handles the messages."""
        return self._handler

    def now_ms(self) -> int:
        """Epoch milliseconds by the service's clock."""
        return self._clock.now_ms()
