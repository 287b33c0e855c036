"""The ledger of a run's own workers: what they were given and what they were thanked for, on disk.

A line is written before the next step is taken, so that a worker that is killed has said all it
knew. It is what the audit believes beside the REST API, and Hookline never sees it.
"""

import asyncio
import os
from pathlib import Path
from typing import Literal

import msgspec

What = Literal["given", "acknowledged"]


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A task that was given to a worker, or whose completion was acknowledged to one.

    `tries`: how often the completion was sent, of which the last one was acknowledged. `at`: when,
    in epoch milliseconds.
    """

    what: What
    task_id: str
    workflow_id: str
    ref: str
    attempt: int
    at: int
    order: str = ""
    delivery: str = ""
    tries: int = 1


_decoder = msgspec.json.Decoder(Entry)


class Ledger:
    """A file of lines to which several processes may append."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def write(self, entry: Entry) -> None:
        """Append one line; it is on disk when this returns."""
        os.write(self._file, msgspec.json.encode(entry) + b"\n")
        await asyncio.to_thread(os.fsync, self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def read_ledger(path: Path) -> list[Entry]:
    """All whole lines in the order in which they were written."""
    if not path.exists():
        return []
    return [_decoder.decode(line) for line in path.read_bytes().splitlines() if line]
