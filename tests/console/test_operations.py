"""Operations: topics and lag, dead letters, replays, workers."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.console.definitions import put_nonsense, register, simple, start
from tests.servers.browser import Visit
from tests.servers.hookline import System, up

NONSENSE = 3


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system whose commands hold nonsense from before its start."""
    folder = tmp_path_factory.mktemp("operations")
    asyncio.run(put_nonsense(folder, NONSENSE))
    with up(folder) as running:
        running.until(lambda: len(letters(running)) == NONSENSE, "the letters to be catalogued")
        yield running


def letters(system: System) -> list[dict[str, str]]:
    return system.get("/dead-letters", params={"state": "waiting"})["deadLetters"]


def test_topics_and_services(system: System, visit: Visit, picture: Callable[[str], Path]) -> None:
    page = visit.open("/operations")
    for name in ("ingest", "verifier", "matcher", "engine"):
        expect(page.locator("li").filter(has_text=name).first).to_contain_text("Ready")
    for topic in system.get("/topics")["topics"]:
        expect(page.get_by_role("row").filter(has_text=topic["name"]).first).to_be_visible()
    visit.check(picture("operations"))


def test_a_dead_letter_is_inspected_dropped_and_redriven(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    page = visit.open("/operations?tab=letters")
    expect(page.locator("tbody tr")).to_have_count(NONSENSE)
    expect(page.locator(".nav .n.bad").first).to_have_text(str(NONSENSE))
    visit.check(picture("dead-letters"))
    page.get_by_role("link", name="workflow.commands").first.click()
    expect(page.get_by_role("alert")).to_be_visible()
    visit.check(picture("dead-letter"))

    page.get_by_role("button", name="Drop…").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Drop").click()
    expect(page.get_by_text("Dropped.")).to_be_visible()
    assert len(letters(system)) == NONSENSE - 1

    page.get_by_role("link", name="workflow.commands").first.click()
    page.get_by_role("button", name="Redrive…").click()
    page.get_by_role("dialog").get_by_role("button", name="Redrive").click()
    expect(page.get_by_text("It is back in its topic.")).to_be_visible()
    system.until(lambda: len(letters(system)) == NONSENSE - 1, "it to die again")


def test_a_filter_without_letters_can_be_cleared(visit: Visit) -> None:
    page = visit.open("/operations?tab=letters&topic=webhooks.received")
    expect(page.get_by_role("heading", name="None is like that")).to_be_visible()
    visit.check()


def test_a_replay_is_made_and_followed(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    page = visit.open("/operations?tab=replays")
    expect(page.get_by_role("heading", name="No replay yet")).to_be_visible()
    assert system.hookline("samples", "apply", "wait_for_review").code == 0
    sent = system.hookline("send", "github-demo", "pull_request_review")
    event = sent.out.split()[-1]
    system.event(event)
    job = system.post("/replays", {"filter": {"ids": [event]}})["id"]
    system.until(lambda: system.get(f"/replays/{job}")["state"] == "done", "the replay")

    page = visit.open("/operations?tab=replays")
    page.locator(f'[title="{job}"]').click()
    expect(page.locator(".head .badge")).to_have_text("done")
    expect(page.locator(f'[title="{event}"]')).to_be_visible()
    visit.check(picture("replay"))


def test_a_task_type_that_nobody_polls_is_shown(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    register(system, simple("lonely"))
    start(system, "lonely")
    page = visit.open("/operations?tab=workers")
    row = page.get_by_role("row").filter(has_text="pack")
    expect(row).to_contain_text("Nobody polls")
    visit.check(picture("workers"))


def test_a_tab_that_there_is_not_is_said(visit: Visit) -> None:
    page = visit.open("/operations?tab=weather")
    expect(page.get_by_text("There is no tab 'weather'.")).to_be_visible()
