"""The settings of a system of its own on either backend."""

import base64
from collections.abc import Mapping
from pathlib import Path

import pytest

from hookline_common.ids import random_id
from tests.servers.mongodb import in_database

BACKENDS = ("embedded", pytest.param("kafka+mongodb", marks=pytest.mark.real))


def settings_on(
    backend: str,
    folder: Path,
    request: pytest.FixtureRequest,
    broker_fixture: str = "kafka_address",
) -> Mapping[str, str]:
    """A data folder; or a broker, a database of the shared server, and a seal key."""
    environ = {"HOOKLINE_DATA": str(folder)}
    if backend == "embedded":
        return environ
    broker = request.getfixturevalue(broker_fixture)
    server = request.getfixturevalue("mongodb_url")
    return {
        **environ,
        "HOOKLINE_LOG": f"kafka://{broker}",
        "HOOKLINE_STORE": in_database(server, f"pipeline_{random_id()[:8]}"),
        "HOOKLINE_SEAL_KEY": base64.b64encode(random_id().encode()[:32]).decode(),
    }
