"""The story of an event: one sentence, the stations that it passed, and every step."""

from typing import Any

import pytest

from hookline_console.event_story import filled, sentence, stations, took, way

BEGUN = 1_795_000_000_000


def record(verdict: str, **more: Any) -> dict[str, Any]:
    """An event that was judged and compared within three milliseconds."""
    times = {"receivedAt": BEGUN, "verifiedAt": BEGUN + 1, "matchedAt": BEGUN + 3}
    return {"id": "e", "verdict": verdict, "verified": verdict != "rejected", **times, **more}


def effect(kind: str, status: str = "applied", **more: Any) -> dict[str, Any]:
    """Something that the event did in version 2 of ship."""
    return {
        "id": f"{kind}:1",
        "kind": kind,
        "status": status,
        "workflowName": "ship",
        "version": 2,
        "at": BEGUN + 7,
        **more,
    }


RESUMED = record("resumed", doneAt=BEGUN + 9, effects=[effect("resume", taskRef="paid")])
BOTH = record(
    "resumed_and_started",
    doneAt=BEGUN + 9,
    effects=[effect("resume", taskRef="paid"), effect("start"), effect("start")],
)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (RESUMED, "Resumed paid of ship version 2, 9 ms after it came."),
        (BOTH, "Resumed paid of ship version 2 and started 2 workflows, 9 ms after it came."),
        (
            record("unmatched"),
            (
                "Nothing waited for this event, and it started nothing."
                " That was clear 3 ms after it came."
            ),
        ),
        (
            record("rejected", detail="The signature does not fit.", matchedAt=0),
            (
                "Rejected, without effect: The signature does not fit."
                " That was clear 1 ms after it came."
            ),
        ),
        (record("pending"), "On its way."),
        (
            record("paused", matchedAt=0, verifiedAt=0),
            "The webhook was paused: the event is kept, without effect.",
        ),
        (
            record("handshake", matchedAt=0, verifiedAt=0),
            "A handshake of the platform, answered when it came.",
        ),
        (
            record("dead", detail="too deep"),
            (
                "It could not be handled and lies in the dead letters: too deep."
                " That was clear 3 ms after it came."
            ),
        ),
        (
            record(
                "failed", effects=[effect("resume", "refused")], detail="The task was cancelled."
            ),
            (
                "It matched, but no effect took hold: The task was cancelled."
                " That was clear 3 ms after it came."
            ),
        ),
        (record("of tomorrow"), "of tomorrow. That was clear 3 ms after it came."),
    ],
)
def test_a_sentence_says_what_happened(event: dict[str, Any], said: str) -> None:
    assert sentence(event) == said


def test_a_replay_counts_from_its_own_judgement() -> None:
    late = BEGUN + 86_400_000
    replayed = record("unmatched", replayOf="first") | {"verifiedAt": late, "matchedAt": late + 4}
    assert took(replayed) == 4
    assert took(record("pending")) is None


def rail(event: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(stop.name, stop.note, stop.kind) for stop in stations(event)]


def test_the_rail_of_an_event_that_resumed() -> None:
    assert rail(RESUMED) == [
        ("Gateway", "received", ""),
        ("Verifier", "checks hold", ""),
        ("Matcher", "1 wait", ""),
        ("Engine", "1 effect", ""),
        ("Done", "9 ms in all", ""),
    ]
    assert [stop.hop for stop in stations(RESUMED)] == ["1 ms", "2 ms", "4 ms", "2 ms", ""]


def test_the_rail_ends_where_the_event_did() -> None:
    assert rail(record("rejected", matchedAt=0))[1:4] == [
        ("Verifier", "a check failed", "warn"),
        ("Matcher", "not reached", "off"),
        ("Engine", "not reached", "off"),
    ]
    assert rail(record("duplicate"))[2] == ("Matcher", "came before", "warn")
    refused = record("failed", effects=[effect("resume", "refused"), effect("start")])
    assert rail(refused)[3] == ("Engine", "1 of 2 refused", "warn")
    on_the_way = record("pending", effects=[effect("start", "pending")])
    assert rail(on_the_way)[3:] == [
        ("Engine", "1 on the way", "warn"),
        ("Not done", "on its way", "warn"),
    ]


def test_an_early_event_is_kept_for_a_late_task() -> None:
    kept = record("unmatched", early={"keptUntil": BEGUN + 60_000, "expired": False})
    last = stations(kept)[-1]
    assert (last.name, last.at) == ("Kept", BEGUN + 60_000)
    gone = record("unmatched", early={"keptUntil": BEGUN, "expired": True})
    assert stations(gone)[-1].name == "Done"


def test_the_way_goes_by_service_with_the_time_since_the_arrival() -> None:
    steps = [
        {"service": "ingest", "did": "received", "at": BEGUN, "position": "webhooks.received:3:17"},
        {"service": "verifier", "did": "verified", "at": BEGUN + 1},
        {"service": "matcher", "did": "matched", "at": BEGUN + 3, "attempt": 2},
        {"service": "engine", "did": "resume applied", "at": BEGUN + 7, "position": "resume:1"},
        {"service": "beyond", "did": "something new", "at": BEGUN + 8},
    ]
    legs = way(RESUMED | {"steps": steps})
    assert [(leg.name, leg.after) for leg in legs] == [
        ("Gateway", "0 ms"),
        ("Verifier", "+1 ms"),
        ("Matcher", "+3 ms"),
        ("Engine", "+7 ms"),
        ("Beyond", "+8 ms"),
    ]
    first = legs[0].happenings[0]
    assert first.detail == "webhooks.received · partition 3 · offset 17"
    assert legs[2].happenings[0].attempt == 2
    effect_of_engine = legs[3].happenings[0].effect
    assert effect_of_engine is not None
    assert effect_of_engine["taskRef"] == "paid"
    assert legs[4].happenings[0].text == "Something new"


def test_what_the_api_leaves_out_is_empty_for_templates() -> None:
    whole = filled(record("unmatched", verification={"checks": [{"name": "age", "ok": True}]}))
    assert (whole["type"], whole["replays"], whole["effects"]) == ("", [], [])
    assert whole["checks"] == [{"detail": "", "name": "age", "ok": True}]
