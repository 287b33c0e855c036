"""Forks Hookline's processes from one that has imported everything: they are up in no time.

`python -m tests.chaos.nursery` reads orders and answers with process ids and ends, a JSON line
each. Its children are processes of their own, armed with a crash point where the order says so.
"""

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn, Protocol

import msgspec

from hookline_common import crash_points

LOOK_SECONDS = 0.01
_MODULES: Mapping[str, str] = {
    "hookline": "hookline_cli.__main__",
    "hookline-ingest": "hookline_ingest.__main__",
    "hookline-verifier": "hookline_verifier.__main__",
    "hookline-matcher": "hookline_matcher.__main__",
    "hookline-engine": "hookline_engine.__main__",
    "broken": "tests.chaos.broken_builds",
}
_ADAPTERS = ("embedded.opening", "kafka.opening", "mongodb.opening")


class Order(msgspec.Struct, frozen=True):
    """What to run: one of the programs above with arguments; `crash_at` as in trap_at, or ""."""

    command: Sequence[str]
    environ: Mapping[str, str]
    log: str
    crash_at: str = ""


class News(msgspec.Struct, frozen=True):
    """A child was born, or, with a `code`, has ended (negative: by that signal)."""

    pid: int
    code: int | None = None


class Process(Protocol):
    """What subprocess.Popen is, as far as machines need it."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def poll(self) -> int | None: ...

    def send_signal(self, sig: int, /) -> None: ...

    def kill(self) -> None: ...

    def wait(self, timeout: float | None = None) -> int: ...


class Nursery:
    """The driver's side. Use it as a context manager: at its end all children are dead."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        self._born: list[int] = []
        self._ended: dict[int, int] = {}
        self._changed = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def bear(self, order: Order) -> Process:
        """Run it."""
        assert self._process.stdin is not None
        with self._changed:
            self._process.stdin.write(msgspec.json.encode(order) + b"\n")
            self._process.stdin.flush()
            if not self._changed.wait_for(lambda: bool(self._born), timeout=60):
                raise RuntimeError("the nursery does not answer")
            return _Child(self, self._born.pop())

    def code_of(self, pid: int) -> int | None:
        """The exit code of a child that has ended."""
        return self._ended.get(pid)

    def close(self) -> None:
        """End all that is left."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            news = msgspec.json.decode(line, type=News)
            with self._changed:
                if news.code is None:
                    self._born.append(news.pid)
                else:
                    self._ended[news.pid] = news.code
                self._changed.notify_all()
        self._process.stdout.close()


class _Child:
    """A process that the nursery has borne."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self._nursery = nursery
        self.pid = pid

    @property
    def returncode(self) -> int | None:
        return self._nursery.code_of(self.pid)

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, sig: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        end = time.monotonic() + (30.0 if timeout is None else timeout)
        while (code := self.returncode) is None:
            if time.monotonic() > end:
                raise TimeoutError(f"process {self.pid} does not end")
            time.sleep(LOOK_SECONDS)
        return code


# --- the nursery itself -------------------------------------------------------------------------


def main() -> None:
    """Bear and bury until the driver is gone."""
    for module in _MODULES.values():
        import_module(module)
    for adapter in _ADAPTERS:
        import_module(f"hookline_common.adapters.{adapter}")
    living: set[int] = set()
    rest = b""
    while True:
        readable, _, _ = select.select([0], [], [], LOOK_SECONDS)
        if readable:
            given = os.read(0, 1 << 16)
            if not given:
                break
            *lines, rest = (rest + given).split(b"\n")
            for line in lines:
                living.add(_bear(msgspec.json.decode(line, type=Order)))
        _bury(living)
    for pid in living:
        os.kill(pid, signal.SIGKILL)


def _bear(order: Order) -> int:
    pid = os.fork()
    if pid == 0:
        _live(order)
    _tell(News(pid))
    return pid


def _bury(living: set[int]) -> None:
    for pid in list(living):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            living.remove(pid)
            _tell(News(pid, os.waitstatus_to_exitcode(status)))


def _tell(news: News) -> None:
    os.write(1, msgspec.json.encode(news) + b"\n")


def _live(order: Order) -> NoReturn:
    """Become the process that was ordered."""
    code = 1
    try:
        _move_in(order)
        program, *arguments = order.command
        sys.argv = [program, *arguments]
        if order.crash_at:
            crash_points.arm(crash_points.trap_at(order.crash_at))
        import_module(_MODULES[program]).main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - it is the end of a process, whose trace is wanted
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _move_in(order: Order) -> None:
    """The order's environment and log instead of the nursery's."""
    os.environ.clear()
    os.environ.update(order.environ)
    log = os.open(order.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)


if __name__ == "__main__":
    main()
