"""The audit: every id is accounted for, or is a violation that has a name. Pure.

Expected outcomes come from the cases, observed ones from executions by REST and from the ledger.
"""

import enum
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from hookline_cli.chaos.journal import Played, Sending
from hookline_cli.chaos.ledger import Entry
from hookline_cli.chaos.observing import Execution, Observed
from hookline_cli.chaos.outcomes import Outcome, outcome_of

CLOCKS_APART_MS = 500


class Name(enum.Enum):
    """What can go wrong. The first four are what the guarantees are about."""

    LOST = "acknowledged-but-lost"
    COMPLETED_TWICE = "completed-twice"
    STARTED_TWICE = "started-twice"
    WITHOUT_VERDICT = "without-verdict"
    NOT_EARNED = "effect-without-cause"
    WRONG_VERDICT = "wrong-verdict"
    BROKEN_OFF = "case-broken-off"


class Violation(msgspec.Struct, frozen=True):
    """One violation: which id, and what was seen of it."""

    name: Name
    id: str
    says: str


def audit(
    played: Sequence[Played], observed: Observed, ledger: Sequence[Entry], broken: Iterable[str]
) -> list[Violation]:
    """All violations, each id once per name."""
    found = [Violation(Name.BROKEN_OFF, text.split(":", 1)[0], text) for text in broken]
    found += _ledger_violations(ledger)
    starts, acknowledged = _starts(observed, ledger), _acknowledged(ledger)
    for one in played:
        found += _verdict_violations(one, observed)
        found += _execution_violations(one, observed, acknowledged)
        found += _start_violations(one, starts)
    found += _foreign_starts(played, starts)
    return list({(violation.name, violation.id): violation for violation in found}.values())


# --- verdicts ---


def _verdict_violations(played: Played, observed: Observed) -> Iterator[Violation]:
    outcome = outcome_of(played.case)
    names = {played.case.delivery(which): which for which in outcome.verdicts}
    sent = _times_sent(played.sendings)
    for sending in played.sendings:
        verdict = observed.verdicts.get(sending.event_id, "")
        where = f"{played.case.kind.value} {played.case.order}, delivery {sending.delivery}"
        if verdict in ("", "pending"):
            yield Violation(Name.WITHOUT_VERDICT, sending.event_id, f"{verdict or 'none'}: {where}")
            continue
        allowed = outcome.verdicts[names[sending.delivery]]
        if sent[sending.delivery] > 1 and "rejected" not in allowed:
            # Whichever of several came first has the effect; one that ended without is taken over.
            allowed |= {"duplicate", "unmatched"}
        if verdict not in allowed:
            text = f"{verdict} instead of {' or '.join(sorted(allowed))}: {where}"
            yield Violation(Name.WRONG_VERDICT, sending.event_id, text)


def _times_sent(sendings: Iterable[Sending]) -> Counter[str]:
    sent: Counter[str] = Counter()
    for sending in sendings:
        sent[sending.delivery] += sending.tries
    return sent


# --- executions that waited ---


def _execution_violations(
    played: Played, observed: Observed, acknowledged: dict[str, list[Entry]]
) -> Iterator[Violation]:
    outcome = outcome_of(played.case)
    wanted = {played.case.delivery(which) for which in outcome.taken}
    for workflow_id in played.executions:
        execution = observed.executions[workflow_id]
        where = f"{played.case.kind.value} {played.case.order}, execution {workflow_id}"
        taken = Counter(execution.taken)
        yield from _lost(execution, outcome, wanted - set(taken), where)
        for delivery, times in taken.items():
            if delivery not in wanted:
                yield Violation(Name.NOT_EARNED, workflow_id, f"it took {delivery}: {where}")
            if times > 1:
                yield Violation(
                    Name.COMPLETED_TWICE, workflow_id, f"it took {delivery} {times} times: {where}"
                )
        yield from _completed_twice(execution, where)
        yield from _forgotten_work(execution, acknowledged.get(workflow_id, ()), where)


def _lost(
    execution: Execution, outcome: Outcome, missing: set[str], where: str
) -> Iterator[Violation]:
    for delivery in sorted(missing):
        yield Violation(Name.LOST, delivery, f"it resumed nobody: {where}")
    if execution.status != outcome.ends:
        text = f"{execution.status} instead of {outcome.ends}: {where}"
        yield Violation(Name.LOST, execution.id, text)


def _completed_twice(execution: Execution, where: str) -> Iterator[Violation]:
    done = Counter(line.ref for line in execution.lines if line.status == "COMPLETED")
    for ref, times in done.items():
        if times > 1:
            text = f"{ref} was completed {times} times: {where}"
            yield Violation(Name.COMPLETED_TWICE, execution.id, text)


def _forgotten_work(
    execution: Execution, acknowledged: Iterable[Entry], where: str
) -> Iterator[Violation]:
    """A worker was told that its completion was taken, and the task knows nothing of it.

    A task that had timed out before takes nothing any more; one that timed out afterwards has
    forgotten what it took.
    """
    lines = {line.task_id: line for line in execution.lines}
    for entry in acknowledged:
        line = lines.get(entry.task_id)
        seen = "gone" if line is None else line.status
        too_late = line is not None and 0 < line.ended_at <= entry.at + CLOCKS_APART_MS
        if seen != "COMPLETED" and not (seen == "TIMED_OUT" and too_late):
            yield Violation(Name.LOST, entry.task_id, f"acknowledged, but {seen}: {where}")


def _acknowledged(ledger: Iterable[Entry]) -> dict[str, list[Entry]]:
    """What workers were thanked for, by execution."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in ledger:
        if entry.what == "acknowledged":
            found[entry.workflow_id].append(entry)
    return found


# --- the ledger alone ---


def _ledger_violations(ledger: Sequence[Entry]) -> Iterator[Violation]:
    """Work that was given out again after it was acknowledged, or that exists twice."""
    acknowledged: set[str] = set()
    first: dict[tuple[str, str], str] = {}
    eaten: dict[tuple[str, str], str] = {}
    for entry in ledger:
        where = f"{entry.ref} of {entry.workflow_id}, {entry.order}"
        if entry.what == "acknowledged":
            acknowledged.add(entry.task_id)
            continue
        if entry.task_id in acknowledged:
            text = f"given to a worker again after its completion was acknowledged: {where}"
            yield Violation(Name.COMPLETED_TWICE, entry.task_id, text)
        if (
            entry.attempt == 0
            and first.setdefault((entry.workflow_id, entry.ref), entry.task_id) != entry.task_id
        ):
            yield Violation(Name.COMPLETED_TWICE, entry.task_id, f"scheduled twice: {where}")
        if eaten.setdefault((entry.workflow_id, entry.delivery), entry.ref) != entry.ref:
            text = f"{entry.delivery} was taken by two tasks: {where}"
            yield Violation(Name.COMPLETED_TWICE, entry.workflow_id, text)


# --- executions that were started ---

_Starts = dict[str, set[str]]


def _starts(observed: Observed, ledger: Sequence[Entry]) -> _Starts:
    """The executions that each delivery has started, by REST and by the ledger."""
    starts: _Starts = defaultdict(set)
    for execution in observed.started:
        starts[execution.delivery].add(execution.id)
    for entry in ledger:
        if entry.workflow_id not in observed.executions and entry.what == "given":
            starts[entry.delivery].add(entry.workflow_id)
    return starts


def _start_violations(played: Played, starts: _Starts) -> Iterator[Violation]:
    case = played.case
    for group in outcome_of(case).started:
        deliveries = sorted(case.delivery(which) for which in group)
        found = {key for delivery in deliveries for key in starts.get(delivery, ())}
        where = f"{case.kind.value} {case.order}, deliveries {', '.join(deliveries)}"
        if not found:
            yield Violation(Name.LOST, deliveries[0], f"it started nothing: {where}")
        if len(found) > 1:
            text = f"it started {', '.join(sorted(found))}: {where}"
            yield Violation(Name.STARTED_TWICE, deliveries[0], text)


def _foreign_starts(played: Sequence[Played], starts: _Starts) -> Iterator[Violation]:
    """Executions that no event of the run may have started; a case broken off may have some."""
    for one in played:
        outcome = outcome_of(one.case)
        rightful = {which for group in outcome.started for which in group}
        for which in outcome.verdicts:
            found = starts.get(one.case.delivery(which), set())
            if found and which not in rightful:
                text = f"it started {', '.join(sorted(found))}: {one.case.kind.value}"
                yield Violation(Name.NOT_EARNED, one.case.delivery(which), text)


def events_by_verdict(observed: Observed) -> Counter[str]:
    """How many acknowledged events ended in which verdict."""
    return Counter(verdict or "none" for verdict in observed.verdicts.values())
