"""`hookline up`: what it says, how it ends, and what stops it from starting."""

import re
import signal
import socket
import sqlite3
from pathlib import Path

import httpx
import pytest

from tests.servers.hookline import BIN, System, command, end, up, wait_ready
from tests.servers.processes import free_port, running, started, wait_until


def test_it_says_what_runs_where_and_what_to_try_next(system: System) -> None:
    said = system.output()

    assert f"Hookline is running on {system.api}" in said
    assert f"{system.api}/api" in said
    assert f"{system.gateway}/webhook/ID" in said
    assert "hookline samples apply wait_for_review" in said
    assert "hookline run wait_for_review --input number=42" in said
    assert "hookline send github-demo pull_request_review --set pull_request.number=42" in said


def test_on_a_port_of_ones_own_it_says_how_the_commands_find_it(system: System) -> None:
    assert f"export HOOKLINE_URL={system.api}" in system.output()


def test_all_services_are_ready_and_measured(system: System) -> None:
    assert system.http.get("/livez").status_code == 200
    assert system.http.get("/readyz").status_code == 200
    assert "hookline_" in system.http.get("/metrics").text


def test_the_console_is_on_the_port(system: System) -> None:
    page = system.http.get("/")

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "<title>Home" in page.text


def test_the_gateways_port_serves_webhooks_and_nothing_else(system: System) -> None:
    for path in ("/api/metadata/webhook", "/", "/api/workflow/search"):
        assert httpx.get(f"{system.gateway}{path}").status_code == 404
    assert httpx.post(f"{system.gateway}/webhook/none", content=b"{}").status_code == 404


def test_the_api_also_takes_webhooks_on_its_own_port(system: System) -> None:
    answer = system.http.post("/webhook/none", content=b"{}")

    assert answer.status_code == 404
    assert answer.json()["code"] == "webhook_not_found"


def test_ports_and_folder_can_come_from_the_environment(tmp_path: Path) -> None:
    port, gateway_port = free_port(), free_port()
    environ = {
        "HOOKLINE_PORT": str(port),
        "HOOKLINE_GATEWAY_PORT": str(gateway_port),
        "HOOKLINE_DATA": str(tmp_path / "elsewhere"),
    }
    log = tmp_path / "up.log"
    with running([str(BIN / "hookline"), "up"], gateway_port, log, environ) as process:
        api, gateway = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{gateway_port}"
        system = System(api, gateway, [log], process)
        with system.http:
            wait_ready(system)
        assert end(process) == 0
    system.assert_clean()
    assert (tmp_path / "elsewhere" / "hookline.db").exists()
    assert (tmp_path / "elsewhere" / "seal.key").stat().st_mode & 0o077 == 0


def test_free_ports_are_taken_and_told_where_none_is_named(tmp_path: Path) -> None:
    log = tmp_path / "up.log"
    arguments = ["--port", "0", "--gateway-port", "0", "--data", str(tmp_path / "data")]
    with started([str(BIN / "hookline"), "up", *arguments], log) as process:
        wait_until(lambda: "Ctrl-C" in log.read_text(), 30, "what it says")
        said = dict(re.findall(r"(\w+) +(http://127\.0\.0\.1:\d+)", log.read_text()))
        system = System(said["console"], said["gateway"], [log], process)
        with system.http:
            wait_ready(system)
            demo = system.hookline("demo")
            assert demo.code == 0, demo
            assert (
                f"at {said['gateway']}/webhook/"
                in system.hookline("samples", "apply", "wait_for_review").out
            )
            sent = system.hookline("send", "github-demo", "ping")
            assert sent.code == 0, sent
        assert end(process) == 0
    system.assert_clean()


def test_ctrl_c_drains_and_a_second_start_finds_yesterdays_data(tmp_path: Path) -> None:
    with up(tmp_path) as first:
        applied = first.hookline("samples", "apply", "wait_for_review")
        assert applied.code == 0, applied
        workflow_id = first.hookline("run", "wait_for_review", "--input", "number=7").out.strip()
        assert end(first.process, signal.SIGINT) == 0
        assert "draining" in first.output()

    with up(tmp_path, "--public-url", first.gateway) as second:
        assert second.get(f"/workflow/{workflow_id}")["status"] == "RUNNING"
        sent = second.hookline(
            "send", "github-demo", "pull_request_review", "--set", "pull_request.number=7"
        )
        assert sent.code == 0, sent
        second.execution(workflow_id, "COMPLETED")


def test_what_it_leaves_behind_is_a_whole_database(tmp_path: Path) -> None:
    with up(tmp_path) as system:
        assert system.hookline("samples", "apply", "payment_received").code == 0

    with sqlite3.connect(tmp_path / "data" / "hookline.db") as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    file.close()


@pytest.mark.parametrize("option", ["--port", "--gateway-port"])
def test_a_port_in_use_is_one_clear_line(tmp_path: Path, option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = {"--port": free_port(), "--gateway-port": free_port()}
        ports[option] = taken.getsockname()[1]
        arguments = [text for name, port in ports.items() for text in (name, str(port))]
        done = command("hookline", "up", *arguments, "--data", str(tmp_path / "data"))

    assert done.code == 78, done
    assert len(done.err.splitlines()) == 1, done
    assert f"Port {ports[option]} on 127.0.0.1 is in use" in done.err
    assert option in done.err
    assert not (tmp_path / "data").exists()


def test_a_folder_in_use_by_another_process_is_one_clear_line(tmp_path: Path) -> None:
    with up(tmp_path) as system:
        done = command(
            "hookline", "up", "--port", str(free_port()), "--gateway-port", str(free_port()),
            "--data", str(tmp_path / "data"),
        )  # fmt: skip
        assert done.code == 78, done
        assert len(done.err.splitlines()) == 1, done
        assert f"in use by process {system.process.pid}" in done.err
        assert "--data" in done.err


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("HOOKLINE_PORT", "eighty", "from 0"),
        ("HOOKLINE_LOG", "redis://localhost", "kafka://HOST:PORT"),
        ("HOOKLINE_LOG", "kafka://localhost", "kafka://HOST:PORT"),
        ("HOOKLINE_STORE", "postgres://localhost", "mongodb://"),
        ("HOOKLINE_STORE", "mongodb://user:hunter2@:port/", "mongodb://"),
        ("HOOKLINE_SEAL_KEY", "short", "32 bytes in base64"),
        ("HOOKLINE_TRUSTED_PROXIES", "the one next door", "networks"),
        ("HOOKLINE_HOST", "0.0.0.0", "HOOKLINE_API_KEYS"),
        ("HOOKLINE_TLS_CERT", "cert.pem", "HOOKLINE_TLS_KEY"),
    ],
)
def test_a_bad_setting_is_one_line_that_names_it_and_what_is_allowed(
    tmp_path: Path, variable: str, value: str, allowed: str
) -> None:
    ports = {"HOOKLINE_PORT": str(free_port()), "HOOKLINE_GATEWAY_PORT": str(free_port())}
    seal = {"HOOKLINE_SEAL_KEY": "A" * 43 + "="}
    environ = {**ports, **seal, variable: value}
    done = command("hookline", "up", "--data", str(tmp_path / "data"), environ=environ)

    assert done.code == 78, done
    assert len(done.err.splitlines()) == 1, done
    assert variable in done.err
    assert allowed in done.err
    assert "hunter2" not in done.err
    assert "short" not in done.err
