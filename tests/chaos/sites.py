"""Where a run takes place: one process on the embedded default, or everything on real servers."""

import asyncio
import base64
import secrets
import sys
from collections.abc import AsyncGenerator, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from tests.chaos.faults import SERVICES, Fault, Kind
from tests.chaos.machines import Machine
from tests.chaos.nursery import Nursery
from tests.servers import kafka, mongodb
from tests.servers.processes import free_port

SESSION_SECONDS = 3.0
FROZEN_SECONDS = SESSION_SECONDS + 2.0
"""Longer than the session, so that the partitions have gone to the other instance meanwhile."""

CRASH_SECONDS = 45.0
"""How long a process may take to come to its crash point: some lie on ways seldom taken."""

BETWEEN_SECONDS = 1.0
"""On real servers the stream gets on for so long before the next fault."""

UP = ("hookline", "up")
ROOT = Path(__file__).parents[2]
WORKERS = ("worker-1", "worker-2")


class Site(Protocol):
    """Machines, and how faults are done to them. `workers`: how many the stream has of its own."""

    api: Sequence[str]
    gateways: Sequence[str]
    workers: int

    async def start(self) -> None:
        """Start what is there from the beginning."""
        ...

    async def work_at(self, task_type: str, ledger: Path) -> None:
        """Start workers that are processes of their own, where there are such."""
        ...

    def play(self, faults: Sequence[Fault]) -> AsyncGenerator[Fault]:
        """Do the faults one after the other; each is given back when it has happened."""
        ...

    async def recover(self) -> None:
        """Start again what has ended, after a fault that did not go as planned."""
        ...

    def end(self) -> None:
        """Put everything down."""
        ...

    def output(self) -> str:
        """What the machines have written."""
        ...


class EmbeddedSite:
    """One process that is all of Hookline, on one file."""

    workers = 2

    def __init__(self, folder: Path, program: Sequence[str] = UP) -> None:
        port, gateway_port = free_port(), free_port()
        self.api: Sequence[str] = (f"http://127.0.0.1:{port}",)
        self.gateways: Sequence[str] = (f"http://127.0.0.1:{gateway_port}",)
        ports = ("--port", str(port), "--gateway-port", str(gateway_port))
        command = [*program, *ports, "--data", str(folder / "data")]
        self._nursery = Nursery()
        self._machine = Machine("hookline", command, folder, port, run=self._nursery.bear)

    async def start(self) -> None:
        await self._machine.start()

    async def work_at(self, task_type: str, ledger: Path) -> None:
        """The stream's own workers do."""

    async def play(self, faults: Sequence[Fault]) -> AsyncGenerator[Fault]:
        """Each process is started for the fault that is to end it, so that none ends twice."""
        if not faults:
            return
        await self._machine.kill()
        for fault in faults:
            await self._start_for(fault)
            if fault.point is not None:
                await self._machine.dies_at(fault.point, CRASH_SECONDS)
            else:
                await asyncio.sleep(fault.seconds)
                await self._machine.kill()
            yield fault
        await self._machine.start()

    async def _start_for(self, fault: Fault) -> None:
        if fault.point is None:
            await self._machine.start()
        else:  # it may die before it listens
            self._machine.spawn(f"{fault.point.value}:{fault.nth}")

    async def recover(self) -> None:
        self._machine.put_down()
        await self._machine.start()

    def end(self) -> None:
        self._machine.put_down()
        self._nursery.close()

    def output(self) -> str:
        return self._machine.output()


class RealSite:
    """A broker, a store, two instances of each service, two workers."""

    workers = 0

    def __init__(self, folder: Path, instances: int = 2) -> None:
        self._folder = folder
        servers = list(_servers(folder))
        broker, store = servers
        self.broker = f"127.0.0.1:{broker.port}"
        self._nursery = Nursery()
        services = list(_services(folder, broker.port, store.port, self._nursery, instances))
        self._machines = {machine.name: machine for machine in (*servers, *services)}
        engines = [one for one in services if one.name.startswith("engine")]
        gateways = [one for one in services if one.name.startswith("ingest")]
        self.api: Sequence[str] = [f"http://127.0.0.1:{one.port}" for one in engines]
        self.gateways: Sequence[str] = [f"http://127.0.0.1:{one.port}" for one in gateways]

    async def start(self) -> None:
        for machine in self._machines.values():
            await machine.start()

    async def work_at(self, task_type: str, ledger: Path) -> None:
        """Two processes that poll, each at an engine of its own."""
        for name, api in zip(WORKERS, self.api, strict=True):
            command = [sys.executable, "-m", "tests.chaos.worker", api, task_type, str(ledger)]
            machine = Machine(name, command, self._folder, environ={"PYTHONPATH": str(ROOT)})
            self._machines[name] = machine
            await machine.start()

    async def play(self, faults: Sequence[Fault]) -> AsyncGenerator[Fault]:
        for fault in faults:
            machine = self._machines[fault.machine]
            if fault.kind in (Kind.FREEZE, Kind.PAUSE):
                await machine.freeze(fault.seconds or FROZEN_SECONDS)
            else:
                await self._end_by(fault, machine)
                await asyncio.sleep(fault.seconds)
                await machine.start()
            yield fault
            await asyncio.sleep(BETWEEN_SECONDS)

    async def _end_by(self, fault: Fault, machine: Machine) -> None:
        if fault.point is not None:
            await machine.stop()
            machine.spawn(f"{fault.point.value}:{fault.nth}")
            await machine.dies_at(fault.point, CRASH_SECONDS)
        elif fault.kind in (Kind.STORE, Kind.REBALANCE):
            await machine.stop()
        else:
            await machine.kill()

    async def recover(self) -> None:
        for machine in self._machines.values():
            if machine.has_ended() is not None:
                await machine.start()

    def end(self) -> None:
        for machine in reversed(list(self._machines.values())):
            machine.put_down()
        self._nursery.close()

    def output(self) -> str:
        named = self._machines.items()
        return "\n".join(f"--- {name}\n{one.output()[-3000:]}" for name, one in named)


# A broker that was killed may register again only when its old session has timed out, after 9 s
# by default: that long nothing but the broker's absence would be seen.
_QUICKLY_BACK = ("broker.session.timeout.ms=3000", "broker.heartbeat.interval.ms=500")


def _servers(folder: Path) -> Iterable[Machine]:
    broker, store = folder / "broker", folder / "store"
    for own in (broker, store):
        own.mkdir()
    port = free_port()
    yield Machine("broker", kafka.command(broker, port, *_QUICKLY_BACK), folder, port)
    port = free_port()
    yield Machine("store", mongodb.command(store, port), folder, port)


def _services(
    folder: Path, broker: int, store: int, nursery: Nursery, instances: int
) -> Iterable[Machine]:
    numbers = range(1, instances + 1)
    ports = {f"{service}-{n}": free_port() for service in SERVICES for n in numbers}
    environ = {
        "HOOKLINE_LOG": f"kafka://127.0.0.1:{broker}",
        "HOOKLINE_STORE": mongodb.address(store, "chaos"),
        "HOOKLINE_SEAL_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "HOOKLINE_PUBLIC_URL": f"http://127.0.0.1:{ports['ingest-1']}",
        "HOOKLINE_GATEWAY_URL": f"http://127.0.0.1:{ports['ingest-1']}",
        "HOOKLINE_SESSION_TIMEOUT": f"{SESSION_SECONDS:g}",
    }
    for name, port in ports.items():
        command = [f"hookline-{name.partition('-')[0]}"]
        own = {**environ, "HOOKLINE_PORT": str(port)}
        yield Machine(name, command, folder, port, own, nursery.bear)
