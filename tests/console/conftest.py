"""What the tests of the console share: a system, a browser, and visits to its pages.

All are of one module: a browser keeps an event loop in this thread, beside which no async test
could run.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.conftest import required
from tests.servers import browser as browsers
from tests.servers.browser import Visit
from tests.servers.hookline import System, up

PICTURES = os.environ.get("HOOKLINE_TEST_PICTURES")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """`hookline up` on the embedded default, console included."""
    with up(tmp_path_factory.mktemp("console")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    required(browsers.missing())
    with browsers.chromium() as running:
        yield running


@pytest.fixture
def visit(browser: Browser, system: System) -> Iterator[Visit]:
    """A fresh profile's visit to the console."""
    one = Visit(browser, system.api)
    yield one
    one.close()


@pytest.fixture
def picture(tmp_path: Path) -> Callable[[str], Path]:
    """Where a screenshot goes: HOOKLINE_TEST_PICTURES if it is set, to look at them."""
    folder = Path(PICTURES) if PICTURES else tmp_path
    return lambda name: folder / f"{name}.png"
