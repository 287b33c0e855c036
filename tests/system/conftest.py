"""One running Hookline on the embedded default for the tests that need nothing special of it."""

from collections.abc import Iterator

import pytest

from tests.servers.hookline import System, up


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with up(tmp_path_factory.mktemp("system")) as running:
        yield running
