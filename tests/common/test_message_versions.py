"""A message of a newer version is refused by name; one of today or without a version is read."""

from typing import Any

import msgspec
import pytest

from hookline_common.cloudevents import raw_event, raw_record
from hookline_common.errors import Undecodable
from hookline_common.eventlog import Record
from hookline_common.messages import (
    COMMANDS_CODEC,
    CONFIG_CODEC,
    EVENTS_CODEC,
    OUTCOMES_CODEC,
    WAITS_CODEC,
    Codec,
    Decide,
    EffectRefused,
    WaitClosed,
    WorkflowEvent,
)
from hookline_common.versioned import MESSAGE_VERSION
from hookline_common.webhooks import WebhookDeleted
from tests.engine.recorded_events import raw

EACH_TOPIC: list[tuple[Codec[Any], Any]] = [
    (WAITS_CODEC, WaitClosed("t", "w", 1)),
    (COMMANDS_CODEC, Decide("w")),
    (OUTCOMES_CODEC, EffectRefused("e", "x", "start", 1, "engine", "code", "why")),
    (EVENTS_CODEC, WorkflowEvent("i", "TaskSkipped", "w", "flow", 1, 1, 1)),
    (CONFIG_CODEC, WebhookDeleted("w", 1, 1, 1)),
]


@pytest.mark.parametrize(("codec", "message"), EACH_TOPIC)
def test_todays_version_is_not_written_and_read_either_way(codec: Codec[Any], message: Any) -> None:
    written = codec.encode(message)
    assert "v" not in msgspec.json.decode(written)
    assert codec.decode(written) == message
    said = {**msgspec.json.decode(written), "v": MESSAGE_VERSION}
    assert codec.decode(msgspec.json.encode(said)) == message


@pytest.mark.parametrize(("codec", "message"), EACH_TOPIC)
def test_a_newer_version_is_refused(codec: Codec[Any], message: Any) -> None:
    newer = msgspec.structs.replace(message, v=MESSAGE_VERSION + 1)
    with pytest.raises(Undecodable, match=r"newer Hookline \(version 2"):
        codec.decode(codec.encode(newer))


@pytest.mark.parametrize(("version", "is_read"), [("1.0", True), ("1.1", True), ("2.0", False)])
def test_of_cloudevents_the_first_major_version_is_read(version: str, is_read: bool) -> None:
    record = raw_record(raw("e1"), "e1")
    headers = tuple(
        (name, version.encode() if name == "ce_specversion" else value)
        for name, value in record.headers
    )
    other = Record(record.topic, record.key, record.value, headers)
    if is_read:
        assert raw_event(other) == raw("e1")
    else:
        with pytest.raises(Undecodable, match=r"version 2\.0"):
            raw_event(other)
