"""One running Hookline for all tests of the commands; each test uses names of its own."""

from collections.abc import Iterator

import pytest

from tests.servers.hookline import System, up


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with up(tmp_path_factory.mktemp("cli")) as running:
        yield running
