"""`hookline topics`: list, lag, tail over the API; create and rewind on the log itself."""

import json
import re
import signal
import subprocess
import uuid
from pathlib import Path

import pytest

from hookline_common.topics import CATALOGUE
from tests.cli.registering import registered, sent_event, waiting
from tests.servers.hookline import BIN, System, command, up
from tests.servers.processes import outer_environ


def _sent(system: System, count: int) -> list[str]:
    """Ids of events of a fresh webhook, each with its verdict."""
    hook = registered(
        system,
        waiting(system, {"$.pull_request.number": "${workflow.input.number}"}),
        sourcePlatform="GitHub",
        secretValue="s",
    )
    sent = [sent_event(system.hookline("send", hook["name"], "pull_request_review"))]
    sent += [
        sent_event(system.hookline("send", hook["name"], "pull_request_review"))
        for _ in range(count - 1)
    ]
    for event in sent:
        system.event(event)
    return sent


def test_list_and_lag_show_every_topic_and_group(system: System) -> None:
    listed = system.hookline("topics", "list")
    assert [line.split()[0] for line in listed.out.splitlines()] == [one.name for one in CATALOGUE]
    assert "verifier (lag 0)" in listed.out
    lag = system.hookline("topics", "lag", "--group", "verifier")
    assert len(lag.out.splitlines()) == 1 + 6
    (first, *_) = json.loads(system.hookline("topics", "lag", "--json").out)
    assert first.keys() == {"topic", "group", "members", "partition", "committed", "end", "lag"}
    assert "no group 'x'" in system.hookline("topics", "lag", "--group", "x").err


def test_tail_decodes_events_and_hides_signatures(system: System) -> None:
    (event,) = _sent(system, 1)
    done = system.hookline("topics", "tail", "webhooks.verified", "--limit", "1")
    assert event in done.out, done
    assert "pull_request_review" in done.out
    found = json.loads(
        system.hookline("topics", "tail", "webhooks.received", "--limit", "1", "--json").out
    )
    assert found["event"]["id"] == event
    headers = dict(found["event"]["extensions"]["httpheaders"])
    assert headers["x-hub-signature-256"] == "***"
    assert headers["x-github-event"] == "pull_request_review"
    assert found["preview"].startswith("{")


def test_tail_from_a_time_and_of_an_empty_topic(system: System) -> None:
    _sent(system, 2)
    done = system.hookline("topics", "tail", "webhooks.received", "--from", "1h", "--limit", "2")
    assert len(done.out.splitlines()) == 2
    empty = system.hookline("topics", "tail", "webhooks.rejected.dead")
    assert "No record in webhooks.rejected.dead yet." in empty.err
    unknown = system.hookline("topics", "tail", "nothing")
    assert unknown.code == 1
    assert "There is no topic 'nothing'" in unknown.err


def test_tail_follows_what_comes(system: System) -> None:
    arguments = ["topics", "tail", "webhooks.verified", "--follow", "--json", "--limit", "1"]
    following = subprocess.Popen(
        [str(BIN / "hookline"), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**outer_environ(), "HOOKLINE_URL": system.api, "PYTHONUNBUFFERED": "1"},
    )
    try:
        events = _sent(system, 2)
        seen: list[str] = []
        assert following.stdout is not None
        while not set(events) <= set(seen):
            seen.append(json.loads(following.stdout.readline())["event"]["id"])
        assert len(seen) == len(set(seen))
    finally:
        following.send_signal(signal.SIGINT)
        following.wait(10)
        assert following.stdout is not None
        following.stdout.close()


# --- the log itself -------------------------------------------------------------------------------


@pytest.fixture
def stopped(tmp_path: Path) -> tuple[Path, list[str]]:
    """The folder of a system that has stopped, and its events."""
    with up(tmp_path) as system:
        events = _sent(system, 3)
    return tmp_path / "data", events


def test_rewind_lets_a_group_read_again_and_nothing_happens_twice(
    stopped: tuple[Path, list[str]], tmp_path: Path
) -> None:
    folder, events = stopped
    where = ("--data", str(folder))
    dry = command("hookline", "topics", "rewind", "--group", "verifier", "--to", "1h",
                  "--dry-run", *where)  # fmt: skip
    assert "would read 3 records again" in dry.out, dry
    done = command("hookline", "topics", "rewind", "--group", "verifier", "--to", "1h", *where)
    assert (done.code, "will read 3 records again" in done.out) == (0, True), done
    again = command("hookline", "topics", "rewind", "--group", "verifier", "--to", "1h", *where)
    assert again.out.startswith("Nothing to rewind")
    with up(tmp_path) as system:
        system.until(lambda: _lag(system, "verifier") == 0, "the verifier to catch up")
        received = system.get("/topics/webhooks.verified")
        assert sum(one["end"] for one in received["partitions"]) == 6
        for event in events:
            assert system.event(event)["verdict"] == "unmatched"


def test_rewind_to_offsets_never_skips(stopped: tuple[Path, list[str]]) -> None:
    folder, _ = stopped
    rewind = ("topics", "rewind", "--group", "verifier", "--data", str(folder))
    dry = command("hookline", *rewind, "--to", "1h", "--dry-run")
    found = re.search(r"webhooks.received:(\d+) +(\d+) ->", dry.out)
    assert found is not None, dry
    partition, committed = found[1], int(found[2])
    place = f"webhooks.received:{partition}"
    ahead = command("hookline", *rewind, "--to-offset", f"{place}:{committed + 1}")
    assert "would skip what was not read yet" in ahead.err, ahead
    foreign = command("hookline", *rewind, "--to-offset", "workflow.commands:0:0")
    assert "is not read by the group verifier" in foreign.err
    done = command("hookline", *rewind, "--to-offset", f"{place}:0")
    assert f"{committed} records again" in done.out, done
    assert "TOPIC:PARTITION:OFFSET" in command("hookline", *rewind, "--to-offset", "x").err
    assert "Say where to" in command("hookline", *rewind).err


def test_rewind_and_create_refuse_while_the_system_runs(tmp_path: Path) -> None:
    with up(tmp_path) as system:
        where = ("--data", str(tmp_path / "data"))
        done = system.hookline("topics", "rewind", "--group", "matcher", "--to", "1h", *where)
        assert done.code == 1
        assert "the group matcher has members: stop its service matcher first" in done.err
        assert str(system.process.pid) in done.err
        created = system.hookline("topics", "create", *where)
        assert created.code == 1
        assert "is in use by process" in created.err


def test_create_makes_what_is_missing(tmp_path: Path) -> None:
    where = ("--data", str(tmp_path / "fresh"))
    first = command("hookline", "topics", "create", *where)
    assert len(first.out.splitlines()) == len(CATALOGUE), first
    second = command("hookline", "topics", "create", *where)
    assert second.out == f"All {len(CATALOGUE)} topics are there.\n"


def test_rewind_makes_no_log_where_there_is_none(tmp_path: Path) -> None:
    folder = tmp_path / uuid.uuid4().hex
    done = command("hookline", "topics", "rewind", "--group", "engine", "--to", "1h",
                   "--data", str(folder))  # fmt: skip
    assert done.code == 1
    assert "there is no log at" in done.err
    assert not folder.exists()


def _lag(system: System, group: str) -> int:
    topics = system.get("/topics")["topics"]
    return sum(one["lag"] for topic in topics for one in topic["groups"] if one["group"] == group)
