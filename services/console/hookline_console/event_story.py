"""The record of an event as a story: one sentence, the stations it passed, and every step."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hookline_console.moments import exact_text

Record = Mapping[str, Any]
"""An event as `GET /webhook-events/{id}` answers it, or as it is in a list, without `steps`."""

_SERVICES = {
    "ingest": ("Gateway", "gate"),
    "verifier": ("Verifier", "shield"),
    "matcher": ("Matcher", "flow"),
    "engine": ("Engine", "engine"),
}
_SAID = {
    "received": "Received and stored in the log",
    "verified": "Every check holds",
    "rejected": "Rejected",
    "matched": "Compared with the waiting tasks and the start rules",
    "duplicate": "Recognised as a delivery that came before",
    "resume applied": "Resumed a waiting task",
    "start applied": "Started a workflow",
}
_NOTHING = {
    "unmatched": "Nothing waited for this event, and it started nothing",
    "duplicate": "This delivery came before, so it had no effect of its own",
    "rejected": "Rejected, without effect",
    "failed": "It matched, but no effect took hold",
    "handshake": "A handshake of the platform, answered when it came",
    "paused": "The webhook was paused: the event is kept, without effect",
    "dead": "It could not be handled and lies in the dead letters",
    "pending": "On its way",
}


_ABSENT = dict.fromkeys(("type", "deliveryId", "duplicateOf", "replayOf", "reason", "detail"), "")
_ABSENT_IN_EFFECT = dict.fromkeys(
    ("workflowId", "workflowName", "taskId", "taskRef", "code", "error"), ""
) | {"version": 0}


class Stop(msgspec.Struct, frozen=True):
    """A station of the rail. `kind` is empty for passed, `warn`, or `off` for not reached;
    `hop` is the time to the next one in words, empty at the last."""

    name: str
    icon: str
    note: str
    kind: str = ""
    hop: str = ""
    at: int | None = None


class Happening(msgspec.Struct, frozen=True):
    """A step: `after` the arrival in words, what was done, and what is known beside it."""

    after: str
    text: str
    at: int
    detail: str = ""
    error: str = ""
    attempt: int = 1
    effect: Mapping[str, Any] | None = None


class Leg(msgspec.Struct, frozen=True):
    """What one service did, until another went on."""

    name: str
    icon: str
    after: str
    happenings: Sequence[Happening]


def filled(record: Record) -> Record:
    """The record with empty texts where the API leaves a field out, for templates."""
    effects = [{**_ABSENT_IN_EFFECT, **one} for one in _effects(record)]
    checks = [{"detail": ""} | one for one in record.get("verification", {}).get("checks", ())]
    return {**_ABSENT, "replays": [], **record, "effects": effects, "checks": checks}


def sentence(record: Record) -> str:
    """What happened, to what, and how long it took."""
    applied = [one for one in _effects(record) if one["status"] == "applied"]
    lasted = took(record)
    if lasted is None:
        return f"{_told(applied) if applied else _nothing(record)}."
    if applied:
        return f"{_told(applied)}, {exact_text(lasted)} after it came."
    return f"{_nothing(record)}. That was clear {exact_text(lasted)} after it came."


def took(record: Record) -> int | None:
    """Milliseconds from arrival to the verdict; None while there is none.

    A replay keeps the arrival of its first event: its own time counts from its judgement.
    """
    ends = max(record.get("doneAt", 0), record.get("matchedAt", 0), record.get("verifiedAt", 0))
    if record["verdict"] == "pending" or not ends:
        return None
    return max(0, ends - _begun(record))


def stations(record: Record) -> Sequence[Stop]:
    """Gateway, verifier, matcher, engine, and the end."""
    times = _station_times(record)
    known = [at for at in times if at is not None]
    stops = [
        _gateway(record),
        _verifier(record, times[1]),
        _matcher(record, times[2]),
        _engine(record, times[3]),
        _last(record, known),
    ]
    hops = [
        _hop(here, there)
        for here, there in zip(times, [*times[1:], record.get("doneAt") or None], strict=True)
    ]
    return [
        msgspec.structs.replace(stop, hop=hop)
        for stop, hop in zip(stops, [*hops[:4], ""], strict=True)
    ]


def way(record: Record) -> Sequence[Leg]:
    """Every recorded step, those that follow each other in one service together."""
    begun = _begun(record)
    effects = {one["id"]: one for one in _effects(record)}
    legs: list[tuple[str, list[Happening]]] = []
    for step in record.get("steps", ()):
        if not legs or legs[-1][0] != step["service"]:
            legs.append((step["service"], []))
        legs[-1][1].append(_happening(step, record, effects, begun))
    return [_leg(service, happenings) for service, happenings in legs]


def _begun(record: Record) -> int:
    if record.get("replayOf"):
        return int(record.get("verifiedAt") or record["receivedAt"])
    return int(record["receivedAt"])


def _effects(record: Record) -> Sequence[Mapping[str, Any]]:
    return record.get("effects", ())


def _told(applied: Sequence[Mapping[str, Any]]) -> str:
    parts: list[str] = []
    for kind, verb, things in (("resume", "resumed", "tasks"), ("start", "started", "workflows")):
        those = [one for one in applied if one["kind"] == kind]
        if len(those) == 1:
            parts.append(f"{verb} {_named(those[0])}")
        elif those:
            parts.append(f"{verb} {len(those)} {things}")
    told = " and ".join(parts)
    return told[:1].upper() + told[1:]


def _named(effect: Mapping[str, Any]) -> str:
    name = f"{effect.get('workflowName', '')} version {effect.get('version', 0)}"
    return f"{effect['taskRef']} of {name}" if effect.get("taskRef") else name


def _nothing(record: Record) -> str:
    verdict = str(record["verdict"])
    told = _NOTHING.get(verdict, verdict)
    detail = str(record.get("detail", "")).rstrip(".")
    return f"{told}: {detail}" if detail and verdict in ("rejected", "failed", "dead") else told


def _station_times(record: Record) -> list[int | None]:
    effect_times = [one["at"] for one in _effects(record) if one.get("at")]
    engine = min(effect_times) if effect_times else None
    matched = record.get("matchedAt") or None
    return [_begun(record), record.get("verifiedAt") or None, matched, engine]


def _hop(here: int | None, there: int | None) -> str:
    return exact_text(max(0, there - here)) if here is not None and there is not None else "–"


def _gateway(record: Record) -> Stop:
    return Stop("Gateway", "gate", "received", at=record["receivedAt"])


def _verifier(record: Record, at: int | None) -> Stop:
    if record["verdict"] == "rejected":
        return Stop("Verifier", "rejected", "a check failed", "warn", at=at)
    if at is None:
        return Stop("Verifier", "shield", "not reached", "off")
    return Stop("Verifier", "shield", "checks hold" if record.get("verified") else "judged", at=at)


def _matcher(record: Record, at: int | None) -> Stop:
    if at is None:
        return Stop("Matcher", "flow", "not reached", "off")
    kinds = [one["kind"] for one in _effects(record)]
    if not kinds:
        word = "came before" if record["verdict"] == "duplicate" else "no match"
        icon = "duplicate" if record["verdict"] == "duplicate" else "unmatched"
        return Stop("Matcher", icon, word, "warn", at=at)
    counts = (("resume", "wait"), ("start", "start"))
    found = [_count(kinds.count(kind), word) for kind, word in counts if kind in kinds]
    return Stop("Matcher", "flow", ", ".join(found), at=at)


def _engine(record: Record, at: int | None) -> Stop:
    effects = _effects(record)
    if not effects:
        return Stop("Engine", "engine", "not reached", "off")
    waiting = sum(one["status"] == "pending" for one in effects)
    if waiting:
        return Stop("Engine", "clock", f"{waiting} on the way", "warn", at=at)
    refused = sum(one["status"] != "applied" for one in effects)
    if refused:
        return Stop("Engine", "warn", f"{refused} of {len(effects)} refused", "warn", at=at)
    return Stop("Engine", "engine", _count(len(effects), "effect"), at=at)


def _last(record: Record, known: Sequence[int]) -> Stop:
    verdict = record["verdict"]
    if verdict == "pending":
        return Stop("Not done", "clock", "on its way", "warn", at=known[-1])
    early = record.get("early")
    if verdict == "unmatched" and early and not early["expired"]:
        return Stop("Kept", "clock", "until", "warn", at=early["keptUntil"])
    lasted = took(record)
    note = f"{exact_text(lasted)} in all" if lasted is not None else "no effect"
    good = any(one["status"] == "applied" for one in _effects(record))
    return Stop("Done", "check" if good else "info", note, "" if good else "warn")


def _happening(
    step: Mapping[str, Any],
    record: Record,
    effects: Mapping[str, Mapping[str, Any]],
    begun: int,
) -> Happening:
    position = str(step.get("position", ""))
    effect = effects.get(position)
    said = _SAID.get(step["did"], str(step["did"]).capitalize())
    return Happening(
        after=_after(int(step["at"]) - begun),
        text=said,
        at=step["at"],
        detail="" if effect else _place(position),
        error=_error(step, effect, record),
        attempt=int(step.get("attempt", 1)),
        effect=effect,
    )


def _after(ms: int) -> str:
    """A replay's first steps are of long before its judgement: they come `before`."""
    return f"{exact_text(-ms)} before" if ms < 0 else f"+{exact_text(ms)}" if ms else "0 ms"


def _place(position: str) -> str:
    parts = position.rsplit(":", 2)
    if len(parts) != 3:
        return position
    return f"{parts[0]} · partition {parts[1]} · offset {parts[2]}"


def _error(step: Mapping[str, Any], effect: Mapping[str, Any] | None, record: Record) -> str:
    error = str(step.get("error") or "")
    if effect and effect.get("error"):
        return str(effect["error"])
    detail = str(record.get("detail") or "")
    return detail if error and error == record.get("reason") and detail else error


def _leg(service: str, happenings: Sequence[Happening]) -> Leg:
    name, icon = _SERVICES.get(service, (service.capitalize(), "engine"))
    return Leg(name, icon, happenings[0].after, happenings)


def _count(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
