"""Clocks and disks for the tests of the embedded adapters."""

import shutil
import threading
from pathlib import Path


class HandClock:
    """A clock that only moves by hand."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self.now = now_ms

    def now_ms(self) -> int:
        return self.now


class GatedDisk:
    """A disk whose syncs wait until they are let through."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.gate = threading.Event()
        self.syncs = 0

    def sync(self, descriptor: int) -> None:
        self.syncs += 1
        self.asked.set()
        assert self.gate.wait(20)


class BrokenDisk:
    """A disk that can no longer sync."""

    def sync(self, descriptor: int) -> None:
        raise OSError(5, "Input/output error")


class ForgetfulDisk:
    """Keeps what a power loss would leave: the files as they were at the last sync."""

    def __init__(self, path: Path, left: Path) -> None:
        self._path = path
        self._left = left

    def sync(self, descriptor: int) -> None:
        for suffix in ("", "-wal"):
            source = self._path.with_name(self._path.name + suffix)
            shutil.copyfile(source, self._left.with_name(self._left.name + suffix))
