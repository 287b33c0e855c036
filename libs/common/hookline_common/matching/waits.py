"""From the input of a waiting task to its Wait: checked when saved, resolved when it starts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hookline_common.durations import DurationSyntaxError, parse_duration
from hookline_common.errors import HooklineError
from hookline_common.expressions import has_placeholder, is_placeholder
from hookline_common.expressions.templates import escape_pointer
from hookline_common.jsonpath import is_array, is_object
from hookline_common.matching.clauses import (
    NOT_YET,
    Deferred,
    Violation,
    equality_paths,
    is_never_resolved,
    match_violations,
    refuse,
    split,
)
from hookline_common.messages import Wait

ON_TIMEOUT = ("COMPLETE", "FAIL")
INCLUDE = ("event",)
_LONGEST_LOOKBACK_SECONDS = 366 * 24 * 60 * 60


class WaitUnresolvable(HooklineError):
    """The wait cannot be opened: no event could ever meet it."""


def check_wait(input_parameters: Mapping[str, Any], pointer: str = "/inputParameters") -> None:
    """Check the input of a waiting task when its definition is saved; raises BadRequest."""
    refuse(wait_violations(input_parameters, pointer))


def wait_violations(input_parameters: Mapping[str, Any], pointer: str) -> list[Violation]:
    """All that is wrong with the input of a waiting task; expressions are checked at its start."""
    written = input_parameters.get("matches")
    return list(_violations(input_parameters, pointer, has_placeholder, written))


def definition_paths(input_parameters: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The equality paths of a waiting task's plan; None if they are known only at its start."""
    matches = input_parameters.get("matches")
    return equality_paths(matches) if is_object(matches) else None


def resolve_wait(
    template: Mapping[str, Any],
    resolved: Mapping[str, Any],
    *,
    workflow: str,
    version: int,
    opened_at: int,
    unresolved: Sequence[tuple[str, str]] = (),
) -> Wait:
    """The Wait of a task that starts.

    `template` is its inputParameters as written, `resolved` the same after evaluation,
    `unresolved` what `expressions.unresolved` says of the template's `matches` (it also finds an
    expression without a value inside a longer text). Raises WaitUnresolvable, whose text is the
    reason.
    """
    _refuse_nothing(template, resolved, unresolved)
    written = _written(template, resolved)
    _refuse_violations(resolved, written)
    clauses = split(resolved["matches"], written)
    return Wait(
        workflow=workflow,
        version=version,
        paths=clauses.paths,
        values=clauses.values,
        clauses=clauses.operators,
        webhooks=_names(resolved.get("webhooks")),
        early_events=resolved.get("earlyEvents") is not False,
        lookback_seconds=resolved.get("lookbackSeconds") or 0,
        timeout_at=_deadline(resolved.get("timeout"), opened_at),
        include_event="event" in (resolved.get("include") or ()),
    )


def _written(template: Mapping[str, Any], resolved: Mapping[str, Any]) -> Any:
    """The clauses as somebody wrote them: in the definition, or in what one expression gave."""
    matches = template.get("matches")
    return matches if is_object(matches) else resolved.get("matches")


def _refuse_nothing(
    template: Mapping[str, Any],
    resolved: Mapping[str, Any],
    unresolved: Sequence[tuple[str, str]],
) -> None:
    """An expression without a value would make a wait that nothing can meet."""
    nulls = _nulls(template.get("matches"), resolved.get("matches"), "")
    for pointer, source in (*unresolved, *nulls):
        raise WaitUnresolvable(f"/matches{pointer}: {source} resolves to nothing")


def _nulls(template: Any, resolved: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """The places where the template has an expression and the result has null."""
    if is_object(template) and is_object(resolved):
        for name, value in template.items():
            yield from _nulls(value, resolved.get(name), f"{pointer}/{escape_pointer(name)}")
    elif is_array(template) and is_array(resolved):
        for index, pair in enumerate(zip(template, resolved, strict=False)):
            yield from _nulls(*pair, f"{pointer}/{index}")
    elif resolved is None and isinstance(template, str) and is_placeholder(template):
        yield pointer, template


def _refuse_violations(resolved: Mapping[str, Any], written: Any) -> None:
    for pointer, message in _violations(resolved, "", is_never_resolved, written):
        raise WaitUnresolvable(f"{pointer}: {message}")


def _violations(
    parameters: Mapping[str, Any], pointer: str, deferred: Deferred, written: Any
) -> Iterator[Violation]:
    for name in NOT_YET:
        if name in parameters:
            yield Violation(f"{pointer}/{name}", f"{name!r} is not supported yet")
    if "matches" not in parameters:
        yield Violation(pointer, "'matches' is missing; {} waits for any event")
    else:
        matches = parameters["matches"]
        yield from match_violations(matches, f"{pointer}/matches", deferred, written)
    for name, problem in _PROBLEMS.items():
        value = parameters.get(name)
        if value is not None and not deferred(value) and (message := problem(value)):
            yield Violation(f"{pointer}/{name}", message)


def _timeout_problem(value: Any) -> str | None:
    if not isinstance(value, str):
        return 'must be a duration such as "30m" or "2 days"'
    try:
        return None if parse_duration(value) > 0 else "must be longer than nothing"
    except DurationSyntaxError as error:
        return str(error)


def _on_timeout_problem(value: Any) -> str | None:
    return None if value in ON_TIMEOUT else f"must be one of {', '.join(ON_TIMEOUT)}"


def _webhooks_problem(value: Any) -> str | None:
    names = value if is_array(value) else [value]
    named = all(isinstance(name, str) and name for name in names)
    return None if named else "must be a list of names of webhooks"


def _early_events_problem(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _lookback_problem(value: Any) -> str | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    fits = whole and 0 <= value <= _LONGEST_LOOKBACK_SECONDS
    return None if fits else f"must be a whole number from 0 to {_LONGEST_LOOKBACK_SECONDS}"


def _include_problem(value: Any) -> str | None:
    known = is_array(value) and all(name in INCLUDE for name in value)
    return None if known else f"must be a list of {', '.join(INCLUDE)}"


_PROBLEMS: dict[str, Callable[[Any], str | None]] = {
    "timeout": _timeout_problem,
    "onTimeout": _on_timeout_problem,
    "webhooks": _webhooks_problem,
    "earlyEvents": _early_events_problem,
    "lookbackSeconds": _lookback_problem,
    "include": _include_problem,
}


def _names(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(value) if is_array(value) else (value,)


def _deadline(timeout: Any, opened_at: int) -> int:
    return 0 if timeout is None else opened_at + parse_duration(timeout)
