"""A batch that failed, message by message: the good ones pass, the bad one is put aside.

Messages with the same key keep their order: behind one that failed they wait. A message is called
stuck only on evidence that log and store are well: others succeed while it fails (protocols.md A6).
A lone message has no others, so more are taken in while it waits.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hookline_common.dead_letters import Failure, dead_letter, dead_letter_outcome
from hookline_common.errors import AssignmentLost, Fatal, Poison, Retryable, Stuck
from hookline_common.eventlog import Delivered
from hookline_common.intake import Intake
from hookline_common.retries import STUCK_FAILURES, STUCK_PAUSE, UNEXPECTED_TRIES

if TYPE_CHECKING:  # the two modules are one machine in two files
    from hookline_common.consuming import ConsumerLoop

SUSPECTED_OUTAGE = 3
"""After so many failures in a row without a success a pass ends: the store is asked no more."""

MOST_IN_HAND = 2000
MOST_BYTES_IN_HAND = 64 * 1024 * 1024
"""How much is kept uncommitted while some of it fails."""

GLANCE_SECONDS = 0.05
"""How long a take may last that shall only bring what is there."""


class _Entry:
    """A message that is not done yet."""

    __slots__ = ("delivered", "due", "failures", "first_at", "seen", "stuck", "unexpected")

    def __init__(self, delivered: Delivered, now_ms: int) -> None:
        self.delivered = delivered
        self.first_at = now_ms
        self.due = 0.0
        self.failures = 0
        self.unexpected = 0
        self.stuck = 0
        self.seen = 0


class Isolation:
    """Tries messages alone until each is done or put aside."""

    def __init__(self, loop: "ConsumerLoop", intake: Intake, batch: Sequence[Delivered]) -> None:
        self._loop = loop
        self._intake = intake
        self._lines: dict[tuple[str, str], deque[_Entry]] = {}
        self._taken: list[Delivered] = []
        self._taken_bytes = 0
        self._fruitless = 0
        self._successes = 0
        self._judged_since_take = True
        self._add(batch)

    async def run(self) -> Sequence[Delivered]:
        """Return when all is done; the result is what may be committed."""
        while True:
            before = self._successes
            failed = await self._pass()
            self._fruitless = 0 if self._successes > before else self._fruitless + 1
            await self._judge(failed)
            if not self._lines:
                return self._taken
            await self._wait()

    def _add(self, batch: Sequence[Delivered]) -> None:
        now_ms = self._loop.now_ms()
        for delivered in batch:
            line = (delivered.record.topic, delivered.record.key)
            self._lines.setdefault(line, deque()).append(_Entry(delivered, now_ms))
        self._taken.extend(batch)
        self._taken_bytes += sum(len(delivered.record.value or b"") for delivered in batch)

    async def _pass(self) -> list[tuple[_Entry, Retryable]]:
        """Try the lines that are due; return those whose head failed and may succeed later."""
        failed: list[tuple[_Entry, Retryable]] = []
        before = self._successes
        for key in list(self._lines):
            line = self._lines.pop(key)
            error = await self._drain(line)
            if line:
                self._lines[key] = line  # at the end: others get their turn first
            if isinstance(error, Retryable):
                failed.append((line[0], error))
            if len(failed) >= SUSPECTED_OUTAGE and self._successes == before:
                break
        return failed

    async def _drain(self, line: deque[_Entry]) -> Exception | None:
        """Try the messages of a line in order while they succeed and are due."""
        now = asyncio.get_running_loop().time()
        while line and line[0].due <= now:
            error = await self._try(line)
            if error is not None:
                return error
        return None

    async def _try(self, line: deque[_Entry]) -> Exception | None:
        """Try the head of the line; None if it is done, one way or the other."""
        entry = line[0]
        try:
            await self._loop.attempt((entry.delivered,))
        except (AssignmentLost, Fatal):
            raise
        except Retryable as error:
            self._failed(entry)
            return error
        except Poison as error:
            return await self._put_aside(line, "poison", error)
        except Exception as error:  # noqa: BLE001 - three times, then put aside and counted
            self._failed(entry)
            entry.unexpected += 1
            self._loop.unexpected(entry.delivered, error)
            if entry.unexpected < UNEXPECTED_TRIES:
                return error
            return await self._put_aside(line, "unexpected", error)
        line.popleft()
        self._successes += 1
        return None

    def _failed(self, entry: _Entry) -> None:
        pause = self._loop.pause_after(min(entry.failures, STUCK_PAUSE))
        entry.failures += 1
        entry.due = asyncio.get_running_loop().time() + pause

    async def _judge(self, failed: Sequence[tuple[_Entry, Retryable]]) -> None:
        """Count failures with successes of others in between; put aside what is stuck."""
        self._judged_since_take |= bool(failed)
        for entry, error in failed:
            self._loop.failing(error)
            entry.stuck += self._successes > entry.seen
            entry.seen = self._successes
            if entry.stuck >= STUCK_FAILURES:
                record = entry.delivered.record
                line = self._lines[record.topic, record.key]
                await self._put_aside(line, "stuck", Stuck(f"{type(error).__name__}: {error}"))
                if not line:
                    del self._lines[record.topic, record.key]

    async def _put_aside(
        self, line: deque[_Entry], reason: str, error: Exception
    ) -> Exception | None:
        """Dead-letter the head of the line; the error if the log cannot take it now."""
        entry = line[0]
        now_ms, origin = self._loop.now_ms(), self._loop.origin
        attempts = max(entry.failures, 1)
        failure = Failure(reason, error, attempts, entry.first_at, now_ms)
        records = [dead_letter(entry.delivered, failure, origin)]
        outcome = dead_letter_outcome(
            entry.delivered, failure, origin, self._subject(entry.delivered)
        )
        if outcome is not None:
            records.append(outcome)
        try:
            await self._loop.put_aside(records, entry.delivered.position.topic, reason)
        except Retryable as unavailable:
            self._failed(entry)
            return unavailable
        line.popleft()
        return None

    def _subject(self, delivered: Delivered) -> tuple[str, str] | None:
        try:
            return self._loop.handler.subject(delivered)
        except Exception:  # noqa: BLE001 - a message that cannot be read need not name its event
            return None

    async def _wait(self) -> None:
        """Wait before the next pass; take more in where that can give evidence."""
        now = asyncio.get_running_loop().time()
        pause = max(min(line[0].due for line in self._lines.values()) - now, 0.0)
        if self._fruitless:
            pause = max(pause, self._loop.pause_after(self._fruitless - 1))
        records, size = self._room()
        if not self._judged_since_take or min(records, size) <= 0:
            await self._loop.unless_stopped(lambda: asyncio.sleep(pause))
        elif self._fruitless and len(self._lines) > SUSPECTED_OUTAGE:
            await self._loop.unless_stopped(lambda: asyncio.sleep(pause))
            await self._take_more(GLANCE_SECONDS, records, size)
        else:
            await self._take_more(pause, records, size)

    def _room(self) -> tuple[int, int]:
        """Records and bytes to take in between two failures of a message: a share of what may be
        in hand, so that something is left that can succeed until the message is stuck.
        """
        records = (MOST_IN_HAND - len(self._taken)) // STUCK_FAILURES
        return max(records, 1), (MOST_BYTES_IN_HAND - self._taken_bytes) // STUCK_FAILURES

    async def _take_more(self, seconds: float, records: int, size: int) -> None:
        self._intake.consumer.resume()
        taken = await self._loop.unless_stopped(
            lambda: self._intake.take_within(seconds, records, size)
        )
        self._intake.consumer.pause()
        if taken:
            self._judged_since_take = False
            self._add(taken)
