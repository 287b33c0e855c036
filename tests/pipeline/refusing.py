"""Services whose handlers refuse what a test names, as a defect would, until it is mended."""

from collections.abc import Sequence
from typing import Any

from hookline_cli.up import SERVICES
from hookline_common.errors import Poison
from hookline_common.eventlog import Delivered, Record
from hookline_common.running import Build, Parts


class Refusals:
    """Which messages are refused now, by the marks in their values, for each topic."""

    def __init__(self) -> None:
        self._marks: set[tuple[str, bytes]] = set()

    def begin(self, topic: str, mark: str) -> None:
        self._marks.add((topic, mark.encode()))

    def end(self, topic: str, mark: str) -> None:
        self._marks.discard((topic, mark.encode()))

    def check(self, record: Record) -> None:
        for topic, mark in self._marks:
            if record.topic == topic and mark in (record.value or b""):
                raise Poison(f"the test refuses {mark.decode()}")


class _Refusing:
    def __init__(self, real: Any, refusals: Refusals) -> None:
        self._real = real
        self._refusals = refusals

    async def handle(self, batch: Sequence[Delivered]) -> Sequence[Record]:
        for delivered in batch:
            self._refusals.check(delivered.record)
        return await self._real.handle(batch)

    def subject(self, delivered: Delivered) -> tuple[str, str] | None:
        return self._real.subject(delivered)


def refusing(refusals: Refusals) -> list[Build]:
    """All services; those that consume look at the refusals first."""
    return [_built(build, refusals) for build in SERVICES]


def _built(build: Build, refusals: Refusals) -> Build:
    def made(parts: Parts) -> Any:
        service: Any = build(parts)
        loop = getattr(service, "_loop", None)
        if loop is not None:
            loop._handler = _Refusing(loop._handler, refusals)
        return service

    return made
