"""The lock that keeps a second process out of a data file (protocols.md B3)."""

import fcntl
import os
from pathlib import Path

from hookline_common.errors import FolderInUse


class FolderLock:
    """Held from `take` to `release`, and by the operating system never beyond the process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> "FolderLock":
        """Lock the data file at `path`; raises FolderInUse naming its folder and the holder."""
        lock_path = path.with_name(path.name + ".lock")
        descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise FolderInUse(
                f"the data folder {path.parent} is in use by process {holder}; stop that one,"
                " or choose another folder with --data or HOOKLINE_DATA"
            ) from error
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Let the next process in. The lock file stays: removing it would race with a taker."""
        os.close(self._descriptor)
