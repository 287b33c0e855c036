"""What the gateway takes while the log is slow, gone and back, and while one webhook is flooded."""

import asyncio
import gc
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive

from hookline_common import adapters, topics
from hookline_common.errors import TooManyRequests, Unavailable
from hookline_ingest.in_hand import MOST_OF_ONE_WEBHOOK, InHand
from tests.conftest import required
from tests.ingest.gateway_at_hand import AtHand, error_of
from tests.servers import kafka
from tests.servers.processes import free_port
from tests.waiting import until


def test_all_requests_have_a_limit_and_each_webhook_one_of_its_own() -> None:
    in_hand = InHand(most=3, most_of_one=2)
    with in_hand.one("a"), in_hand.one("a"):
        with pytest.raises(TooManyRequests), in_hand.one("a"):
            pass
        with in_hand.one("b"), pytest.raises(Unavailable), in_hand.one("c"):
            pass
        with in_hand.one("c"):
            pass
    with in_hand.one("a"), in_hand.one("a"):
        pass


async def test_a_flood_on_one_webhook_leaves_room_for_another() -> None:
    """With a log that hangs: the flooded webhook has its part in hand, the other one the rest."""
    at_hand = AtHand(accept_timeout_seconds=600)
    await at_hand.saved("github")
    await at_hand.saved("github", webhook_id="w2")
    at_hand.log.hold = asyncio.Event()
    async with at_hand.client() as client:
        flood = [
            asyncio.create_task(client.post("/webhook/w1", content=b"{}"))
            for _ in range(MOST_OF_ONE_WEBHOOK + 20)
        ]
        await until(lambda: at_hand.log.waiting == MOST_OF_ONE_WEBHOOK, 60)
        other = asyncio.create_task(client.post("/webhook/w2", content=b"{}"))
        await until(lambda: at_hand.log.waiting == MOST_OF_ONE_WEBHOOK + 1, 60)
        at_hand.log.hold.set()
        assert (await other).status_code == 200
        answers = await asyncio.gather(*flood)
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == 20
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert error_of(refused[0])["code"] == "too_many_at_once"
    assert {answer.status_code for answer in answers} == {200, 429}


async def test_what_is_over_the_rate_is_refused_before_its_body_is_read(gateway: AtHand) -> None:
    await gateway.saved("github", options={"rate_limit_per_second": 1})
    read = 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b"{}", "more_body": False}

    statuses: list[int] = []
    while 429 not in statuses:
        status, _ = await _answered(gateway, receive)
        statuses.append(status)
    assert read == len(statuses) - 1


async def _answered(at_hand: AtHand, receive: Receive) -> tuple[int, dict[bytes, bytes]]:
    """Status and headers of an answer, without a client that might keep the body."""
    start: dict[str, Any] = {}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            start.update(message)

    await at_hand.app(SCOPE, receive, send)
    return start["status"], dict(start["headers"])


SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "path": "/webhook/w1",
    "raw_path": b"/webhook/w1",
    "root_path": "",
    "query_string": b"",
    "headers": [(b"host", b"g")],
    "client": ("198.51.100.7", 4711),
    "server": ("g", 80),
}


async def test_a_log_that_hangs_costs_its_deadline_and_no_memory_and_then_it_goes_on() -> None:
    at_hand = AtHand(accept_timeout_seconds=0.2)
    await at_hand.saved("github")
    at_hand.log.hold = asyncio.Event()
    async with at_hand.client() as client:
        answers = await asyncio.gather(
            *(client.post("/webhook/w1", content=b"x" * 1000) for _ in range(50))
        )
        assert {answer.status_code for answer in answers} == {503}
        assert {answer.headers["retry-after"] for answer in answers} == {"2"}
        assert at_hand.held_bytes == 0
        at_hand.log.hold.set()
        assert (await client.post("/webhook/w1")).status_code == 200


EVENT_BYTES = 256 * 1024
A_ROUND, ROUNDS = 100, 3


@pytest.mark.real
async def test_without_its_broker_it_answers_503_stays_small_and_recovers(tmp_path: Path) -> None:
    """An acknowledged event is in the log afterwards; one that was refused may be sent again."""
    missing = [tool for tool in ("java", "mvn") if not shutil.which(tool)]
    required(f"a broker that can be stopped needs {missing}" if missing else None)
    port = free_port()
    with kafka.start(tmp_path, port) as address:
        log = await adapters.open_log(f"kafka://{address}")
        await log.create_topics(topics.CATALOGUE)
        at_hand = AtHand(log, accept_timeout_seconds=1)
        await at_hand.saved("github")
        await at_hand.service.start()
        async with at_hand.client() as client:
            first = await client.post("/webhook/w1", content=b"{}")
            assert first.status_code == 200
    acknowledged = [first.headers["hookline-event-id"]]
    try:
        async with at_hand.client() as client:
            await _flooded(at_hand)
            with kafka.start(tmp_path, port):
                acknowledged.append(await _taken_again(client))
                stored = {event.id for event in await at_hand.events()}
                assert stored >= set(acknowledged)
    finally:
        await at_hand.service.stop()
        await log.close()


async def _flooded(at_hand: AtHand) -> None:
    """Many times what may stay in memory is sent: 503 each, and next to nothing is kept."""
    kept = 2 * topics.RECEIVED.partitions * EVENT_BYTES  # in the producer: one waits, one is sent
    tracemalloc.start()
    try:
        for number in range(ROUNDS):
            bodies = [b"%d" % number * EVENT_BYTES for _ in range(A_ROUND)]
            answers = await asyncio.gather(*(_sent(at_hand, body) for body in bodies))
            assert {status for status, _ in answers} == {503}
            assert all(int(headers[b"retry-after"]) > 0 for _, headers in answers)
            del bodies, answers
        gc.collect()
        assert at_hand.held_bytes == 0
        most = 4 * kept  # the lines that tests keep of the log take some too
        assert most < A_ROUND * EVENT_BYTES
        assert tracemalloc.get_traced_memory()[0] <= most
    finally:
        tracemalloc.stop()


async def _sent(at_hand: AtHand, body: bytes) -> tuple[int, dict[bytes, bytes]]:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return await _answered(at_hand, receive)


async def _taken_again(client: httpx.AsyncClient) -> str:
    """The id of the first event that is acknowledged after the broker is back."""
    loop = asyncio.get_running_loop()
    end = loop.time() + 60
    while (answer := await client.post("/webhook/w1", content=b"{}")).status_code != 200:
        assert answer.status_code == 503, answer.text
        assert loop.time() < end, "it did not recover"
        await asyncio.sleep(0.1)
    return answer.headers["hookline-event-id"]
