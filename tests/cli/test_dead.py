"""`hookline dead`: list, show, redrive, drop, and what they say when there is nothing to do."""

import asyncio
import json
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hookline_common import adapters, topics
from hookline_common.cloudevents import raw_record
from hookline_common.dead_letters import Failure, Origin, dead_letter
from hookline_common.errors import Undecodable
from hookline_common.eventlog import Delivered, Position, Record
from hookline_common.rawevents import RawEvent
from hookline_common.topics import COMMANDS, RECEIVED
from tests.servers.hookline import System, up

MANY = 230
LONG_AGO = 99  # a partition in which no message of this run can come to lie
AT = 1_795_000_000_000


def _put_aside(record: Record, offset: int) -> Record:
    delivered = Delivered(record, Position(record.topic, LONG_AGO, offset), AT)
    failure = Failure("poison", Undecodable("it makes no sense"), 1, AT, AT + offset)
    return dead_letter(delivered, failure, Origin("engine", "engine"))


def _event(event_id: str) -> Record:
    """The request of a webhook that is gone: judged again it is rejected."""
    event = RawEvent(
        id=event_id,
        webhook_id="gone",
        received_at=AT,
        method="POST",
        url="https://hooks.example/webhook/gone",
        query="",
        headers=(("content-type", "application/json"),),
        body=b'{"a": 1}',
    )
    return raw_record(event, event_id)


async def _seed(folder: Path, records: Sequence[Record]) -> None:
    log = await adapters.open_log(f"sqlite:{folder / 'data' / 'hookline.db'}")
    try:
        await log.create_topics(topics.CATALOGUE)
        await log.append(records)
    finally:
        await log.close()


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[System, str]]:
    """A system with dead letters from before its start; the event that one of them is about."""
    folder, event_id = tmp_path_factory.mktemp("dead"), str(uuid.uuid4())
    nonsense = [Record(COMMANDS.name, f"k{number}", b"nonsense") for number in range(MANY)]
    records = [_put_aside(record, number) for number, record in enumerate(nonsense)]
    records.append(_put_aside(_event(event_id), MANY))
    asyncio.run(_seed(folder, records))
    with up(folder) as system:
        system.until(lambda: len(_listed(system)) > MANY, "the letters to be catalogued")
        yield system, event_id


def _listed(system: System, *options: str) -> list[dict[str, Any]]:
    done = system.hookline("dead", "list", "--limit", "1000", "--json", *options)
    assert done.code == 0, done
    return json.loads(done.out)["deadLetters"]


def test_a_system_without_dead_letters_says_so(system: System) -> None:
    done = system.hookline("dead", "list")
    assert done.out == "No dead letter: every message could be processed.\n"
    done = system.hookline("dead", "redrive", "--all")
    assert (done.code, done.out) == (0, "0 dead letters redriven.\n")


def test_list_and_show_tell_what_happened(ward: tuple[System, str]) -> None:
    system, event_id = ward
    done = system.hookline("dead", "list", "--topic", RECEIVED.name)
    (line,) = done.out.splitlines()
    assert "poison Undecodable: it makes no sense" in line
    assert event_id in line
    shown = system.hookline("dead", "show", line.split()[0])
    assert shown.code == 0, shown
    for part in (
        event_id,
        f"{RECEIVED.name}:{LONG_AGO}:{MANY}",
        "/webhooks/gone",
        '"a": 1',
        "(waiting)",
    ):
        assert part in shown.out, shown
    as_json = json.loads(system.hookline("dead", "show", line.split()[0], "--json").out)
    assert as_json["value"] == {"a": 1}


def test_what_is_redriven_takes_effect(ward: tuple[System, str]) -> None:
    system, event_id = ward
    before = system.hookline("dead", "redrive", "--event", event_id, "--dry-run")
    assert before.out == "1 dead letter would be redriven.\n"
    done = system.hookline("dead", "redrive", "--event", event_id)
    assert (done.code, done.out) == (0, "1 dead letter redriven.\n")
    assert system.event(event_id)["reason"] == "webhook_deleted"
    again = system.hookline("dead", "redrive", "--event", event_id)
    assert again.out == "0 dead letters redriven.\n"
    assert _listed(system, "--event", event_id) == []
    (letter,) = _listed(system, "--event", event_id, "--state", "redriven")
    named = system.hookline("dead", "redrive", letter["id"])
    assert "left alone: it is redriven already" in named.err


def test_what_fails_again_does_not_make_a_redrive_endless(ward: tuple[System, str]) -> None:
    """Accident: each page finds the letters that the page before has made."""
    system, _ = ward
    done = system.hookline("dead", "redrive", "--topic", COMMANDS.name, "--json")
    result = json.loads(done.out)
    assert (result["matched"], result["redriven"], result["remaining"]) == (MANY, MANY, 0)
    system.until(lambda: len(_listed(system)) == MANY, "all to have failed again")
    assert all(letter["redriveOf"] for letter in _listed(system))


def test_drop_asks_and_then_drops(ward: tuple[System, str]) -> None:
    system, _ = ward
    waiting = len(_listed(system))
    refused = system.hookline("dead", "drop", "--all")
    assert refused.code == 1, refused
    assert f"Drop {waiting} dead letters?" in refused.err
    assert len(_listed(system)) == waiting
    done = system.hookline("dead", "drop", "--all", "--yes")
    assert (done.code, done.out) == (0, f"{waiting} dead letters dropped.\n")
    assert _listed(system) == []
    empty = system.hookline("dead", "list", "--topic", COMMANDS.name)
    assert empty.out == "No dead letter like that. All of them: hookline dead list --state all\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("redrive",), "Say which dead letters"),
        (("drop", "an-id", "--all"), "Say which dead letters"),
        (("show", "nothing"), "There is no dead letter nothing."),
        (("list", "--webhook", "nothing"), "no webhook 'nothing'"),
        (("list", "--since", "soon"), "neither a time"),
    ],
)
def test_what_is_asked_wrongly_is_refused(
    system: System, arguments: tuple[str, ...], said: str
) -> None:
    done = system.hookline("dead", *arguments)
    assert done.code != 0
    assert said in done.err, done
