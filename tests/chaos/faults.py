"""The faults of a run, from its seed alone. Pure."""

import enum
import random
from collections.abc import Iterator, Sequence

import msgspec

from hookline_common.crash_points import CrashPoint

SERVICES = ("ingest", "verifier", "matcher", "engine")
CONSUMERS = ("verifier", "matcher", "engine")


class Kind(enum.Enum):
    """What is done to whom."""

    KILL = "process killed"
    CRASH_POINT = "killed at a crash point"
    WORKER = "worker killed"
    BROKER = "broker killed and started"
    STORE = "store stopped and started"
    PAUSE = "store paused"
    FREEZE = "consumer frozen past its session timeout"
    REBALANCE = "instance drained and started again"


class Fault(msgspec.Struct, frozen=True):
    """One fault: its kind, the machine that it hits, and how long it lasts or is waited for."""

    kind: Kind
    machine: str
    seconds: float = 0.0
    point: CrashPoint | None = None
    nth: int = 1

    def __str__(self) -> str:
        where = f" {self.point.value}:{self.nth}" if self.point else ""
        return f"{self.kind.value}, {self.machine}{where}"


_SELDOM_NAMES = (
    "PLANS", "URL", "KEY", "CLAIMS", "CLOSING", "CLOSED", "CLEAR", "OUTBOX", "TIMERS", "HTTP",
)  # fmt: skip
SELDOM = frozenset(
    point for point in CrashPoint if any(name in point.name for name in _SELDOM_NAMES)
)
"""Points that only some kinds of cases come to, or only one of two instances."""


_LEAVES_EFFECTS = CrashPoint.ENGINE_QUEUEING


def service_of(point: CrashPoint) -> str:
    """The service in whose processes a crash point lies."""
    name = point.value.partition("-")[0]
    return name if name in SERVICES else "engine"


def embedded_faults(seed: int, least: int, points: Sequence[CrashPoint]) -> list[Fault]:
    """Kills of the one process: at each of these points, and at random until there are enough."""
    chance = random.Random(f"faults {seed}")
    kills = max(2, least - len(points))
    faults = [
        Fault(Kind.CRASH_POINT, "hookline", point=point, nth=_nth(point, chance))
        for point in points
    ]
    faults += [
        Fault(Kind.KILL, "hookline", seconds=chance.uniform(0.05, 1.0)) for _ in range(kills)
    ]
    chance.shuffle(faults)
    return _with_something_left(faults)


def _with_something_left(faults: Sequence[Fault]) -> list[Fault]:
    """Effects are emitted again only at a start after a death that left some in an outbox."""
    last = [_LEAVES_EFFECTS, CrashPoint.OUTBOX_EMITTING_AGAIN, CrashPoint.OUTBOX_EMITTED_AGAIN]
    by_point = {fault.point: fault for fault in faults}
    others = [fault for fault in faults if fault.point not in last]
    return others + [by_point[point] for point in last if point in by_point]


def real_faults(seed: int, least: int) -> list[Fault]:
    """Each kind at least twice, each service killed at least once, then as chance will have it."""
    chance = random.Random(f"faults {seed}")
    faults = [Fault(Kind.KILL, f"{service}-{chance.choice('12')}") for service in SERVICES]
    for kind in Kind:
        if kind is not Kind.KILL:
            faults += [_real(kind, chance), _real(kind, chance)]
    weighted = _weighted(chance)
    while len(faults) < least:
        faults.append(_real(next(weighted), chance))
    chance.shuffle(faults)
    return faults


def _nth(point: CrashPoint, chance: random.Random) -> int:
    return 1 if point in SELDOM else chance.randint(1, 3)


def _weighted(chance: random.Random) -> Iterator[Kind]:
    """Servers are stopped less often than processes: each time nothing else can be seen."""
    kinds = list(Kind)
    weights = [1 if kind in (Kind.BROKER, Kind.STORE, Kind.PAUSE) else 3 for kind in kinds]
    while True:
        yield chance.choices(kinds, weights)[0]


def _real(kind: Kind, chance: random.Random) -> Fault:
    instance = chance.choice("12")
    match kind:
        case Kind.KILL | Kind.REBALANCE:
            return Fault(kind, f"{chance.choice(SERVICES)}-{instance}")
        case Kind.CRASH_POINT:
            point = chance.choice([one for one in CrashPoint if one not in SELDOM])
            return Fault(kind, f"{service_of(point)}-{instance}", point=point)
        case Kind.WORKER:
            return Fault(kind, f"worker-{instance}")
        case Kind.FREEZE:
            return Fault(kind, f"{chance.choice(CONSUMERS)}-{instance}")
        case Kind.PAUSE:
            return Fault(kind, "store", seconds=chance.uniform(1.0, 2.5))
        case Kind.BROKER:
            return Fault(kind, "broker", seconds=chance.uniform(0.2, 1.0))
        case Kind.STORE:
            return Fault(kind, "store", seconds=chance.uniform(0.2, 1.0))
