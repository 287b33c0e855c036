"""Task definitions, and the pages of the gallery."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from hookline_console import gallery
from hookline_console.forms import Form
from hookline_console.run_forms import BadField
from hookline_console.task_forms import task_def_of, uses_of
from tests.console.definitions import HOSTILE, register, simple
from tests.servers.browser import Visit
from tests.servers.hookline import System


def test_a_task_is_defined_changed_and_deleted(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    page = visit.open("/definitions/tasks")
    expect(page.get_by_role("heading", name="No task is defined yet")).to_be_visible()
    page.get_by_role("link", name="+ Define Task").click()
    page.get_by_label("Name", exact=True).fill("pack")
    page.get_by_label("Description").fill(HOSTILE)
    page.get_by_label("Retries", exact=True).fill("many")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".field[data-invalid]")).to_contain_text("a whole number is needed")
    expect(page.get_by_label("Description")).to_have_value(HOSTILE)
    page.get_by_label("Retries", exact=True).fill("5")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved pack.")).to_be_visible()
    assert system.get("/metadata/taskdefs/pack")["retryCount"] == 5
    visit.complaints.clear()  # the browser notes the 400 itself
    visit.check(picture("tasks"))

    register(system, simple("uses_pack"))
    page.get_by_role("link", name="pack").click()
    expect(page.get_by_role("link", name="uses_pack")).to_be_visible()
    visit.check(picture("task"))
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("alertdialog")).to_contain_text("uses_pack")
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Removed pack.")).to_be_visible()
    assert system.http.get("/api/metadata/taskdefs/pack").status_code == 404


def test_the_gallery_shows_every_example(visit: Visit, picture: Callable[[str], Path]) -> None:
    page = visit.open("/gallery")
    for name in gallery.names():
        expect(page.get_by_role("link", name=gallery.load(name).title)).to_be_visible()
    visit.check(picture("gallery"))


@pytest.mark.parametrize("name", gallery.names())
def test_an_example_is_applied_and_opened(
    system: System, visit: Visit, picture: Callable[[str], Path], name: str
) -> None:
    page = visit.open(f"/gallery/{name}")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Applied: it can be tried now.")).to_be_visible()
    page.get_by_role("button", name="Apply again").click()
    expect(page.get_by_role("heading", name="Try it", exact=True)).to_be_visible()
    workflow = gallery.load(name).workflows[0]
    assert system.get(f"/metadata/workflow/{workflow['name']}")["version"] == workflow["version"]
    visit.check(picture(f"gallery-{name}"))
    page.get_by_role("link", name="Open in the editor").click()
    expect(page.locator("#validity")).to_contain_text("Definition is valid")


def test_a_form_that_was_not_touched_changes_nothing() -> None:
    stored = {
        "name": "t",
        "retryCount": 3,
        "inputKeys": ["a", "b"],
        "outputKeys": [],
        "x": {"y": 1},
    }
    form = Form([("retryCount", "3"), ("inputKeys", "a, b")])
    assert task_def_of(form, stored) == stored


def test_a_definition_needs_a_name() -> None:
    with pytest.raises(BadField):
        task_def_of(Form([]), {})


def test_uses_are_found_in_every_branch() -> None:
    inner = {"name": "t", "taskReferenceName": "r", "type": "SIMPLE"}
    switch = {"name": "s", "type": "SWITCH", "decisionCases": {"a": [inner]}}
    loop = {"name": "l", "type": "DO_WHILE", "loopOver": [inner]}
    definitions = [
        {"name": "one", "tasks": [switch]},
        {"name": "two", "tasks": [loop]},
        {"name": "none", "tasks": [loop["loopOver"][0] | {"name": "u"}]},
    ]
    assert uses_of("t", definitions) == ["one", "two"]
