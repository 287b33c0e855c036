"""What README.md and docs/ say is so: commands run as written, tables in step, links lead on."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from hookline_cli.config import OF_COMMANDS, table
from hookline_common.settings import TABLE, Setting
from tests.servers.hookline import System, path_with_scripts
from tests.servers.processes import outer_environ

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [
    page for folder in (".", "docs", "benchmarks") for page in sorted(ROOT.glob(f"{folder}/*.md"))
]


def section(title: str) -> str:
    """The part of the README under a heading."""
    found = re.search(
        rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL
    )
    assert found, f"README.md has no section {title!r}"
    return found[1]


def blocks(text: str) -> list[str]:
    """The code blocks of a page."""
    return re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[str]:
    """The commands of a block, each from its first line to its last."""
    found: list[str] = []
    for line in block.splitlines():
        if line.startswith(("curl ", "hookline ")):
            found.append(line)
        else:
            assert found, line
            found[-1] += f"\n{line}"
    return found


def shell(system: System, command: str) -> str:
    """What a command prints, with this system in the place of localhost:8080."""
    address = system.api.removeprefix("http://")
    done = subprocess.run(
        ["bash", "-euc", command.replace("localhost:8080", address)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**outer_environ(), "PATH": path_with_scripts(), "HOOKLINE_URL": system.api},
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_first_webhook_with_curl_works_as_written(system: System) -> None:
    define, register, drive = blocks(section("A first webhook with curl"))
    shell(system, define)
    webhook = json.loads(shell(system, register))
    start, send, look, history = commands(drive)

    workflow_id = shell(system, start).strip().strip('"')
    shell(system, send.replace("URL", webhook["url"]))
    system.execution(workflow_id, "COMPLETED")
    run = json.loads(shell(system, look.replace("ID", workflow_id)))
    assert run["status"] == "COMPLETED"
    assert run["tasks"][0]["outputData"] == {"order": "A-7", "amount": 12}
    events = json.loads(shell(system, history))["events"]
    assert events[0]["webhookName"] == "shop"
    assert events[0]["verdict"] == "resumed"


def test_the_first_commands_work_as_written(system: System) -> None:
    block = next(one for one in blocks(section("Start it")) if "hookline run" in one)
    activate, _, rest = block.partition("\n")
    assert activate == ". .venv/bin/activate"

    printed = [shell(system, command) for command in commands(rest)]

    system.execution(printed[1].strip(), "COMPLETED")
    assert "pull_request_review" in printed[-1] or "No event yet" in printed[-1]


def test_what_make_offers_is_what_the_pages_name() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"\bmake ([a-z-]+)\b", "\n".join(code(page.read_text()))))
        assert named <= targets, f"{page.name} names {named - targets}"


def code(text: str) -> list[str]:
    """What a page sets as code, in blocks and in lines."""
    return [*blocks(text), *re.findall(r"`([^`\n]+)`", text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text())

    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    named = {
        name
        for name in re.findall(r"`([\w./-]+)`", page.read_text())
        if re.match(r"(libs|services|tests|docs|deploy|benchmarks)/", name)
    }

    assert not [name for name in named if not (ROOT / name).exists()]


@pytest.mark.parametrize("settings", [TABLE, OF_COMMANDS], ids=["running", "commands"])
def test_the_tables_of_settings_are_in_step_with_the_code(settings: tuple[Setting, ...]) -> None:
    page = (ROOT / "docs" / "settings.md").read_text()

    assert table(settings) in page, "put what `hookline config reference` prints there"
