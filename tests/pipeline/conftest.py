"""The system that pipeline tests share: one per backend and run, in the session's event loop."""

import base64
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

import hookline_matcher.service
from hookline_cli.up import SERVICES
from hookline_common.ids import random_id
from tests.pipeline.running_system import System, running_system

BACKENDS = ("embedded", pytest.param("kafka+mongodb", marks=pytest.mark.real))


@pytest.fixture(scope="session", autouse=True)
def quick_switches() -> Iterator[None]:
    """Threads change over as quickly as in a real process (running.run_main)."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    yield
    sys.setswitchinterval(before)


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=BACKENDS)
async def shared_system(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """A running system; tests keep apart by names of their own.

    Its two matchers share their partitions, so that an event and its wait often come to different
    ones.
    """
    environ = {"HOOKLINE_DATA": str(tmp_path_factory.mktemp("data"))}
    if request.param != "embedded":
        broker = request.getfixturevalue("kafka_address")
        server, _, options = request.getfixturevalue("mongodb_url").partition("?")
        database = f"{server.rstrip('/')}/pipeline_{random_id()[:8]}"
        environ |= {
            "HOOKLINE_LOG": f"kafka://{broker}",
            "HOOKLINE_STORE": f"{database}?{options}",
            "HOOKLINE_SEAL_KEY": base64.b64encode(random_id().encode()[:32]).decode(),
        }
    builds = (*SERVICES, hookline_matcher.service.build)
    async with running_system(request.param, environ, builds) as system:
        yield system


@pytest_asyncio.fixture(loop_scope="session")
async def system(shared_system: System) -> AsyncIterator[System]:
    """The shared system; fails a test behind whose back something unexpected happened."""
    yield shared_system
    assert await shared_system.problems() == []
