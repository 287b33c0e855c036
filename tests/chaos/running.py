"""One run: the stream and the faults side by side, then the audit."""

import asyncio
import contextlib
import itertools
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path

import msgspec

from hookline_cli.chaos.audit import Violation, audit
from hookline_cli.chaos.cases import USUAL, Case, Kind
from hookline_cli.chaos.report import report, table
from hookline_cli.chaos.stream import Plan, Run, Watcher, run_stream
from hookline_common.crash_points import CrashPoint
from tests.chaos.faults import Fault
from tests.chaos.sites import Site

WAVE = 12
PAUSE_SECONDS = 0.3
"""The stream leaves most of the machine to what is started again and again beside it, and has quiet
moments, in which outboxes are cleared.
"""

KINDS = (*USUAL, Kind.HTTP, Kind.CHANGED, Kind.CHANGED)
"""Changes of the configuration more often than usual, since some crash points lie on their way."""

PATIENCE_SECONDS = 60.0
LEAST_CASES = 2 * len(Kind)


class Result(msgspec.Struct, frozen=True):
    """What came of a run. `missing`: why faults did not happen, if some did not."""

    run: Run
    violations: Sequence[Violation]
    happened: Sequence[Fault]
    missing: Sequence[str]

    @property
    def good(self) -> bool:
        """Whether all faults happened and nothing was violated."""
        return not self.violations and not self.missing

    @property
    def points(self) -> set[CrashPoint]:
        """The crash points at which a process died."""
        return {fault.point for fault in self.happened if fault.point is not None}

    def lines(self) -> list[str]:
        """The whole table."""
        kinds = Counter(fault.kind.value for fault in self.happened)
        return [
            *table(f"faults ({len(self.happened)})", kinds),
            f"crash points hit: {len(self.points)} of {len(CrashPoint)}",
            *(f"did not happen: {text}" for text in self.missing),
            "",
            *report(self.run, self.violations),
        ]


class _Faults(Watcher):
    """Does the faults from the moment on at which cases are played."""

    def __init__(self, site: Site, faults: Sequence[Fault], ledger: Path) -> None:
        self._site = site
        self._faults = faults
        self._ledger = ledger
        self._begun = time.monotonic()
        self._cases = 0
        self._task: asyncio.Task[None] | None = None
        self.happened: list[Fault] = []
        self.missing: list[str] = []

    def ready(self, task_type: str) -> None:
        self._task = asyncio.create_task(self._do_all(task_type))

    def played(self, count: int) -> None:
        self._cases = count

    def choose(self, stream: Iterator[Case]) -> Iterator[Case]:
        """Cases until all faults are done, and a few in any case."""
        return itertools.takewhile(lambda _: self._going_on(), stream)

    def _going_on(self) -> bool:
        return self._cases < LEAST_CASES or self._task is None or not self._task.done()

    async def _do_all(self, task_type: str) -> None:
        await self._site.work_at(task_type, self._ledger)
        doing = self._site.play(self._faults)
        try:
            async for fault in doing:
                self.happened.append(fault)
                self._say(f"{len(self.happened)} of {len(self._faults)} faults: {fault}")
        except Exception as reason:  # noqa: BLE001 - the run fails by it, with all else it has seen
            self.missing.append(f"{self._faults[len(self.happened)]}: {reason}")
            await self._site.recover()
        finally:
            await doing.aclose()

    def settling(self, says: str) -> None:
        self._say(says)

    def _say(self, text: str) -> None:
        """Progress, on the error output: who looks at it wants to see which fault takes long."""
        seconds = time.monotonic() - self._begun
        sys.stderr.write(f"{seconds:6.1f} s, {self._cases} cases: {text}\n")


async def run_with_faults(
    site: Site,
    seed: int,
    faults: Sequence[Fault],
    folder: Path,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Result:
    """Play a seeded stream at the site while the faults happen; the site is put down at the end."""
    ledger = folder / "ledger.jsonl"
    watcher = _Faults(site, faults, ledger)
    try:
        await site.start()
        async with http_target() as target:
            plan = Plan(
                seed=seed,
                choose=watcher.choose,
                api=site.api,
                ledger=ledger,
                gateways=site.gateways,
                kinds=KINDS,
                http_target=target,
                workers=site.workers,
                wave=WAVE,
                pause_seconds=PAUSE_SECONDS,
                patience_seconds=patience_seconds,
                keep=True,
            )
            run = await run_stream(plan, watcher)
    finally:
        site.end()
    violations = audit(run.played, run.observed, run.ledger, run.broken_off)
    return Result(run, violations, watcher.happened, watcher.missing)


@contextlib.asynccontextmanager
async def http_target() -> AsyncGenerator[str]:
    """Somebody who answers the HTTP tasks of the run."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/"
