"""What `hookline replay` says: a job in a line, what a dry run foresees, what became of it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any


def describe_job(job: Mapping[str, Any]) -> str:
    """One line: the id, since when, the state, how far, and what was left out."""
    made = datetime.fromtimestamp(job["createdAt"] / 1000).astimezone()
    counts = job["counts"]
    left_out = ", ".join(_left_out(counts))
    return "  ".join(
        part
        for part in (
            job["id"],
            f"{made:%Y-%m-%d %H:%M:%S}",
            f"{job['state']:<8}",
            f"{counts['examined']} of {counts['selected']}, {counts['appended']} replayed",
            left_out,
            job.get("error", ""),
        )
        if part
    )


def _left_out(counts: Mapping[str, int]) -> Iterator[str]:
    for name, what in (
        ("expired", "expired: their requests are kept no longer"),
        ("unreadable", "unreadable: their requests cannot be opened"),
        ("skipped", "skipped: they changed meanwhile, or are replays of others"),
    ):
        if counts[name]:
            yield f"{counts[name]} {what}"


def describe_end(job: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What a finished replay came to; `events` are as far as they were looked at."""
    counts = job["counts"]
    yield f"{counts['appended']} of {counts['selected']} events replayed"
    for line in _left_out(counts):
        yield f"  {line}"
    became = Counter(_became(event) for event in events)
    for what, count in became.most_common():
        yield f"  {count} {what}"


def _became(event: Mapping[str, Any]) -> str:
    verdict = event.get("replayVerdict", "on their way")
    reason = event.get("replayReason")
    return f"{verdict} ({reason})" if reason else str(verdict)


def describe_totals(preview: Mapping[str, Any]) -> Iterator[str]:
    """How many events, and what the replay of those that were looked at would come to."""
    selected, examined = preview["selected"], preview["examined"]
    if not selected:
        yield "No event meets this. See what there is with: hookline webhooks events WEBHOOK"
        return
    of = "" if examined >= selected else f"; of the first {examined}"
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in preview["verdicts"].items())
    yield f"{selected} events{of}: {verdicts or 'none left as it was'}"
    again = preview["alreadyStarted"]
    more = f" ({again} were started before: --restart starts them again)" if again else ""
    yield f"would resume {preview['resumes']} tasks and start {preview['starts']} workflows{more}"


def describe_preview(preview: Mapping[str, Any]) -> Iterator[str]:
    """A line for each event, its effects below it, the totals, and what cannot be said."""
    for event in preview["events"]:
        came = datetime.fromtimestamp(event["receivedAt"] / 1000).astimezone()
        why = event.get("reason", "")
        yield (
            f"{came:%Y-%m-%d %H:%M:%S}  {event['id']}  {event.get('type', '-'):<24}"
            f"  {event['verdict']} -> {event['wouldBe']}  {why}"
        ).rstrip()
        for effect in event.get("effects", ()):
            yield f"    {_effect(effect)}"
    yield from describe_totals(preview)
    if preview["selected"]:
        yield "Not foreseen:"
        yield from (f"  - {sentence}" for sentence in preview["notForeseen"])


def _effect(effect: Mapping[str, Any]) -> str:
    where = f"{effect['workflowName']} {effect.get('workflowId', '')}".rstrip()
    what = f"{effect['kind']} {where}"
    if effect.get("taskRef"):
        what += f" at {effect['taskRef']}"
    return f"no {what}: {effect['error']}" if effect.get("code") else what
