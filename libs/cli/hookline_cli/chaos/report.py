"""What a run prints at its end: cases by kind, events by verdict, violations, the seed."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from hookline_cli.chaos.audit import Name, Violation, events_by_verdict
from hookline_cli.chaos.ledger import Entry
from hookline_cli.chaos.stream import Run

_SHOWN = 20
GUARANTEED = (Name.LOST, Name.COMPLETED_TWICE, Name.STARTED_TWICE, Name.WITHOUT_VERDICT)


def report(run: Run, violations: Sequence[Violation]) -> list[str]:
    """The lines of the report."""
    kinds = Counter(one.case.kind.value for one in run.played)
    lines = [
        _headline(run),
        "",
        *table("cases by kind", kinds),
        *table("events by outcome", events_by_verdict(run.observed)),
        *table("work in the ledger", _ledger_counts(run.ledger)),
        *table("tries that were repeated", run.faults),
        *table("violations", _counted(violations)),
    ]
    lines += [f"  {one.name.value} {one.id}: {one.says}" for one in violations[:_SHOWN]]
    if len(violations) > _SHOWN:
        lines.append(f"  … and {len(violations) - _SHOWN} more")
    return lines


def _headline(run: Run) -> str:
    sent = sum(len(one.sendings) for one in run.played)
    return (
        f"seed {run.seed}: {len(run.played)} cases, {sent} acknowledged events,"
        f" {run.resent} of them sent more than once"
    )


def table(title: str, counts: Mapping[str, int]) -> list[str]:
    """A title and a column of numbers; nothing where there is nothing to count."""
    if not counts:
        return []
    width = max(len(name) for name in counts)
    rows = [f"  {name:<{width}} {count:>7}" for name, count in sorted(counts.items())]
    return [title, *rows, ""]


def _counted(violations: Iterable[Violation]) -> dict[str, int]:
    """The guaranteed ones are named even where there are none."""
    counts = Counter(violation.name.value for violation in violations)
    return {name.value: 0 for name in GUARANTEED} | dict(counts)


def _ledger_counts(ledger: Sequence[Entry]) -> Counter[str]:
    return Counter(entry.what for entry in ledger)
