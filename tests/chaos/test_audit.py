"""The audit says of each way in which a run can go wrong what it is, and nothing of a good one."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from hookline_cli.chaos.audit import Name, audit
from hookline_cli.chaos.cases import Case, Kind, as_many, cases
from hookline_cli.chaos.journal import Played, Sending
from hookline_cli.chaos.ledger import Entry, Ledger, read_ledger
from hookline_cli.chaos.observing import Execution, Line, Observed
from hookline_cli.chaos.outcomes import Outcome, outcome_of

EVENT = "e"


def _case(kind: Kind) -> Case:
    return Case(7, kind, "github", "order-7")


def _line(task_id: str, ref: str, status: str = "COMPLETED", **more: object) -> Line:
    return Line(task_id, ref, status, attempt=0, ended_at=1000, **more)  # type: ignore[arg-type]


def _waited(case: Case, key: str) -> Execution:
    """An execution that has taken what it should, each event in a task of its own."""
    outcome = outcome_of(case)
    lines: list[Line] = []
    for which in sorted(outcome.taken):
        lines.append(_line(f"{key}-{which}", f"taken__{which}", delivery=case.delivery(which)))
        lines.append(_line(f"{key}-w{which}", f"work__{which}"))
    return Execution(key, outcome.ends, tuple(lines))


def _good(kind: Kind) -> tuple[Played, Observed, list[Entry]]:
    """A case that was played and went as it should."""
    case = _case(kind)
    outcome = outcome_of(case)
    executions = {f"x{n}": _waited(case, f"x{n}") for n in range(outcome.executions)}
    sendings = tuple(
        Sending(case.delivery(which), f"{EVENT}{which}", 1) for which in outcome.verdicts
    )
    verdicts = {
        f"{EVENT}{which}": sorted(allowed)[-1] for which, allowed in outcome.verdicts.items()
    }
    started = tuple(
        Execution(f"s{n}", "COMPLETED", delivery=case.delivery(min(group)))
        for n, group in enumerate(outcome.started)
    )
    ledger = [
        Entry(what, line.task_id, key, line.ref, 0, 900, case.order, case.delivery(line.ref[-1]))
        for key, execution in executions.items()
        for line in execution.lines
        if line.ref.startswith("work")
        for what in ("given", "acknowledged")
    ]
    played = Played(case, tuple(executions), sendings)
    return played, Observed(executions, started, verdicts), ledger


def _names(
    played: Played, observed: Observed, ledger: Sequence[Entry], broken: Sequence[str] = ()
) -> set[Name]:
    return {violation.name for violation in audit([played], observed, ledger, broken)}


@pytest.mark.parametrize("kind", Kind)
def test_what_went_as_it_should_is_no_violation(kind: Kind) -> None:
    assert _names(*_good(kind)) == set()


@pytest.mark.parametrize("kind", [kind for kind in Kind if outcome_of(_case(kind)).taken])
def test_an_event_that_resumed_nobody_is_lost(kind: Kind) -> None:
    played, observed, ledger = _good(kind)
    waiting = {key: Execution(key, "RUNNING") for key in observed.executions}

    assert _names(played, replace(observed, executions=waiting), ledger) >= {Name.LOST}


@pytest.mark.parametrize("kind", [kind for kind in Kind if outcome_of(_case(kind)).started])
def test_an_event_that_started_nothing_is_lost(kind: Kind) -> None:
    played, observed, ledger = _good(kind)

    assert _names(played, replace(observed, started=()), ledger) == {Name.LOST}


@pytest.mark.parametrize("kind", [kind for kind in Kind if outcome_of(_case(kind)).started])
def test_a_second_execution_of_an_event_is_one_too_many(kind: Kind) -> None:
    played, observed, ledger = _good(kind)
    again = replace(observed.started[0], id="another")

    assert _names(played, replace(observed, started=(*observed.started, again)), ledger) == {
        Name.STARTED_TWICE
    }


def test_a_second_execution_that_only_the_ledger_knows_is_found_as_well() -> None:
    played, observed, ledger = _good(Kind.START)
    hidden = Entry("given", "t", "hidden", "work", 0, 1, "o", played.case.delivery("a"))

    assert _names(played, observed, [*ledger, hidden]) == {Name.STARTED_TWICE}


@pytest.mark.parametrize("verdict", ["", "pending"])
def test_an_accepted_event_needs_a_verdict(verdict: str) -> None:
    played, observed, ledger = _good(Kind.UNMATCHED)

    assert _names(played, replace(observed, verdicts={"ea": verdict}), ledger) == {
        Name.WITHOUT_VERDICT
    }


def test_a_forged_event_must_be_rejected() -> None:
    played, observed, ledger = _good(Kind.FORGED)
    wrong = replace(observed, verdicts={**observed.verdicts, "eb": "resumed"})

    assert _names(played, wrong, ledger) == {Name.WRONG_VERDICT}


def test_a_forged_event_that_is_sent_twice_is_still_no_duplicate() -> None:
    played, observed, ledger = _good(Kind.FORGED)
    twice = tuple(replace(sending, tries=2) for sending in played.sendings)
    wrong = replace(observed, verdicts={**observed.verdicts, "eb": "duplicate"})

    assert _names(replace(played, sendings=twice), wrong, ledger) == {Name.WRONG_VERDICT}


@pytest.mark.parametrize(("tries", "found"), [(1, {Name.WRONG_VERDICT}), (2, set[Name]())])
def test_only_what_was_sent_again_may_be_a_duplicate(tries: int, found: set[Name]) -> None:
    played, observed, ledger = _good(Kind.RESUME)
    sent = tuple(replace(sending, tries=tries) for sending in played.sendings)
    duplicate = replace(observed, verdicts={"ea": "duplicate"})

    assert _names(replace(played, sendings=sent), duplicate, ledger) == found


def test_an_event_that_may_start_nothing_has_no_execution() -> None:
    played, observed, ledger = _good(Kind.FORGED)
    wrong = (Execution("s", "COMPLETED", delivery=played.case.delivery("b")),)

    assert _names(played, replace(observed, started=wrong), ledger) == {Name.NOT_EARNED}


def test_an_execution_takes_only_its_own_events() -> None:
    played, observed, ledger = _good(Kind.CANCELLED)
    taken = Execution("x0", "TERMINATED", (_line("t", "taken", delivery="foreign"),))

    assert _names(played, replace(observed, executions={"x0": taken}), ledger) == {Name.NOT_EARNED}


def test_one_event_in_two_rounds_of_a_loop_completed_twice() -> None:
    played, observed, ledger = _good(Kind.LOOP)
    case = played.case
    twice = Execution(
        "x0",
        "COMPLETED",
        tuple(_line(f"t{n}", f"taken__{n}", delivery=case.delivery("a")) for n in (1, 2)),
    )

    assert Name.COMPLETED_TWICE in _names(
        played, replace(observed, executions={"x0": twice}), ledger[:0]
    )


def test_work_that_is_given_out_after_its_acknowledgement_is_done_twice() -> None:
    played, observed, ledger = _good(Kind.RESUME)

    assert _names(played, observed, [*ledger, ledger[0]]) == {Name.COMPLETED_TWICE}


def test_two_first_attempts_of_one_task_are_one_too_many() -> None:
    played, observed, ledger = _good(Kind.RESUME)
    other = replace(ledger[0], task_id="other")

    assert _names(played, observed, [*ledger, other]) == {Name.COMPLETED_TWICE}


@pytest.mark.parametrize(
    ("status", "ended_at", "found"),
    [
        ("SCHEDULED", 0, {Name.LOST}),
        ("TIMED_OUT", 800, set[Name]()),
        ("TIMED_OUT", 10_000, {Name.LOST}),
    ],
)
def test_acknowledged_work_is_remembered(status: str, ended_at: int, found: set[Name]) -> None:
    played, observed, ledger = _good(Kind.RESUME)
    execution = observed.executions["x0"]
    lines = tuple(
        replace(line, status=status, ended_at=ended_at) if line.ref.startswith("work") else line
        for line in execution.lines
    )
    changed = {"x0": replace(execution, lines=lines)}

    assert _names(played, replace(observed, executions=changed), ledger) == found


def test_a_case_that_was_broken_off_is_named() -> None:
    played, observed, ledger = _good(Kind.RESUME)

    assert _names(played, observed, ledger, ["resume o: refused"]) == {Name.BROKEN_OFF}


# --- cases and ledger ---


def test_the_same_seed_gives_the_same_cases_and_each_kind_at_once() -> None:
    def first(seed: int, mark: str) -> list[Case]:
        stream = cases(seed, mark)
        return [next(stream) for _ in range(200)]

    assert first(3, "m") == first(3, "m")
    assert [case.kind for case in first(3, "m")] == [case.kind for case in first(3, "other")]
    assert [case.kind for case in first(3, "m")] != [case.kind for case in first(4, "m")]
    assert {case.kind for case in first(3, "m")[:15]} == set(Kind) - {Kind.HTTP}


def test_cases_are_taken_until_there_are_events_enough() -> None:
    taken = list(as_many(cases(1, "m"), 50))

    assert 50 <= sum(case.events for case in taken) < 53


@pytest.mark.parametrize("kind", Kind)
def test_every_event_of_a_case_has_a_verdict_to_expect(kind: Kind) -> None:
    outcome: Outcome = outcome_of(_case(kind))

    assert outcome.taken <= outcome.verdicts.keys()
    assert {which for group in outcome.started for which in group} <= outcome.verdicts.keys()


async def test_a_ledger_is_read_as_it_was_written_by_several(tmp_path: object) -> None:
    path = tmp_path / "ledger.jsonl"  # type: ignore[operator]
    entries = [Entry("given", f"t{n}", "w", "work", 0, n) for n in range(4)]
    one, other = Ledger(path), Ledger(path)
    for n, entry in enumerate(entries):
        await (one, other)[n % 2].write(entry)
    one.close()
    other.close()

    assert read_ledger(path) == entries
