"""A server that speaks MongoDB's wire protocol: one given, MongoDB in Docker, or SecantusDB.

SecantusDB is a test double in a process of its own (specs: servers). What only a replica set can
show, such as majority writes across a failover, is not shown by it.
"""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.servers.docker import docker_answers
from tests.servers.processes import free_port, running

_IMAGE = "mongo:8"


def missing() -> str | None:
    """Why no such server can be had here; None if one can."""
    if os.environ.get("HOOKLINE_TEST_MONGODB") or docker_answers() or _secantus():
        return None
    return "no MongoDB: set HOOKLINE_TEST_MONGODB=mongodb://…, start Docker, or `make setup`"


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The URL `mongodb://…` of a running server, without a database name."""
    given = os.environ.get("HOOKLINE_TEST_MONGODB")
    if given:
        yield given
    elif docker_answers():
        with _in_docker() as url:
            yield url
    else:
        with (
            tempfile.TemporaryDirectory(prefix="hookline-mongodb-") as folder,
            start(Path(folder), free_port()) as url,
        ):
            yield url


@contextlib.contextmanager
def start(folder: Path, port: int) -> Iterator[str]:
    """SecantusDB on a port of one's choice; its data stays in `folder` for a restart."""
    with running(command(folder, port), port, folder / "server.log"):
        yield address(port)


def command(folder: Path, port: int) -> list[str]:
    """What starts SecantusDB on the port with its data in `folder`."""
    program = _secantus()
    if program is None:
        raise RuntimeError("secantusd-py is not installed: run `make setup`")
    return [program, "--host", "127.0.0.1", "--port", str(port),
            "--storage-path", str(folder / "data"), "--sync-on-commit"]  # fmt: skip


def address(port: int, database: str = "") -> str:
    """The URL of a single server on the port."""
    return f"mongodb://127.0.0.1:{port}/{database}?directConnection=true"


def _secantus() -> str | None:
    beside = Path(sys.executable).with_name("secantusd-py")
    return str(beside) if beside.exists() else shutil.which("secantusd-py")


@contextlib.contextmanager
def _in_docker() -> Iterator[str]:
    from testcontainers.mongodb import MongoDbContainer

    with MongoDbContainer(_IMAGE) as container:
        yield container.get_connection_url()


def in_database(url: str, name: str) -> str:
    """The server's URL with a database of that name."""
    address, _, options = url.removeprefix("mongodb://").partition("?")
    return f"mongodb://{address.rstrip('/')}/{name}?{options}"
