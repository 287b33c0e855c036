"""Matchers as processes of their own beside a system in this process."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx

from tests.pipeline.running_system import eventually
from tests.servers.hookline import AMISS, end
from tests.servers.processes import free_port, started


class Matcher:
    """A running `python -m hookline_matcher`."""

    def __init__(self, port: int, log: Path) -> None:
        self._address = f"http://127.0.0.1:{port}"
        self._log = log

    async def ready(self) -> bool:
        """Whether it answers that it is."""
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                return (await client.get(f"{self._address}/readyz")).status_code == 200
            except httpx.HTTPError:
                return False

    async def consumed(self) -> int:
        """How many records it has worked off."""
        name = 'hookline_consumed_records_total{group="matcher"} '
        async with httpx.AsyncClient(trust_env=False) as client:
            metrics = (await client.get(f"{self._address}/metrics")).text
        found = [line for line in metrics.splitlines() if line.startswith(name)]
        return int(float(found[0].removeprefix(name))) if found else 0

    def assert_clean(self) -> None:
        """Nothing went wrong inside that was only logged."""
        text = self._log.read_text()
        assert AMISS.search(text) is None, text[-6000:]


@contextlib.asynccontextmanager
async def matcher_processes(
    environ: Mapping[str, str], count: int, folder: Path
) -> AsyncIterator[list[Matcher]]:
    """So many of them, ready; each has to end well."""
    with contextlib.ExitStack() as stack:
        matchers: list[Matcher] = []
        processes = []
        for number in range(count):
            port, log = free_port(), folder / f"matcher-{number}.log"
            command = (sys.executable, "-m", "hookline_matcher")
            own = {**environ, "HOOKLINE_PORT": str(port)}
            processes.append(stack.enter_context(started(command, log, own)))
            matchers.append(Matcher(port, log))
        for matcher in matchers:
            await eventually(matcher.ready, "a matcher to be ready")
        yield matchers
        codes = [await asyncio.to_thread(end, process) for process in processes]
    assert codes == [0] * count
    for matcher in matchers:
        matcher.assert_clean()
