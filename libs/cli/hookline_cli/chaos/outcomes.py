"""The right outcome of each kind of case, from the case alone. Pure."""

from collections.abc import Mapping

import msgspec

from hookline_cli.chaos.cases import FAN_OUT, Case, Kind

A, B = "a", "b"


class Outcome(msgspec.Struct, frozen=True):
    """What must have happened at the end.

    Each of `executions` waiting ones has taken the events `taken` (no others, none twice) and has
    the status `ends`. Of each group in `started` exactly one execution was started, and none for
    any other event. `verdicts` are those that an accepted event may have; one that was sent more
    than once may also be a duplicate.
    """

    executions: int = 0
    taken: frozenset[str] = frozenset()
    ends: str = "COMPLETED"
    started: tuple[frozenset[str], ...] = ()
    verdicts: Mapping[str, frozenset[str]] = {}


def _resumed(count: int = 1, *events: str) -> Outcome:
    taken = events or (A,)
    verdicts = dict.fromkeys(taken, frozenset({"resumed"}))
    return Outcome(count, frozenset(taken), verdicts=verdicts)


_STARTED = (frozenset({A}),)
_BOTH = Outcome(
    1, frozenset({A}), started=_STARTED, verdicts={A: frozenset({"resumed_and_started"})}
)
_KEYED = frozenset({"started", "failed"})

_OUTCOMES: Mapping[Kind, Outcome] = {
    Kind.RESUME: _resumed(),
    Kind.START: Outcome(started=_STARTED, verdicts={A: frozenset({"started"})}),
    Kind.BOTH: _BOTH,
    Kind.EARLY: _resumed(),
    Kind.DUPLICATE: _BOTH,
    Kind.REPLAYED: _BOTH,
    Kind.FORGED: Outcome(
        1,
        frozenset({A}),
        verdicts={A: frozenset({"resumed"}), B: frozenset({"rejected"})},
    ),
    Kind.FAN_OUT: _resumed(FAN_OUT),
    Kind.UNMATCHED: Outcome(verdicts={A: frozenset({"unmatched"})}),
    Kind.REDELIVERED: Outcome(1, frozenset({A}), verdicts={A: frozenset({"unmatched", "resumed"})}),
    Kind.CANCELLED: Outcome(1, ends="TERMINATED", verdicts={A: frozenset({"unmatched", "failed"})}),
    Kind.KEYED: Outcome(started=(frozenset({A, B}),), verdicts={A: _KEYED, B: _KEYED}),
    Kind.LOOP: _resumed(1, A, B),
    Kind.TIMER: _resumed(),
    Kind.CHANGED: _resumed(),
    Kind.HTTP: _resumed(),
}


def outcome_of(case: Case) -> Outcome:
    """The right outcome of a case; its events are named as in the case."""
    return _OUTCOMES[case.kind]
