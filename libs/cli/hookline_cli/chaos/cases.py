"""The cases of a run, from its seed alone: what is sent, to whom, and in which way. Pure."""

import enum
import random
from collections.abc import Iterator, Sequence

import msgspec

from hookline_common.ids import derived_uuid

FAN_OUT = 10
PLATFORMS = ("github", "slack", "stripe", "standard_webhooks")
"""Four that say their delivery id in different places, with and without a time in the signature."""


class Kind(enum.Enum):
    """What a case is about. The script of each is in scripts.py, its outcome in outcomes.py."""

    RESUME = "resume"
    START = "start"
    BOTH = "both"
    EARLY = "early"
    DUPLICATE = "duplicate"
    REPLAYED = "replayed"
    FORGED = "forged"
    FAN_OUT = "fan-out"
    UNMATCHED = "unmatched"
    REDELIVERED = "redelivered"
    CANCELLED = "cancelled"
    KEYED = "keyed"
    LOOP = "loop"
    TIMER = "timer"
    CHANGED = "changed"
    HTTP = "http"


USUAL = tuple(kind for kind in Kind if kind is not Kind.HTTP)
"""All that need nothing beside Hookline; an HTTP task needs somebody who answers it."""

_EVENTS = {
    Kind.DUPLICATE: 3,
    Kind.REPLAYED: 3,
    Kind.FORGED: 2,
    Kind.REDELIVERED: 2,
    Kind.KEYED: 2,
    Kind.LOOP: 3,
}
_WEIGHTS = {Kind.FAN_OUT: 1, Kind.CHANGED: 2}
_USUAL_WEIGHT = 3


class Case(msgspec.Struct, frozen=True):
    """One case. `order` is what its executions wait for; no other case has it."""

    number: int
    kind: Kind
    platform: str
    order: str

    def delivery(self, which: str) -> str:
        """The sender's id of the case's event `which` ("a", "b")."""
        return derived_uuid(self.order, which)

    @property
    def events(self) -> int:
        """How many events are sent in it."""
        return _EVENTS.get(self.kind, 1)


def cases(seed: int, mark: str, kinds: Sequence[Kind] = USUAL) -> Iterator[Case]:
    """An endless stream: each kind once, then as chance will have it. `mark` names the run."""
    chance = random.Random(seed)  # noqa: S311 - it must be repeatable, not secret
    first = list(kinds)
    chance.shuffle(first)
    weights = [_WEIGHTS.get(kind, _USUAL_WEIGHT) for kind in kinds]
    number = 0
    while True:
        kind = first.pop() if first else chance.choices(kinds, weights)[0]
        yield Case(number, kind, chance.choice(PLATFORMS), f"{mark}-{number:05d}")
        number += 1


def as_many(stream: Iterator[Case], events: int) -> Iterator[Case]:
    """The first cases of a stream that have so many events together."""
    left = events
    while left > 0:
        case = next(stream)
        left -= case.events
        yield case
