"""`hookline keys rotate` and `reseal` on a data folder, and a start with the wrong key."""

from pathlib import Path

import httpx

from tests.cli.registering import registered, waiting
from tests.servers.hookline import Done, command, up
from tests.servers.processes import free_port

CHECK = {"x-check": "a value that is hard to guess"}


def rotated(folder: Path) -> Done:
    done = command("hookline", "keys", "rotate", "--data", f"{folder}/data")
    assert done.code == 0, done
    return done


def test_after_rotate_and_reseal_the_old_key_can_go(tmp_path: Path) -> None:
    key_file = tmp_path / "data" / "seal.key"
    with up(tmp_path) as system:
        workflow = waiting(system, {"$['order']": 7})
        webhook = registered(system, workflow, sourcePlatform="Custom", headers=CHECK)
        workflow_id = system.post("/workflow", {"name": workflow})
    old = key_file.read_text()

    assert "2 keys" in rotated(tmp_path).out
    new, kept = key_file.read_text().splitlines(keepends=True)
    assert kept == old != new
    assert key_file.stat().st_mode & 0o077 == 0
    with up(tmp_path) as system:
        done = system.hookline("keys", "reseal")
        assert (done.code, "1 of 1" in done.out) == (0, True), done
        again = system.hookline("keys", "reseal")
        assert (again.code, "0 of 1" in again.out) == (0, True), again

    key_file.write_text(new)
    with up(tmp_path) as system:
        url = f"{system.gateway}/webhook/{webhook['id']}"
        sent = httpx.post(url, json={"order": 7}, headers=CHECK)
        assert system.event(sent.headers["hookline-event-id"])["verdict"] == "resumed"
        system.execution(workflow_id, "COMPLETED")

    key_file.write_text(old)
    ports = ("--port", str(free_port()), "--gateway-port", str(free_port()))
    wrong = command("hookline", "up", *ports, "--data", f"{tmp_path}/data")
    assert wrong.code == 78, wrong
    assert len(wrong.err.splitlines()) == 1, wrong
    assert "HOOKLINE_SEAL_KEY" in wrong.err
    assert webhook["name"] in wrong.err
    with up(tmp_path, environ={"HOOKLINE_SEAL_KEY_LOST": "1"}) as system:
        body = {**webhook, "headers": {"x-check": "another value, as hard to guess"}}
        system.call("PUT", f"/metadata/webhook/{webhook['id']}", json=body)
    with up(tmp_path):
        pass


def test_there_must_be_a_key_to_rotate(tmp_path: Path) -> None:
    none = command("hookline", "keys", "rotate", "--data", f"{tmp_path}/data")
    assert (none.code, "seal.key" in none.err) == (1, True), none
    environ = {"HOOKLINE_SEAL_KEY": "A" * 43 + "="}
    elsewhere = command("hookline", "keys", "rotate", environ=environ)
    assert (elsewhere.code, "HOOKLINE_SEAL_KEY" in elsewhere.err) == (1, True), elsewhere
