"""Each service from one process to three and back, one service after the other, under load."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path

import msgspec
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from hookline_common.topics import GROUPS
from tests.chaos.faults import SERVICES, Fault, Kind
from tests.chaos.machines import DidNotHappen
from tests.chaos.sites import RealSite

MOST = 3
SHARED_SECONDS = 180.0
_HOLD_SECONDS = 2.0
_LOOK_SECONDS = 0.2
_MEMBERS = 5
_MEMBER_ID, _ASSIGNMENT = 0, 4


class Step(Fault, frozen=True):
    """A service that is brought to so many processes."""

    instances: int = 1

    def __str__(self) -> str:
        return f"{self.machine} has {self.instances}"


class Shared(msgspec.Struct, frozen=True):
    """How a service's partitions were shared out after a step, and how long that took.

    `shares`: partitions of each member; empty for ingest, which reads nothing.
    """

    step: Step
    shares: Sequence[int]
    seconds: float


def steps() -> list[Step]:
    """Every service to three and back, then all of them to three, then back."""
    alone = [
        Step(Kind.REBALANCE, service, instances=count)
        for service in SERVICES
        for count in (MOST, 1)
    ]
    return alone + [
        Step(Kind.REBALANCE, service, instances=count)
        for count in (MOST, 1)
        for service in SERVICES
    ]


class ScalingSite(RealSite):
    """One process of each service at first. `seen` is what every step has led to."""

    workers = 2

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, instances=MOST)
        self.api = self.api[:1]
        self.seen: list[Shared] = []
        self._running = dict.fromkeys(SERVICES, 1)

    async def start(self) -> None:
        for name, machine in self._machines.items():
            if not re.search(r"-[2-9]$", name):
                await machine.start()

    async def work_at(self, task_type: str, ledger: Path) -> None:
        """The stream's own workers do."""

    async def play(self, faults: Sequence[Fault]) -> AsyncGenerator[Fault]:
        for step in faults:
            assert isinstance(step, Step)
            begun = time.monotonic()
            await self._bring_to(step.machine, step.instances)
            shares = await self._shares(step)
            self.seen.append(Shared(step, shares, time.monotonic() - begun))
            yield step
            await asyncio.sleep(_HOLD_SECONDS)

    async def recover(self) -> None:
        for service, count in self._running.items():
            for number in range(1, count + 1):
                machine = self._machines[f"{service}-{number}"]
                if machine.has_ended() is not None:
                    await machine.start()

    async def _bring_to(self, service: str, count: int) -> None:
        now = self._running[service]
        for number in range(now + 1, count + 1):
            await self._machines[f"{service}-{number}"].start()
        for number in range(now, count, -1):
            await self._machines[f"{service}-{number}"].stop()
        self._running[service] = count

    async def _shares(self, step: Step) -> Sequence[int]:
        """Wait until the group's partitions are shared by exactly these processes."""
        group = next((one for one in GROUPS if one.name == step.machine), None)
        if group is None:
            return ()
        partitions = sum(topic.partitions for topic in group.topics)
        deadline = time.monotonic() + SHARED_SECONDS
        while True:
            shares = sorted((await assigned(self.broker, group.name)).values())
            if len(shares) == step.instances and 0 not in shares and sum(shares) == partitions:
                return shares
            if time.monotonic() > deadline:
                raise DidNotHappen(f"{step}, but the partitions are shared like this: {shares}")
            await asyncio.sleep(_LOOK_SECONDS)


async def assigned(servers: str, group: str) -> Mapping[str, int]:
    """Member -> how many partitions the broker has given it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups([group])
    finally:
        await admin.close()
    shares: Counter[str] = Counter()
    for described in answer.groups:
        for member in described[_MEMBERS]:
            shares[member[_MEMBER_ID]] += _partitions_in(member[_ASSIGNMENT])
    return shares


def _partitions_in(assignment: bytes) -> int:
    if not assignment:
        return 0
    decoded = ConsumerProtocolMemberAssignment.decode(assignment)
    return sum(len(partitions) for _, partitions in decoded.assignment)
