"""Events on the wire: what goes in comes out, and the form is that of the specification."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hookline_common.cloudevents import (
    event_and_webhook,
    judged_event,
    judged_record,
    raw_event,
    raw_record,
)
from hookline_common.errors import Undecodable
from hookline_common.eventlog import Record
from hookline_common.rawevents import Check, JudgedEvent, RawEvent, Replay, Verification

LATIN = st.text(st.characters(max_codepoint=255))
TEXT = st.text(st.characters(codec="utf-8"))
MOMENTS = st.integers(0, 4_000_000_000_000)

RAW = RawEvent(
    id="e1",
    webhook_id="w1",
    received_at=1_795_539_572_587,
    method="POST",
    url="https://g/webhook/w1?a=1",
    query="a=1",
    headers=(("content-type", "text/plain; charset=x"), ("x-a", "1"), ("x-a", "2")),
    body=b"\x00\xff\r\n",
    remote_address="192.0.2.1",
)

raws = st.builds(
    RawEvent,
    id=TEXT,
    webhook_id=TEXT,
    received_at=MOMENTS,
    method=st.sampled_from(["POST", "PUT", "GET"]),
    url=LATIN,
    query=LATIN,
    headers=st.lists(st.tuples(LATIN, LATIN)).map(tuple),
    body=st.binary(),
    remote_address=st.sampled_from(["", "192.0.2.1", "::1"]),
    answer=st.sampled_from(["", "handshake", "unauthorized"]),
    sealed=st.lists(LATIN).map(tuple),
    replay=st.none() | st.builds(Replay, TEXT, TEXT, st.booleans()),
)
optional = st.none() | TEXT.filter(bool)
judgements = st.builds(
    JudgedEvent,
    raw=raws,
    verdict=st.sampled_from(["verified", "rejected", "handshake", "paused"]),
    verified_at=MOMENTS,
    incarnation=st.integers(0, 1000),
    webhook_name=TEXT,
    delivery_id=optional,
    type=optional,
    verification=st.none()
    | st.builds(
        Verification, TEXT, optional, st.lists(st.builds(Check, TEXT, st.booleans())).map(tuple)
    ),
    reason=optional,
    detail=optional,
)


@given(raws, TEXT)
def test_a_raw_event_survives_the_wire(event: RawEvent, key: str) -> None:
    record = raw_record(event, key)
    assert (record.topic, record.key, record.value) == ("webhooks.received", key, event.body)
    assert raw_event(record) == event


@given(judgements, TEXT)
def test_a_judged_event_survives_the_wire(event: JudgedEvent, key: str) -> None:
    record = judged_record(event, key)
    expected = "webhooks.verified" if event.verdict == "verified" else "webhooks.rejected"
    assert (record.topic, record.key) == (expected, key)
    assert judged_event(record) == event


def test_the_form_is_that_of_cloudevents_in_binary_mode() -> None:
    record = raw_record(RAW, "k")
    headers = dict(record.headers)
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_id"] == b"e1"
    assert headers["ce_source"] == b"/webhooks/w1"
    assert headers["ce_type"] == b"dev.hookline.webhook.received"
    assert headers["ce_time"] == b"2026-11-24T16:59:32.587Z"
    assert headers["content-type"] == b"text/plain; charset=x"
    assert record.value == RAW.body
    names = [name for name, _ in record.headers]
    assert len(names) == len(set(names))
    for name in names:
        attribute = name.removeprefix("ce_")
        assert name == "content-type" or (attribute.isalnum() and attribute.islower())


def test_names_of_event_and_webhook_are_found_or_not() -> None:
    assert event_and_webhook(raw_record(RAW, "k")) == ("e1", "w1")
    assert event_and_webhook(Record("t", "k", b"")) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_receivedat", b"soon"),
        ("ce_httpheaders", b"{}"),
        ("ce_httpheaders", b"["),
        ("ce_answer", b"maybe"),
        ("ce_replay", b"{}"),
        ("ce_id", b"\xff"),
    ],
)
def test_a_record_that_says_nonsense_is_undecodable(name: str, value: bytes) -> None:
    record = raw_record(RAW, "k")
    headers = {**dict(record.headers), name: value}
    with pytest.raises(Undecodable):
        raw_event(replace(record, headers=tuple(headers.items())))


@pytest.mark.parametrize("name", ["ce_id", "ce_source", "ce_method", "ce_verdict"])
def test_a_record_without_an_attribute_is_undecodable(name: str) -> None:
    judged = JudgedEvent(
        raw=RAW, verdict="verified", verified_at=1, incarnation=1, webhook_name="n"
    )
    record = judged_record(judged, "k")
    left = tuple(header for header in record.headers if header[0] != name)
    with pytest.raises(Undecodable, match=name):
        judged_event(replace(record, headers=left))
