"""What the tests of whole systems share: one on the embedded default, and a broker of their own."""

from collections.abc import Iterator

import pytest

from tests.conftest import required
from tests.servers import kafka
from tests.servers.hookline import System, up


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """`hookline up` on the embedded default, for the tests that need nothing special of it."""
    with up(tmp_path_factory.mktemp("system")) as running:
        yield running


@pytest.fixture(scope="session")
def kafka_address() -> Iterator[str]:
    """`host:port` of a broker that no other tests use: topics and groups have fixed names, so two
    systems on one broker at the same time would take each other's events.
    """
    required(kafka.missing(kafka.SYSTEM))
    with kafka.broker(kafka.SYSTEM) as address:
        yield address
