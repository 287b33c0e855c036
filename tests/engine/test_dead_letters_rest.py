"""Dead letters over the API: filters, pages, what is shown, and what never is."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hookline_common.cloudevents import raw_record
from hookline_common.collections import DEAD_LETTERS
from hookline_common.dead_letters import Failure, Origin, dead_letter
from hookline_common.errors import Undecodable
from hookline_common.eventlog import Delivered, EventLog, Position, Record
from hookline_common.rawevents import RawEvent
from hookline_common.sealing import event_context
from hookline_common.topics import COMMANDS, RECEIVED
from tests.engine.engine_world import World, eventually, open_world
from tests.engine.rest_surface import SEALER

HOUR = 3_600_000
SECRET = "a token that nobody may see"
SEALED = SEALER.seal(SECRET, event_context("e1", "x-token"))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as opened:
        yield opened


def letter(record: Record, offset: int, at: int = HOUR, error: Exception | None = None) -> Record:
    """What a consumer appends for a message that it could not process."""
    error = error or Undecodable("it makes no sense")
    delivered = Delivered(record, Position(record.topic, 2, offset), at)
    failure = Failure("poison", error, 3, at - 5, at)
    return dead_letter(delivered, failure, Origin("verifier", "verifier"))


def command(offset: int, **more: Any) -> Record:
    return letter(Record(COMMANDS.name, f"wf-{offset}", b'{"type":"nonsense"}'), offset, **more)


def event(offset: int = 7, body: bytes = b'{"a":1}') -> Record:
    raw = RawEvent(
        id="e1",
        webhook_id="w1",
        received_at=HOUR,
        method="POST",
        url="https://hooks.example/webhook/w1?key=" + SEALED.replace(":", "%3A"),
        query="key=" + SEALED.replace(":", "%3A"),
        headers=(("x-token", SEALED), ("x-hub-signature", "sha256=ab"), ("x-kept", "yes")),
        body=body,
        sealed=("x-token", "query:key"),
    )
    return letter(raw_record(raw, "e1"), offset)


async def put(world: World, *records: Record) -> list[dict[str, Any]]:
    """Append dead letters; what the API lists once they are all there, the newest first."""
    before = len(await listed(world))
    await world.log.append(records)

    async def there() -> bool:
        return len(await listed(world)) == before + len(records)

    await eventually(there)
    return await listed(world)


async def listed(world: World, **query: Any) -> list[dict[str, Any]]:
    return (await world.call("GET", "/dead-letters", **query))["deadLetters"]


async def test_without_any_the_list_is_empty(world: World) -> None:
    assert await world.call("GET", "/dead-letters") == {"deadLetters": []}


async def test_a_letter_tells_error_source_and_times(world: World) -> None:
    (found,) = await put(world, command(4))
    expected = {
        "state": "waiting",
        "topic": "workflow.commands",
        "partition": 2,
        "offset": 4,
        "key": "wf-4",
        "reason": "poison",
        "error": "Undecodable",
        "message": "it makes no sense",
        "attempts": 3,
        "service": "verifier",
        "group": "verifier",
        "firstAt": HOUR - 5,
        "lastAt": HOUR,
        "sizeBytes": 19,
        "preview": '{"type":"nonsense"}',
    }
    assert {name: found[name] for name in expected} == expected
    assert len(found["stack"]) == 12
    shown = await world.call("GET", f"/dead-letters/{found['id']}")
    assert shown["value"] == {"type": "nonsense"}
    assert base64.b64decode(shown["valueBase64"]) == b'{"type":"nonsense"}'


async def test_an_event_is_shown_as_a_cloudevent_without_anything_sealed(world: World) -> None:
    (found,) = await put(world, event())
    assert (found["eventId"], found["webhookId"]) == ("e1", "w1")
    shown = await world.call("GET", f"/dead-letters/{found['id']}")
    assert shown["event"]["id"] == "e1"
    assert shown["event"]["source"] == "/webhooks/w1"
    headers = shown["event"]["extensions"]["httpheaders"]
    assert headers == [["x-token", "***"], ["x-hub-signature", "***"], ["x-kept", "yes"]]
    assert shown["event"]["extensions"]["query"] == "key=***"
    assert SEALED.rpartition(":")[2][:30] not in str(shown)


async def test_a_message_that_is_no_text_is_shown_in_base64(world: World) -> None:
    (found,) = await put(world, event(body=b"\xff\xfe\x00"))
    shown = await world.call("GET", f"/dead-letters/{found['id']}")
    assert base64.b64decode(shown["valueBase64"]) == b"\xff\xfe\x00"
    assert "value" not in shown
    assert "text" not in shown


async def test_whatever_lies_in_a_dead_letter_topic_is_catalogued(world: World) -> None:
    """Accident: a record that nobody of ours wrote stops the consumer, or the process."""
    foreign = [
        Record(f"{COMMANDS.name}.dead", "k", None),
        Record(f"{COMMANDS.name}.dead", "", b"\xff", (("hookline-offset", b"minus one"),)),
        Record(f"{RECEIVED.name}.dead", "k", b"[" * 2000, (("ce_id", b"\xff"), ("ce_source", b""))),
    ]
    found = await put(world, *foreign)
    assert {each["topic"] for each in found} == {COMMANDS.name, RECEIVED.name}
    for each in found:
        await world.call("GET", f"/dead-letters/{each['id']}")
    assert await world.engine.problems() == []


async def test_a_message_that_was_put_aside_twice_is_one_letter(world: World) -> None:
    """Accident: a crash between the dead letter and the commit shows one message as two."""
    await put(world, command(4))
    await world.log.append([command(4)])
    found = await put(world, command(5, at=2 * HOUR))
    assert [each["offset"] for each in found] == [5, 4]


async def test_filters_narrow_the_list_down(world: World) -> None:
    await put(
        world,
        command(1, at=HOUR),
        command(2, at=2 * HOUR, error=ValueError("no")),
        event(3),
        command(4, at=4 * HOUR),
    )
    assert [each["offset"] for each in await listed(world, topic=COMMANDS.name)] == [4, 2, 1]
    assert [each["offset"] for each in await listed(world, error="ValueError")] == [2]
    assert [each["offset"] for each in await listed(world, eventId="e1")] == [3]
    assert [each["offset"] for each in await listed(world, webhookId="w1")] == [3]
    between = {"from": 2 * HOUR, "to": "1970-01-01T04:00:00Z"}
    assert [each["offset"] for each in await listed(world, **between)] == [2]
    assert await listed(world, state="dropped") == []
    first = await world.call("GET", "/dead-letters", limit=3)
    rest = await world.call("GET", "/dead-letters", limit=3, cursor=first["nextCursor"])
    assert len(first["deadLetters"] + rest["deadLetters"]) == 4
    assert "nextCursor" not in rest


async def test_redrive_gives_the_message_back_as_it_was(world: World) -> None:
    await put(world, event())
    done = await world.call("POST", "/dead-letters/redrive", {"filter": {"eventId": "e1"}})
    assert (done["matched"], done["redriven"], done["remaining"]) == (1, 1, 0)
    (record,) = await _all_of(world.log, RECEIVED.name)
    headers = dict(record.headers)
    assert headers.pop("hookline-redrive-of").decode() == (await listed(world))[0]["id"]
    assert not [name for name in headers if name.startswith("hookline-")]
    assert headers["ce_id"] == b"e1"
    assert SEALED.encode() in headers["ce_httpheaders"]
    assert (record.key, record.value) == ("e1", b'{"a":1}')


async def test_pages_take_the_oldest_first_and_add_up(world: World) -> None:
    await put(world, *(command(number, at=HOUR + number) for number in range(7)))
    body = {"filter": {"topic": COMMANDS.name}, "limit": 3}
    pages = [await world.call("DELETE", "/dead-letters", body) for _ in range(4)]
    assert [page["dropped"] for page in pages] == [3, 3, 1, 0]
    assert [page["remaining"] for page in pages] == [4, 1, 0, 0]
    assert {each["state"] for each in await listed(world)} == {"dropped"}


async def test_a_dry_run_changes_nothing(world: World) -> None:
    await put(world, command(1), command(2))
    for method, path in (("POST", "/dead-letters/redrive"), ("DELETE", "/dead-letters")):
        done = await world.call(method, path, {"filter": {"all": True}, "dryRun": True})
        assert (done["matched"], done["remaining"]) == (2, 2)
    assert {each["state"] for each in await listed(world)} == {"waiting"}


async def test_a_message_that_the_log_has_let_go_of_is_expired(world: World) -> None:
    (found,) = await put(world, command(1))
    (document,) = (await world.documents.get(DEAD_LETTERS, [found["id"]])).values()
    body = msgspec.json.decode(document.body)
    body["position"][2] = 99
    moved = msgspec.structs.replace(document, body=msgspec.json.encode(body))
    assert not await world.documents.replace(DEAD_LETTERS, [moved])
    assert (await world.call("GET", f"/dead-letters/{found['id']}"))["valueExpired"]
    done = await world.call("POST", "/dead-letters/redrive", {"ids": [found["id"]]})
    assert (done["redriven"], done["expired"], done["remaining"]) == (0, 1, 0)
    assert (await listed(world))[0]["state"] == "expired"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "no_selection"),
        ({"ids": [], "filter": {}}, "no_selection"),
        ({"ids": ["a"], "filter": {"all": True}}, "no_selection"),
        ({"filter": {"topics": ["a"]}}, "unknown_field"),
        ({"filter": {"from": "yesterday"}}, "invalid_value"),
        ({"ids": [1]}, "wrong_type"),
        ({"ids": ["a"], "limit": 0}, "out_of_range"),
        ({"ids": ["a"], "dry_run": True}, "unknown_field"),
    ],
)
async def test_a_selection_that_says_nothing_clear_is_refused(
    world: World, body: dict[str, Any], code: str
) -> None:
    assert await world.refused("POST", "/dead-letters/redrive", body) == (400, code)


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/dead-letters/nothing", {}, (404, "dead_letter_not_found")),
        ("/dead-letters", {"state": "lost"}, (400, "invalid_parameter")),
        ("/dead-letters", {"cursor": "x"}, (400, "invalid_parameter")),
        ("/dead-letters", {"from": "x"}, (400, "invalid_parameter")),
        ("/dead-letters", {"limit": "0"}, (400, "invalid_parameter")),
    ],
)
async def test_what_is_asked_wrongly_is_refused(
    world: World, path: str, query: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert await world.refused("GET", path, **query) == expected


async def _all_of(log: EventLog, topic: str) -> list[Record]:
    found: list[Record] = []
    for number in range(await log.partitions(topic)):
        found += [each.record for each in await log.read(topic, number, 0, 100)]
    return found
