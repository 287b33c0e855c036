"""One wait beside one event: each thing that can be in the way is named, and nothing else is."""

from typing import Any

import msgspec
import pytest

from hookline_common.eventrecords import Effect, EventRecord, Waiter
from hookline_common.matching import canonical
from hookline_common.meetings import stored_view
from hookline_common.messages import Wait
from hookline_common.webhooks import SECRET_SHOWN
from hookline_engine.explained_waits import StoredWait, nearness, wait_report
from hookline_engine.explanation import WaitReport

CAME = 1_700_000_100_000
HOUR = 3_600_000


def _event(body: Any = None, **more: Any) -> EventRecord:
    fields: dict[str, Any] = {
        "id": "e1",
        "webhook_id": "w1",
        "webhook_name": "orders",
        "incarnation": 1,
        "received_at": CAME,
        "counts_from": CAME,
        "kept_until": CAME + HOUR,
        "verdict": "unmatched",
        "verified": True,
        "payload": msgspec.Raw(msgspec.json.encode(body or {"n": 7})),
    }
    return EventRecord(**{**fields, **more})


def _stored(state: str = "open", wait: dict[str, Any] | None = None, **more: Any) -> StoredWait:
    asked = {"workflow": "flow", "version": 1, "paths": ("$.n",), "values": (canonical(7),)}
    fields: dict[str, Any] = {
        "task_id": "t1",
        "workflow_id": "x1",
        "run": 1,
        "task_ref": "review",
        "iteration": 0,
        "opened_at": CAME - 1000,
        "execution_started_at": CAME - 2000,
        "wait": Wait(**{**asked, **(wait or {})}),
    }
    return StoredWait(Waiter(**{**fields, **more}), state)


def _report(stored: StoredWait, record: EventRecord | None = None, version: int = 0) -> WaitReport:
    record = record or _event()
    return wait_report(stored, record, stored_view(record), version)


def _codes(report: WaitReport) -> list[str]:
    return [obstacle.code for obstacle in report.obstacles]


def test_a_wait_that_takes_the_event_has_nothing_in_the_way() -> None:
    report = _report(_stored())
    assert (report.meets, report.missed, report.obstacles) == (True, 0, ())


LATE = {"opened_at": CAME + 5000}
TAKEN = Effect("x", "resume", "applied", workflow_id="x1", task_id="t0", task_ref="review")
TAKES_NONE_EARLY = {"early_events": False}
LOOKS_BACK = {"lookback_seconds": 9}


@pytest.mark.parametrize(
    ("code", "said", "stored", "event", "version"),
    [
        ("webhook_not_named", "bills", _stored(wait={"webhooks": ("bills",)}), _event(), 0),
        ("version_not_named", "version 2", _stored(), _event(), 2),
        ("wait_timed_out", "timed out at", _stored(wait={"timeout_at": CAME - 1}), _event(), 0),
        (
            "opened_afterwards",
            "5.000 s",
            _stored(wait=TAKES_NONE_EARLY, **LATE),
            _event(),
            0,
        ),
        (
            "execution_started_afterwards",
            "2.000 s",
            _stored(**LATE, execution_started_at=CAME + 2000),
            _event(),
            0,
        ),
        ("event_kept_too_short", "kept until", _stored(**LATE), _event(kept_until=CAME + 1), 0),
        ("taken_before", "e0", _stored("taken", taken_by="e0"), _event(), 0),
        ("wait_closed", "given up", _stored("closed", close_reason="given up"), _event(), 0),
        ("taken_by_this_execution", "earlier wait", _stored(), _event(effects=(TAKEN,)), 0),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_in_the_way_is_named(
    code: str, said: str, stored: StoredWait, event: EventRecord, version: int
) -> None:
    report = _report(stored, event, version)
    assert _codes(report) == [code]
    assert said in report.obstacles[0].text
    assert (report.meets, report.missed) == (False, 0)


@pytest.mark.parametrize(
    ("stored", "event", "version"),
    [
        (_stored(wait={"webhooks": ("bills", "orders")}), _event(), 1),
        (_stored(wait={"timeout_at": CAME}), _event(), 0),
        (_stored(**LATE, execution_started_at=CAME), _event(), 0),
        (
            _stored(**LATE, execution_started_at=CAME + 9000, wait=LOOKS_BACK),
            _event(),
            0,
        ),
        (_stored(**LATE), _event(kept_until=CAME + 5000), 0),
        (_stored("taken", taken_by="e1"), _event(), 0),
        (_stored(), _event(effects=(msgspec.structs.replace(TAKEN, status="refused"),)), 0),
        (_stored(), _event(effects=(msgspec.structs.replace(TAKEN, workflow_id="x2"),)), 0),
    ],
)
def test_what_is_just_within_the_bounds_is_not_in_the_way(
    stored: StoredWait, event: EventRecord, version: int
) -> None:
    assert _report(stored, event, version).meets


def test_a_hidden_header_neither_meets_nor_misses() -> None:
    wait = {"paths": ("header:x-token",), "values": (canonical("secret"),)}
    event = _event(headers=(("x-token", SECRET_SHOWN),))
    report = _report(_stored(wait=wait), event)
    assert report.missed == 0
    assert "kept hidden" in report.clauses[0].note


def test_a_large_value_is_cut() -> None:
    report = _report(_stored(), _event({"n": "x" * 10_000}))
    assert len(report.clauses[0].actual) < 600
    assert "10002 characters" in report.clauses[0].actual
    assert report.missed == 1


def test_the_nearest_wait_misses_least_and_is_the_newest() -> None:
    missing = _report(_stored(wait={"values": (canonical(8),)}))
    hindered = _report(_stored(), version=2)
    older = _report(_stored(opened_at=CAME - 1500))
    newer = _report(_stored())
    found = sorted([missing, hindered, older, newer], key=nearness)
    assert found == [newer, older, hindered, missing]
