"""HTTP: the request that a task describes, and what its answer makes of it."""

from typing import Any

import pytest

from hookline_engine.core import effects as fx
from hookline_engine.core.commands import SystemTaskDone
from hookline_engine.core.tasks.http import HttpInputError, http_call, parsed_body
from tests.engine.core_player import Player, definition, node

GET = {"uri": "http://example.org/a", "method": "GET"}


def http(**fields: Any) -> Player:
    return Player(
        definition(node("h", "HTTP", inputParameters={"http_request": GET}, **fields), node("end"))
    ).start()


def call(player: Player) -> Player:
    player.poll("h", "engine")
    return player


def test_an_http_task_is_queued_for_the_executor():
    player = http()
    (entry,) = player.queue.values()
    assert (entry.kind, entry.queue, entry.task_type) == ("system", "HTTP", "HTTP")


@pytest.mark.parametrize(
    ("body", "parsed"),
    [
        ('{"a": [1, 2.5]}', {"a": [1, 2.5]}),
        ("[1]", [1]),
        ("12", 12.0),
        ('"text"', "text"),
        ("true", "true"),
        ("null", "null"),
        ("", None),
        ("123 abc", "123 abc"),
        ("<html>", "<html>"),
    ],
)
def test_bodies(body: str, parsed: object):
    assert parsed_body(body) == parsed


def test_a_2xx_completes_it():
    player = call(http())
    player.answer_http("h", 201, '{"id": 1}')
    assert player.line("h").status == "COMPLETED"
    assert player.output("h")["response"]["body"] == {"id": 1}
    assert player.line("end").status == "SCHEDULED"


@pytest.mark.parametrize("status", [302, 404, 503])
def test_everything_else_fails_it_with_the_answer_as_output(status: int):
    player = call(http())
    player.answer_http("h", status, "no")
    assert player.status == "FAILED"
    assert player.output("h")["response"]["statusCode"] == status
    assert str(status) in (player.line("h").reason or "")


def test_no_answer_at_all():
    player = call(http())
    line = player.line("h")
    player.do(SystemTaskDone(line.id, line.hand_off, error="connection refused"))
    assert player.output("h") == {"response": "connection refused"}
    assert player.status == "FAILED"


def test_a_late_answer_of_another_hand_off_is_ignored():
    player = call(http())
    line = player.line("h")
    assert player.do(SystemTaskDone(line.id, 7, {"statusCode": 200})).head is None


def test_async_complete_leaves_it_in_progress_for_someone_else():
    player = call(http(asyncComplete=True))
    player.answer_http("h", 200, "1")
    assert player.line("h").status == "IN_PROGRESS"
    line = player.line("h")
    assert player.do(SystemTaskDone(line.id, line.hand_off, {"statusCode": 500})).head is None
    player.update("h", output={"done": True})
    assert player.output("h") == {"done": True}


def test_retries_are_those_of_any_task():
    player = call(http(retryCount=1))
    player.answer_http("h", 500)
    assert [line.status for line in player.lines()] == ["FAILED", "SCHEDULED"]
    assert player.sent(fx.EnqueueTask)[-1].visible_at > player.now


def test_a_request_is_described():
    made = http_call(
        "task",
        {
            "http_request": {
                **GET,
                "method": "POST",
                "body": {"a": 1},
                "headers": {"X-A": 5, "accept": "x/y", "n": None},
                "readTimeOut": "250",
            }
        },
    )
    assert made.body == b'{"a":1}'
    headers = dict(made.headers)
    assert headers == {
        "Content-Type": "application/json",
        "Idempotency-Key": "task",
        "X-A": "5",
        "accept": "x/y",
    }
    assert (made.connect_timeout_ms, made.read_timeout_ms) == (3000, 250)


def test_the_whole_input_may_be_the_request():
    assert http_call("t", {**GET, "asyncComplete": False}).uri == GET["uri"]


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"uri": "http://x"},
        {"method": "GET"},
        {**GET, "method": "get"},
        {**GET, "uri": "file:///etc/passwd"},
        {**GET, "headers": [1]},
        {**GET, "body": {"a": 1}, "contentType": "text/plain"},
        {**GET, "readTimeOut": "soon"},
    ],
)
def test_what_is_no_request_fails_the_task(request_: dict[str, Any]):
    with pytest.raises(HttpInputError):
        http_call("t", {"http_request": request_})
    player = Player(
        definition(node("h", "HTTP", inputParameters={"http_request": "${workflow.input.r}"}))
    ).start({"r": request_})
    assert player.line("h").status == "FAILED"
    assert player.queue == {}
