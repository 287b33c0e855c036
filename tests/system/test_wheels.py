"""Each service's wheel, installed alone with the common one in an empty environment, starts."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.servers.hookline import AMISS, end
from tests.servers.processes import free_port, running

ROOT = Path(__file__).parents[2]
PARTS = {
    "ingest": "services/ingest",
    "verifier": "services/verifier",
    "matcher": "services/matcher",
    "engine": "services/workflow-engine",
    "console": "services/console",
}


def pip(*arguments: str) -> None:
    """Run pip; its output is shown if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"pip {arguments}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our wheels and those that they need, as the Dockerfile makes them."""
    folder = tmp_path_factory.mktemp("wheels")
    parts = [f"./{part}" for part in ("libs/common", *PARTS.values())]
    pip("wheel", "--constraint", "constraints.txt", "--wheel-dir", str(folder), *parts)
    return folder


@pytest.mark.parametrize("name", list(PARTS))
def test_a_service_alone_with_the_common_part_starts_and_ends(
    wheels: Path, tmp_path: Path, name: str
) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    pip("--python", str(python), "install", "--no-index", "--no-compile",
        "--find-links", str(wheels), f"hookline-{name}")  # fmt: skip
    installed = {path.name for path in environment.glob("lib/python*/site-packages/hookline_*")}
    imported = {folder for folder in installed if not folder.endswith(".dist-info")}
    assert imported == {"hookline_common", f"hookline_{name}"}

    port, log = free_port(), tmp_path / "service.log"
    alone = {"PYTHONPATH": "", "PYTHONNOUSERSITE": "1"}  # only what has just been installed
    environ = {**alone, "HOOKLINE_PORT": str(port), "HOOKLINE_DATA": str(tmp_path / "data")}
    command = str(environment / "bin" / f"hookline-{name}")
    with running([command], port, log, environ) as process:
        assert httpx.get(f"http://127.0.0.1:{port}/livez", timeout=30).status_code == 200
        assert httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=30).status_code == 200
        code = end(process)
    assert code == 0, log.read_text()
    assert AMISS.search(log.read_text()) is None, log.read_text()


def test_the_console_carries_its_files(wheels: Path) -> None:
    (wheel,) = wheels.glob("hookline_console-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    package = ROOT / PARTS["console"] / "hookline_console"
    there = {
        str(file.relative_to(package.parent))
        for folder in ("examples", "static", "templates")
        for file in (package / folder).rglob("*")
        if file.is_file()
    }
    assert there <= held, sorted(there - held)
