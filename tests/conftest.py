"""What every test can ask for: the real servers, shared by the whole run."""

import os
import signal
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from tests.servers import kafka, mongodb

# A shell starts what it puts in the background deaf to Ctrl-C, and so would be every command that
# the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def no_swallowed_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """A fault that a consumer swallowed as `unexpected` fails the test in which it happened."""
    with capture_logs() as lines:
        yield
    if request.node.get_closest_marker("unexpected") is None:
        assert [line for line in lines if line["event"] == "unexpected"] == []


def required(missing: str | None) -> None:
    """Skip the test for what is missing here, or fail it where real servers are required."""
    if missing is None:
        return
    if os.environ.get("HOOKLINE_REQUIRE_REAL") == "1":
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def kafka_address() -> Iterator[str]:
    """`host:port` of a real Apache Kafka broker."""
    required(kafka.missing())
    with kafka.broker() as address:
        yield address


@pytest.fixture(scope="session")
def mongodb_url() -> Iterator[str]:
    """`mongodb://…` of a server that speaks MongoDB's wire protocol."""
    required(mongodb.missing())
    with mongodb.server() as url:
        yield url


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where real servers are required nothing may be skipped: green must mean that it ran."""
    if os.environ.get("HOOKLINE_REQUIRE_REAL") != "1":
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{len(skipped)} skipped, although HOOKLINE_REQUIRE_REAL=1", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
