"""A write on its way to the data file, and the kinds of write there are."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from hookline_common.eventlog import Sync


class Step(Protocol):
    """A kind of write; those that wait together are applied by one call, one result for each.

    `committed` or `rolled_back` follows each `apply`.
    """

    def apply(self, connection: sqlite3.Connection, payloads: Sequence[Any]) -> Sequence[Any]: ...

    def committed(self) -> None: ...

    def rolled_back(self) -> None: ...


class Change:
    """The step of writes that are functions of the connection, each applied by itself."""

    def apply(self, connection: sqlite3.Connection, payloads: Sequence[Any]) -> Sequence[Any]:
        """Call each with the connection."""
        return [payload(connection) for payload in payloads]

    def committed(self) -> None:
        """Nothing is kept beside the file."""

    def rolled_back(self) -> None:
        """Nothing is kept beside the file."""


def nothing(connection: sqlite3.Connection) -> None:
    """The change of a bare sync."""


class Write:
    """One write: `deliver` makes what waits for it of its result, once it can be seen."""

    __slots__ = ("deliver", "error", "future", "payload", "result", "step", "sync")

    def __init__(
        self,
        step: Step,
        payload: Any,
        sync: Sync,
        future: "asyncio.Future[Any]",
        deliver: Callable[[Any], Any] | None,
    ) -> None:
        self.step = step
        self.payload = payload
        self.sync = sync
        self.future = future
        self.deliver = deliver
        self.result: Any = None
        self.error: Exception | None = None

    def show(self) -> None:
        """Let others see what was written."""
        if self.error is None and self.deliver is not None:
            self.result = self.deliver(self.result)

    def answer(self) -> None:
        """Let whoever waits go on."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


def by_step(group: Sequence[Write]) -> Sequence[tuple[Step, Sequence[Write]]]:
    """The writes of a group by their step, in the order in which each step first comes."""
    steps: dict[int, tuple[Step, list[Write]]] = {}
    for write in group:
        steps.setdefault(id(write.step), (write.step, []))[1].append(write)
    return list(steps.values())
