"""`hookline doctor`: each thing that can be wrong is found, named, and comes with a remedy."""

import json
import socket
import sqlite3
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from time import time
from typing import Any

import httpx
import pytest

from hookline_cli.diagnosis import _clock
from tests.servers.hookline import command, up
from tests.servers.processes import free_port


def _found(folder: Path, code: int, **environ: str) -> dict[str, Any]:
    own = {"HOOKLINE_DATA": str(folder / "data"), **_ports(), **environ}
    done = command("hookline", "doctor", "--json", environ=own)
    assert done.code == code, done
    assert done.err == "", done
    found = {one["check"]: one for one in json.loads(done.out)}
    assert all(one["remedy"] for one in found.values() if one["level"] != "ok")
    return found


def _ports() -> dict[str, str]:
    return {
        "HOOKLINE_PORT": str(free_port()),
        "HOOKLINE_GATEWAY_PORT": str(free_port()),
    }


def test_before_the_first_start_all_is_well_but_nobody_outside_reaches_it(tmp_path: Path) -> None:
    found = _found(tmp_path, 0)
    assert {check for check, one in found.items() if one["level"] != "ok"} == {"public url"}
    assert "first start" in found["store"]["says"]
    assert not (tmp_path / "data").exists(), "it has changed something"


def test_beside_a_running_system_it_sees_its_ports_and_its_folder(tmp_path: Path) -> None:
    with up(tmp_path) as system:
        api, gateway = (httpx.URL(url).port for url in (system.api, system.gateway))
        own = {"HOOKLINE_PORT": str(api), "HOOKLINE_GATEWAY_PORT": str(gateway)}
        found = _found(tmp_path, 0, **own)
    assert "Hookline answers" in found["api port"]["says"]
    assert "Hookline answers" in found["gateway port"]["says"]
    assert "is sound" in found["log"]["says"]
    assert found["clock"]["level"] == "ok"


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_of_another_program_is_found(tmp_path: Path, taken: int) -> None:
    found = _found(tmp_path, 1, HOOKLINE_PORT=str(taken))
    assert found["api port"]["level"] == "fail"
    assert str(taken) in found["api port"]["says"]
    assert "--port" in found["api port"]["remedy"]


def test_servers_that_do_not_answer_are_named(tmp_path: Path) -> None:
    nowhere = free_port()
    found = _found(
        tmp_path,
        1,
        HOOKLINE_LOG=f"kafka://127.0.0.1:{nowhere}",
        HOOKLINE_STORE=f"mongodb://ops:hunter2@127.0.0.1:{nowhere}/hookline",
        HOOKLINE_SEAL_KEY="c2VhbCBrZXkgb2YgYSB0ZXN0LCAzMiBieXRlcyBsb24=",
    )
    assert (found["log"]["level"], found["store"]["level"]) == ("fail", "fail")
    assert "hunter2" not in json.dumps(found)


def test_a_shared_store_without_a_seal_key_is_found(tmp_path: Path) -> None:
    found = _found(tmp_path, 1, HOOKLINE_STORE=f"mongodb://127.0.0.1:{free_port()}/hookline")
    assert "HOOKLINE_SEAL_KEY" in found["store"]["says"]


def test_a_file_of_another_program_is_found(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    other = sqlite3.connect(tmp_path / "data" / "hookline.db")
    other.execute("CREATE TABLE theirs (id)")
    other.close()
    found = _found(tmp_path, 1)
    assert found["log"]["level"] == "fail"
    assert "another program" in found["log"]["says"]


def test_an_api_that_is_open_to_others_is_found(tmp_path: Path) -> None:
    assert _found(tmp_path, 1, HOOKLINE_HOST="0.0.0.0")["api access"]["level"] == "fail"
    opened = _found(tmp_path, 0, HOOKLINE_HOST="0.0.0.0", HOOKLINE_API_OPEN="1")
    assert opened["api access"]["level"] == "warn"


def test_a_setting_that_is_not_allowed_is_the_only_thing_said(tmp_path: Path) -> None:
    found = _found(tmp_path, 1, HOOKLINE_MAX_DISK="much")
    assert list(found) == ["settings"]
    assert "HOOKLINE_MAX_DISK" in found["settings"]["says"]


def test_a_public_url_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    found = _found(tmp_path, 1, HOOKLINE_PUBLIC_URL="https://hooks.invalid")
    assert found["public url"]["level"] == "fail"


@pytest.mark.parametrize(("seconds", "level"), [(0, "ok"), (30, "warn"), (3600, "fail")])
def test_clocks_that_are_apart_are_found(seconds: int, level: str) -> None:
    answer = httpx.Response(200, headers={"date": formatdate(time() - seconds, usegmt=True)})
    (found,) = _clock(answer)
    assert found.level == level
