"""Starts and stops server processes for tests: free ports, waiting, clean ends."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / ".hookline-test"


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether something accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], bool], deadline_seconds: float, what: str) -> None:
    """Return as soon as the condition holds; fail after the deadline, naming what was awaited."""
    end = time.monotonic() + deadline_seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {deadline_seconds:g} s")
        time.sleep(0.05)


def outer_environ() -> dict[str, str]:
    """This process's environment without the settings of Hookline."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HOOKLINE_")}


@contextlib.contextmanager
def running(
    command: Sequence[str],
    port: int,
    log: Path,
    environ: Mapping[str, str] | None = None,
    deadline_seconds: float = 60,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends: SIGTERM, and SIGKILL if that does not end it.

    What a developer has set for Hookline in the shell does not reach it, only `environ` does.
    """
    with started(command, log, environ) as process:
        wait_until(
            lambda: _alive(process, command, log) and answers(port),
            deadline_seconds,
            f"{command[0]} on port {port}",
        )
        yield process


@contextlib.contextmanager
def started(
    command: Sequence[str], log: Path, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process until the block ends, without waiting for anything; as `running` otherwise."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**outer_environ(), **(environ or {})},
        )
        try:
            yield process
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes], deadline_seconds: float = 15) -> int:
    """End a process politely, then by force; return its exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(deadline_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def _alive(process: subprocess.Popen[bytes], command: Sequence[str], log: Path) -> bool:
    if process.poll() is not None:
        raise RuntimeError(
            f"{command[0]} ended with {process.returncode}: {log.read_text()[-2000:]}"
        )
    return True
