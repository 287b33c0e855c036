"""`hookline up` on Apache Kafka and on MongoDB does exactly what it does on the embedded files."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.hookline import System, up
from tests.servers.mongodb import in_database

pytestmark = pytest.mark.real


@pytest.fixture(params=["kafka+mongodb", "kafka+sqlite", "sqlite+mongodb"])
def system(
    request: pytest.FixtureRequest, tmp_path: Path, kafka_address: str, mongodb_url: str
) -> Iterator[System]:
    log, _, store = request.param.partition("+")
    urls = {
        "kafka": f"kafka://{kafka_address}",
        "mongodb": in_database(mongodb_url, f"hookline_{uuid.uuid4().hex[:8]}"),
        "sqlite": f"sqlite:{tmp_path / 'data' / 'own.db'}",
    }
    environ = {"HOOKLINE_LOG": urls[log], "HOOKLINE_STORE": urls[store]}
    with up(tmp_path, environ=environ) as running:
        yield running


def test_the_whole_story_goes_as_expected(system: System) -> None:
    done = system.hookline("demo", "--patience", "40")

    assert done.code == 0, f"{done}\n{system.output()}"
