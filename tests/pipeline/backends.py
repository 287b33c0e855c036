"""The settings of a system of its own on either backend."""

import base64
from collections.abc import Mapping
from pathlib import Path

import pytest

from hookline_common.ids import random_id

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
    server, _, options = request.getfixturevalue("mongodb_url").partition("?")
    return {
        **environ,
        "HOOKLINE_LOG": f"kafka://{broker}",
        "HOOKLINE_STORE": f"{server.rstrip('/')}/pipeline_{random_id()[:8]}?{options}",
        "HOOKLINE_SEAL_KEY": base64.b64encode(random_id().encode()[:32]).decode(),
    }
