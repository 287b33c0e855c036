"""The gateway alone: how many durable acknowledgements a second, in a process of its own.

    python benchmarks/ingest.py                                   # the embedded log
    python benchmarks/ingest.py --log kafka://127.0.0.1:9092      # and a bare producer beside it

Starts `hookline-ingest` by itself in a folder that is removed afterwards. On Kafka the figure to
read is the ratio to a bare aiokafka producer that sends the same bytes, as many at a time.
"""

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import measure
import uvloop
from aiokafka import AIOKafkaProducer
from http_load import request_bytes, send_all

from hookline_common import topics
from hookline_common.eventlog import Record
from hookline_common.ids import random_id
from hookline_common.messages import CONFIG_CODEC
from hookline_common.running import open_parts
from hookline_common.settings import load_settings
from hookline_common.webhooks import WebhookConfig
from tests.servers.processes import free_port, running

_WEBHOOK = "bench"
_BODY = b'{"filler":"' + b"x" * 1000 + b'"}'


def main() -> None:
    """Run it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", help="kafka://HOST:PORT; the embedded log by default")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=64)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hookline-bench-") as folder:
        rows = run(Path(folder), arguments.log, arguments.events, arguments.connections)
    print(measure.table(rows))


def run(folder: Path, log: str | None, events: int, connections: int) -> list[tuple[str, str]]:
    """Start the gateway, send the events, and put it in rows."""
    environ = {"HOOKLINE_DATA": str(folder)} | ({"HOOKLINE_LOG": log} if log else {})
    asyncio.run(publish(environ))
    with gateway(folder, environ) as url:
        request = request_bytes("POST", f"{url}/webhook/{_WEBHOOK}", (), _BODY)
        uvloop.run(send_all(url, [request] * 500, connections))
        before = measure.usage(url)
        begun = time.perf_counter()
        answers = uvloop.run(send_all(url, [request] * events, connections))
        seconds = time.perf_counter() - begun
        after = measure.usage(url)
    accepted = sum(answer.status == 200 for answer in answers)
    rows = [
        ("durable acknowledgements/s", f"{accepted / seconds:,.0f}"),
        ("refused", str(events - accepted)),
        ("acknowledgement", measure.in_milliseconds([answer.seconds for answer in answers])),
        ("gateway CPU", f"{(after.cpu_seconds - before.cpu_seconds) / events * 1e6:.0f} us each"),
        ("gateway memory", f"{after.memory_megabytes:.0f} MB"),
    ]
    if log:
        bare = uvloop.run(bare_producer(log.removeprefix("kafka://"), events, connections))
        rows.append(("a bare producer", f"{bare:,.0f}/s"))
        rows.append(("ratio", f"{accepted / seconds / bare:.2f}"))
    return rows


async def publish(environ: dict[str, str]) -> None:
    """Put a webhook without a secret into the configuration, as the engine would."""
    config = WebhookConfig(
        id=_WEBHOOK,
        incarnation=1,
        revision=1,
        name=_WEBHOOK,
        platform="custom",
        source_platform="Custom",
        verifier="HEADER_BASED",
    )
    record = Record(topics.CONFIG.name, _WEBHOOK, CONFIG_CODEC.encode(config))
    async with open_parts(load_settings(environ)) as parts:
        await parts.log.append([record])


@contextlib.contextmanager
def gateway(folder: Path, environ: dict[str, str]) -> Iterator[str]:
    """`hookline-ingest` on a free port."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("hookline-ingest"))]
    with running(command, port, folder / "ingest.log", {**environ, "HOOKLINE_PORT": str(port)}):
        yield f"http://127.0.0.1:{port}"


async def bare_producer(servers: str, events: int, at_once: int) -> float:
    """Acknowledged sends a second of a producer with nothing around it."""
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True)
    await producer.start()
    left = iter(range(events))

    async def sender() -> None:
        for _ in left:
            key = random_id().encode()
            await producer.send_and_wait(topics.RECEIVED.name, _BODY, key)

    begun = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(at_once)))
    seconds = time.perf_counter() - begun
    await producer.stop()
    return events / seconds


if __name__ == "__main__":
    main()
