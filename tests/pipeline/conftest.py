"""The system that pipeline tests share: one per backend and run, in the session's event loop."""

import sys
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

import hookline_matcher.service
from hookline_cli.up import SERVICES
from tests.conftest import required
from tests.pipeline.backends import BACKENDS, settings_on
from tests.pipeline.running_system import System, running_system
from tests.servers import kafka


@pytest.fixture(scope="session", autouse=True)
def quick_switches() -> Iterator[None]:
    """Threads change over as quickly as in a real process (running.run_main)."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(scope="module")
def own_kafka() -> Iterator[str]:
    """A broker whose groups no other system is a member of."""
    required(kafka.missing(kafka.SYSTEM))
    with kafka.broker(kafka.SYSTEM) as address:
        yield address


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=BACKENDS)
async def shared_system(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """A running system; tests keep apart by names of their own.

    Its two matchers share their partitions, so that an event and its wait often come to different
    ones.
    """
    environ = settings_on(request.param, tmp_path_factory.mktemp("data"), request)
    builds = (*SERVICES, hookline_matcher.service.build)
    async with running_system(request.param, environ, builds) as system:
        yield system


@pytest_asyncio.fixture(loop_scope="session")
async def system(shared_system: System) -> AsyncIterator[System]:
    """The shared system; fails a test behind whose back something unexpected happened."""
    yield shared_system
    assert await shared_system.problems() == []
