"""Processes that a run starts, kills, freezes and starts again, with their logs."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hookline_common.crash_points import LAST_WORDS, CrashPoint
from tests.chaos.nursery import Order, Process
from tests.servers.processes import answers, outer_environ

START_SECONDS = 60.0
_AGAIN_SECONDS = 5.0
_LOOK_SECONDS = 0.02


class DidNotHappen(Exception):
    """A fault that was planned did not happen: the run proves nothing."""


def run_apart(order: Order) -> Process:
    """Run a program that is none of ours; it has no crash points."""
    assert not order.crash_at
    with Path(order.log).open("ab") as output:
        return subprocess.Popen(
            list(order.command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(order.environ),
        )


class Machine:
    """One process at a time, always on the same port with the same data."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        port: int = 0,
        environ: Mapping[str, str] | None = None,
        run: Callable[[Order], Process] = run_apart,
    ) -> None:
        """`port` 0: it has none, and is up as soon as it runs. `run` makes a process of it."""
        self.name = name
        self.port = port
        self._command = list(command)
        self._environ = {**outer_environ(), **(environ or {})}
        self.log = folder / f"{name}.log"
        self._run = run
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        """The process that runs now."""
        assert self._process is not None, f"{self.name} does not run"
        return self._process.pid

    async def start(self, crash_at: str = "") -> None:
        """Start it, with a trap if `crash_at` names a crash point; return when its port answers."""
        self.spawn(crash_at)
        if self.port:
            await until(self._answers, START_SECONDS, f"{self.name} to answer")

    def spawn(self, crash_at: str = "") -> None:
        """Start it without waiting for anything."""
        assert self._process is None or self._process.poll() is not None
        order = Order(self._command, self._environ, str(self.log), crash_at)
        self._process = self._run(order)

    async def kill(self) -> None:
        """Kill it with -9."""
        await self._end(signal.SIGKILL, -signal.SIGKILL)

    async def stop(self) -> None:
        """Ask it to end in order, and see that it does."""
        await self._end(signal.SIGTERM, None)

    async def dies_at(self, point: CrashPoint, seconds: float) -> None:
        """Wait until it kills itself at the crash point for which it was started."""
        process = self._process
        assert process is not None
        await until(lambda: process.poll() is not None, seconds, f"{self.name} to die at {point}")
        said = self.log.read_text(errors="replace").splitlines()
        if process.returncode != -signal.SIGKILL or said[-1] != LAST_WORDS + point.value:
            raise DidNotHappen(f"{self.name} ended with {process.returncode}, last: {said[-1:]}")

    async def freeze(self, seconds: float) -> None:
        """Stop the process for a time, as if its container was paused."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            await until(self._is_frozen, 5, f"{self.name} to be frozen")
            await asyncio.sleep(seconds)
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def has_ended(self) -> int | None:
        """The exit code of a process that is not there any more."""
        return None if self._process is None else self._process.poll()

    def put_down(self) -> None:
        """End it for good, whatever state it is in."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def output(self) -> str:
        """All that its processes have written."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    async def _end(self, number: int, wanted: int | None) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            raise DidNotHappen(f"{self.name} was not running, so that nobody could end it")
        await self._until_ended(process, number)
        if wanted is not None and process.returncode != wanted:
            raise DidNotHappen(f"{self.name} ended with {process.returncode} of its own")

    async def _until_ended(self, process: Process, number: int) -> None:
        """A signal is sent again now and then: SecantusDB misses one after it was frozen."""
        for _ in range(round(START_SECONDS / _AGAIN_SECONDS)):
            process.send_signal(number)
            with contextlib.suppress(DidNotHappen):
                await until(lambda: process.poll() is not None, _AGAIN_SECONDS, "its end")
                return
        raise DidNotHappen(f"{self.name} did not end within {START_SECONDS:g} s")

    def _answers(self) -> bool:
        ended = self.has_ended()
        if ended is not None:
            raise RuntimeError(f"{self.name} ended with {ended}:\n{self.output()[-3000:]}")
        return answers(self.port)

    def _is_frozen(self) -> bool:
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


async def until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    """Return as soon as it holds; DidNotHappen after that time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not holds():
        if loop.time() > deadline:
            raise DidNotHappen(f"not within {seconds:g} s: {what}")
        await asyncio.sleep(_LOOK_SECONDS)
