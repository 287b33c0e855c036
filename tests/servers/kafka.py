"""A real Apache Kafka broker for tests: one given, one in Docker, or one from Maven's jars."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.servers.docker import docker_answers
from tests.servers.processes import TOOLS, free_port, running

SHARED = "HOOKLINE_TEST_KAFKA"
SYSTEM = "HOOKLINE_TEST_KAFKA_SYSTEM"
_IMAGE = "apache/kafka:4.1.0"
_LIBS = TOOLS / "kafka-libs"


def missing(variable: str = SHARED) -> str | None:
    """Why no broker can be had here, as a sentence that says what to install; None if one can."""
    if os.environ.get(variable) or docker_answers():
        return None
    absent = [tool for tool in ("java", "mvn") if not shutil.which(tool)]
    if absent:
        return f"no Kafka: set {variable}=host:port, start Docker, or install {absent}"
    return None


@contextlib.contextmanager
def broker(variable: str = SHARED) -> Iterator[str]:
    """The address `host:port` of a running broker; `variable` may name one that is there."""
    given = os.environ.get(variable)
    if given:
        yield given
    elif docker_answers():
        with _in_docker() as address:
            yield address
    else:
        with (
            tempfile.TemporaryDirectory(prefix="hookline-kafka-") as folder,
            start(Path(folder), free_port()) as address,
        ):
            yield address


@contextlib.contextmanager
def start(folder: Path, port: int) -> Iterator[str]:
    """A broker from the jars on the given port; its data stays in `folder` for a restart."""
    with running(command(folder, port), port, folder / "broker.log"):
        yield f"127.0.0.1:{port}"


def command(folder: Path, port: int, *more: str) -> list[str]:
    """What starts a broker on the port whose data is in `folder`, which is made ready for it.

    `more` are lines of its properties, which win over the usual ones.
    """
    properties = folder / "server.properties"
    if not properties.exists():
        _format(folder, properties, port, more)
    return [*_java(512), "kafka.Kafka", str(properties)]


def _java(heap_mebibytes: int) -> list[str]:
    heap = [f"-Xms{heap_mebibytes}m", f"-Xmx{heap_mebibytes}m"]
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    return ["java", *heap, quiet, "-cp", f"{_jars()}/*"]


def _jars() -> Path:
    """Kafka's jars, resolved by Maven once and kept."""
    if not (_LIBS / ".complete").exists():
        pom = Path(__file__).with_name("pom.xml")
        subprocess.run(
            ["mvn", "-B", "-q", "-f", str(pom), "dependency:copy-dependencies",
             "-DincludeScope=runtime", f"-DoutputDirectory={_LIBS}"],
            check=True,
        )  # fmt: skip
        (_LIBS / ".complete").touch()
    return _LIBS


def _format(folder: Path, properties: Path, port: int, more: Sequence[str]) -> None:
    controller = free_port()
    properties.write_text(
        "\n".join(
            (
                "process.roles=broker,controller",
                "node.id=1",
                f"controller.quorum.voters=1@127.0.0.1:{controller}",
                f"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
                f"advertised.listeners=PLAINTEXT://127.0.0.1:{port}",
                "controller.listener.names=CONTROLLER",
                "inter.broker.listener.name=PLAINTEXT",
                f"log.dirs={folder / 'data'}",
                "offsets.topic.replication.factor=1",
                "offsets.topic.num.partitions=4",
                "transaction.state.log.replication.factor=1",
                "transaction.state.log.min.isr=1",
                "transaction.state.log.num.partitions=2",
                "share.coordinator.state.topic.replication.factor=1",
                "share.coordinator.state.topic.min.isr=1",
                "share.coordinator.state.topic.num.partitions=1",
                "group.initial.rebalance.delay.ms=0",
                "group.min.session.timeout.ms=1000",
                "auto.create.topics.enable=false",
                "log.cleaner.dedupe.buffer.size=8388608",
                *more,
                "",
            )
        )
    )
    tool = [*_java(128), "kafka.tools.StorageTool"]
    made = subprocess.run([*tool, "random-uuid"], check=True, capture_output=True, text=True)
    cluster = made.stdout.split()[-1]
    subprocess.run(
        [*tool, "format", "--ignore-formatted", "-t", cluster, "-c", str(properties)],
        check=True,
        capture_output=True,
    )


@contextlib.contextmanager
def _in_docker() -> Iterator[str]:
    from testcontainers.kafka import KafkaContainer

    with KafkaContainer(_IMAGE).with_kraft() as container:
        yield container.get_bootstrap_server()
