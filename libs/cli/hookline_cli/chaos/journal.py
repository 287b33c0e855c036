"""What a run has done and what it was answered: the ground of the audit."""

import msgspec

from hookline_cli.chaos.cases import Case


class Sending(msgspec.Struct, frozen=True):
    """An event that the gateway acknowledged. `tries`: sent so often until it was."""

    delivery: str
    event_id: str
    tries: int


class Played(msgspec.Struct, frozen=True):
    """A case that was played to its end: its executions, and its events by name."""

    case: Case
    executions: tuple[str, ...]
    sendings: tuple[Sending, ...]


class Journal:
    """Collects what was played."""

    def __init__(self) -> None:
        self.played: list[Played] = []
        self.broken_off: list[str] = []

    def add(self, played: Played) -> None:
        """A case was played to its end."""
        self.played.append(played)

    def break_off(self, case: Case, reason: str) -> None:
        """A case could not be played to its end."""
        self.broken_off.append(f"{case.kind.value} {case.order}: {reason}")
