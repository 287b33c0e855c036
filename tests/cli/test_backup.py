"""`hookline backup` beside a busy Hookline, and `hookline restore` elsewhere and over it."""

import contextlib
import shutil
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.registering import registered, waiting
from tests.servers.hookline import Done, System, command, up

CHECK = {"x-check": "a value that is hard to guess"}
BEFORE = 40


class Load:
    """Sends events until it is told to end; `acknowledged` are the ids that were answered 200."""

    def __init__(self, gateway: str, webhook_id: str) -> None:
        self._url = f"{gateway}/webhook/{webhook_id}"
        self._ended = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self.acknowledged: list[str] = []

    @contextlib.contextmanager
    def running(self) -> Generator["Load", None, None]:
        self._thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            self._thread.join()
        assert self._failed is None, self._failed

    def _run(self) -> None:
        try:
            with httpx.Client(trust_env=False, timeout=30) as client:
                while not self._ended.is_set():
                    body = {"number": len(self.acknowledged), "text": "x" * 2_000}
                    answer = client.post(self._url, json=body, headers=CHECK)
                    assert answer.status_code == 200, answer.text
                    self.acknowledged.append(answer.headers["hookline-event-id"])
        except BaseException as error:
            self._failed = error
            raise


def custom(system: System, workflow: str) -> dict[str, Any]:
    return registered(system, workflow, sourcePlatform="Custom", headers=CHECK)


def resume(system: System, webhook: dict[str, Any], workflow_id: str) -> None:
    """The wait for order 7 takes an event, whose check needs the sealed secret."""
    sent = httpx.post(f"{system.gateway}/webhook/{webhook['id']}", json={"order": 7}, headers=CHECK)
    assert sent.status_code == 200, sent.text
    assert system.event(sent.headers["hookline-event-id"])["verdict"] == "resumed"
    system.execution(workflow_id, "COMPLETED")


def good(done: Done) -> Done:
    assert done.code == 0, done
    return done


def test_what_was_acknowledged_before_a_backup_under_load_is_in_it(tmp_path: Path) -> None:
    backup, elsewhere = tmp_path / "backup", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with up(tmp_path) as system:
        workflow = waiting(system, {"$['order']": 7})
        webhook = custom(system, workflow)
        workflow_id = system.post("/workflow", {"name": workflow})
        with Load(system.gateway, webhook["id"]).running() as load:
            system.until(lambda: len(load.acknowledged) >= BEFORE, "some load")
            before = [*load.acknowledged]
            done = good(command("hookline", "backup", str(backup), "--data", f"{tmp_path}/data"))
            after = len(load.acknowledged)
            system.until(lambda: len(load.acknowledged) > after, "the load to go on")
        assert "The seal key is in it" in done.out
        for name in ("hookline.db", "seal.key", "backup.json"):
            assert (backup / name).stat().st_mode & 0o077 == 0
        resume(system, webhook, workflow_id)  # here too, and that is not in the backup

    good(command("hookline", "restore", str(backup), "--data", f"{elsewhere}/data"))
    with up(elsewhere) as system:
        for event_id in before:
            assert system.event(event_id)["verdict"] == "unmatched"
        assert system.get(f"/workflow/{workflow_id}")["status"] == "RUNNING"
        resume(system, webhook, workflow_id)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the `data` of a Hookline that ran, and a `backup` of it."""
    folder = tmp_path_factory.mktemp("stopped")
    with up(folder) as system:
        waiting(system, {"$['order']": 7})
    good(command("hookline", "backup", f"{folder}/backup", "--data", f"{folder}/data"))
    return folder


def test_a_folder_in_use_is_not_restored_to(stopped: Path, tmp_path: Path) -> None:
    with up(tmp_path) as system:
        data = f"{tmp_path}/data"
        done = command("hookline", "restore", f"{stopped}/backup", "--data", data, "--replace")
        assert done.code == 1, done
        assert f"in use by process {system.process.pid}" in done.err


def test_what_was_in_the_folder_is_kept_aside(stopped: Path, tmp_path: Path) -> None:
    backup, data = str(stopped / "backup"), tmp_path / "data"
    with up(tmp_path) as system:
        workflow = waiting(system, {"$['order']": 7})
    refused = command("hookline", "restore", backup, "--data", str(data))
    assert refused.code == 1, refused
    assert "--replace" in refused.err
    old = {name: (data / name).read_bytes() for name in ("hookline.db", "seal.key")}

    done = good(command("hookline", "restore", backup, "--data", str(data), "--replace"))
    (aside,) = data.glob("before-restore-*")
    assert str(aside) in done.out
    assert {path.name: path.read_bytes() for path in aside.iterdir()} == old
    with up(tmp_path) as system:
        assert system.http.get(f"/api/metadata/workflow/{workflow}").status_code == 404

    for name in old:
        shutil.copy(aside / name, data / name)
    with up(tmp_path) as system:
        assert system.get(f"/metadata/workflow/{workflow}")["name"] == workflow


@pytest.mark.parametrize("damage", ["flipped", "cut", "unfinished"])
def test_a_backup_that_is_not_what_it_was_changes_nothing(
    stopped: Path, tmp_path: Path, damage: str
) -> None:
    backup, data = tmp_path / "backup", tmp_path / "data"
    shutil.copytree(stopped / "backup", backup)
    file = backup / "hookline.db"
    content = bytearray(file.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 1
    if damage == "cut":
        del content[-4096:]
    if damage == "unfinished":
        (backup / "backup.json").unlink()
    file.write_bytes(content)
    data.mkdir()
    (data / "mine").write_text("kept")
    done = command("hookline", "restore", str(backup), "--data", str(data), "--replace")
    assert done.code == 1, done
    assert len(done.err.splitlines()) == 1, done
    assert {path.name for path in data.iterdir()} <= {"mine", "hookline.db.lock"}


def test_a_damaged_data_file_makes_no_backup(stopped: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(stopped / "data", data)
    file = data / "hookline.db"
    content = bytearray(file.read_bytes())
    content[8192:16384] = bytes(8192)
    file.write_bytes(content)
    done = command("hookline", "backup", f"{tmp_path}/backup", "--data", str(data))
    assert done.code == 1, done
    assert "hookline.db" in done.err
    assert list((tmp_path / "backup").iterdir()) == []


def test_a_backup_without_the_key_says_how_to_keep_it(stopped: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    arguments = ("--without-key", "--data", f"{stopped}/data")
    done = good(command("hookline", "backup", str(backup), *arguments))
    assert "seal.key) is not in it: keep a copy" in done.out
    assert not (backup / "seal.key").exists()
    done = good(command("hookline", "restore", str(backup), "--data", f"{tmp_path}/data"))
    assert "HOOKLINE_SEAL_KEY" in done.out


def test_nothing_is_overwritten_or_made_by_looking(stopped: Path, tmp_path: Path) -> None:
    taken = command("hookline", "backup", f"{stopped}/backup", "--data", f"{stopped}/data")
    assert (taken.code, "exists already" in taken.err) == (1, True), taken
    none = command("hookline", "backup", f"{tmp_path}/b", "--data", f"{tmp_path}/none")
    assert (none.code, "--data" in none.err) == (1, True), none
    assert not (tmp_path / "none").exists()
    environ = {"HOOKLINE_STORE": "mongodb://db/hookline"}
    other = command("hookline", "backup", f"{tmp_path}/b", environ=environ)
    assert (other.code, "mongodump" in other.err) == (1, True), other
