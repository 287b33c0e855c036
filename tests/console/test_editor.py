"""The editor of workflows: drawn, changed, undone, in step with its JSON, saved."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.console.definitions import HOSTILE, register, simple, waiting
from tests.servers.browser import Visit
from tests.servers.hookline import System

NEW = "/definitions/workflows/new"


def add(page: Page, where: str, kind: str) -> None:
    """Add a task by its (+)."""
    page.get_by_role("button", name=where).first.click()
    page.get_by_role("searchbox", name="Find a task type").fill(kind)
    page.locator("#picker").get_by_role("button", name=kind, exact=True).click()


def draft(page: Page) -> dict[str, Any]:
    """The definition as the JSON tab has it."""
    return json.loads(page.locator("#json-text").input_value())


def node(page: Page, ref: str) -> Any:
    return page.locator(f'#canvas [data-ref="{ref}"]')


def test_a_workflow_is_drawn_and_saved(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    page = visit.open(NEW)
    add(page, "Add a task at the start", "Wait for Webhook")
    page.get_by_label("Path 1").fill("$.order")
    page.get_by_label("Expected value 1").fill("${workflow.input.order}")
    page.get_by_label("Reference name").fill("paid")
    expect(node(page, "paid")).to_be_visible()
    add(page, "Add a task after paid", "HTTP")
    page.get_by_label("Address").fill("https://example.com/ship")
    add(page, "Add a task after http", "Switch")
    add(page, "Add a task into this branch", "Fork and Join")
    add(page, "Add a task into this branch", "Simple task")
    page.get_by_label("Task definition").fill("pack")
    expect(node(page, "join")).to_be_visible()
    page.get_by_role("tab", name="Settings").click()
    page.get_by_label("Name", exact=True).fill("drawn")
    page.get_by_label("Input keys").fill("order")
    page.get_by_role("tab", name="Flow").click()
    expect(page.locator("#validity")).to_contain_text("Definition is valid, 6 tasks")
    visit.check(picture("editor"))
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_text("Saved as version 1 of drawn.")).to_be_visible()
    saved = system.get("/metadata/workflow/drawn")
    first = saved["tasks"][0]
    assert first["type"] == "WAIT_FOR_WEBHOOK"
    assert first["inputParameters"]["matches"] == {"$.order": "${workflow.input.order}"}
    assert saved["tasks"][1]["inputParameters"]["http_request"]["uri"] == "https://example.com/ship"
    assert saved["inputParameters"] == ["order"]
    visit.check()


def test_the_next_version_and_the_difference(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    register(system, waiting("grows"))
    page = visit.open("/definitions/workflows/grows")
    add(page, "Add a task after paid", "Inline")
    page.get_by_role("button", name="Save as version 2").click()
    expect(page.get_by_text("Saved as version 2 of grows.")).to_be_visible()
    assert len(system.get("/metadata/workflow/grows")["tasks"]) == 2

    page.get_by_role("link", name="Diff").click()
    expect(page.get_by_text("Added: inline.")).to_be_visible()
    expect(page.get_by_label("From version")).to_have_value("1")
    visit.check(picture("diff"))
    visit.open("/definitions/workflows/grows/diff")
    expect(page.get_by_label("From version")).to_have_value("1")
    expect(page.get_by_label("To version")).to_have_value("2")


def test_what_is_done_can_be_undone_and_done_again(system: System, visit: Visit) -> None:
    register(system, simple("undoing"))
    page = visit.open("/definitions/workflows/undoing")
    node(page, "pack").click()
    page.get_by_role("button", name="Duplicate").click()
    expect(node(page, "pack_2")).to_be_visible()
    page.get_by_role("button", name="Move earlier").click()
    expect(page.locator("#canvas [data-pointer='/tasks/0']")).to_have_attribute(
        "data-ref", "pack_2"
    )
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(node(page, "pack_2")).to_have_count(0)

    page.get_by_role("button", name="Undo").click()
    expect(node(page, "pack_2")).to_be_visible()
    page.get_by_role("button", name="Redo").click()
    expect(node(page, "pack_2")).to_have_count(0)
    for _ in range(3):
        page.get_by_role("button", name="Undo").click()
    expect(page.locator("#draft-state")).to_have_text("")
    assert visit.complaints == []


def forked(name: str) -> dict[str, Any]:
    """A workflow of a task, a fork of two with its join, and a task."""
    first, left, right, last = (
        {"name": "pack", "taskReferenceName": ref, "type": "SIMPLE"}
        for ref in ("first", "left", "right", "last")
    )
    fork = {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN"}
    join = {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["left", "right"]}
    tasks = [first, {**fork, "forkTasks": [[left], [right]]}, join, last]
    return {"name": name, "version": 1, "schemaVersion": 2, "tasks": tasks}


def references(page: Page) -> list[str]:
    """The names of the outermost tasks, in their order."""
    return [task["taskReferenceName"] for task in draft(page)["tasks"]]


def test_a_fork_and_its_join_go_together(system: System, visit: Visit) -> None:
    register(system, forked("forked"))
    page = visit.open("/definitions/workflows/forked")
    node(page, "f").click()
    page.get_by_role("button", name="Move earlier").click()
    expect(node(page, "f")).to_have_attribute("data-pointer", "/tasks/0")
    assert references(page) == ["f", "j", "first", "last"]
    page.get_by_role("button", name="Move later").click()
    expect(node(page, "f")).to_have_attribute("data-pointer", "/tasks/1")
    assert references(page) == ["first", "f", "j", "last"]
    page.get_by_role("button", name="Duplicate").click()
    expect(node(page, "f_2")).to_be_visible()
    assert references(page) == ["first", "f", "j", "f_2", "j_2", "last"]
    assert draft(page)["tasks"][4]["joinOn"] == ["left_2", "right_2"]
    expect(page.locator("#validity")).to_contain_text("Definition is valid, 10 tasks")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#draft-state")).to_contain_text("4 tasks deleted")
    assert references(page) == ["first", "f", "j", "last"]
    assert visit.complaints == []


def test_a_version_is_saved_over_after_a_question(system: System, visit: Visit) -> None:
    register(system, simple("over"))
    page = visit.open("/definitions/workflows/over")
    add(page, "Add a task after pack", "Inline")
    page.get_by_role("button", name="Save over version 1…").click()
    visit.check()
    page.get_by_role("alertdialog").get_by_role("button", name="Save over it").click()
    expect(page.get_by_text("Saved as version 1 of over.")).to_be_visible()
    assert len(system.get("/metadata/workflow/over", params={"version": 1})["tasks"]) == 2


def test_every_fault_stands_at_its_line(system: System, visit: Visit) -> None:
    register(system, forked("faulty"))
    page = visit.open("/definitions/workflows/faulty")
    page.get_by_role("tab", name="JSON").click()
    changed = draft(page)
    for task in (changed["tasks"][0], changed["tasks"][3]):
        task["name"] = ""
    text = json.dumps(changed, indent=2)
    page.get_by_label("Definition as JSON").fill(text)
    wrong = [n for n, line in enumerate(text.split("\n"), 1) if line.strip() == '"name": "",']
    assert len(wrong) == 2
    for line in wrong:
        expect(page.locator("#json-lines")).to_contain_text(f"▸ {line}")
        expect(page.locator("#validity")).to_contain_text(f"Line {line}:")


def test_json_and_flow_are_in_step_and_a_fault_stands_at_its_line(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    register(system, simple("stepping"))
    page = visit.open("/definitions/workflows/stepping")
    page.get_by_role("tab", name="JSON").click()
    text = page.get_by_label("Definition as JSON")
    changed = draft(page)
    changed["tasks"][0]["taskReferenceName"] = "wrapped"
    text.fill(json.dumps(changed, indent=2))
    expect(node(page, "wrapped")).to_have_count(1)

    text.fill('{\n  "name": "stepping",\n  "tasks": [,]\n}')
    expect(page.locator("#validity")).to_contain_text("Line 3")
    expect(page.locator("#json-lines .at-bad")).to_contain_text("3")
    text.fill(json.dumps({**changed, "tasks": changed["tasks"] * 2}, indent=2))
    expect(page.locator("#validity")).to_have_class("grow bad")
    visit.check(picture("editor-json"))


def test_a_payload_fills_the_matches_and_shows_what_would_have_matched(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    assert system.hookline("samples", "apply", "wait_for_review").code == 0
    sent = ("send", "github-demo", "pull_request_review", "--set", "pull_request.number=7")
    assert system.hookline(*sent).code == 0
    page = visit.open("/definitions/workflows/wait_for_review")
    add(page, "Add a task after review", "Wait for Webhook")

    page.get_by_role("button", name='Match $.action = "submitted"').click()

    expect(page.get_by_label("Path 1")).to_have_value("$.action")
    expect(page.get_by_label("Expected value 1")).to_have_value("submitted")
    expect(page.get_by_text("Would have matched 1 of the last 1 events.")).to_be_visible()
    visit.check(picture("editor-matches"))


def test_the_same_without_a_mouse(system: System, visit: Visit) -> None:
    page = visit.open(NEW)
    page.get_by_role("button", name="Add a task at the start").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("wait for")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Reference name")).to_be_focused()
    node(page, "wait_for_event").focus()
    page.keyboard.press("a")
    page.keyboard.type("inline")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(node(page, "inline")).to_be_visible()
    node(page, "inline").focus()
    page.keyboard.press("Delete")
    expect(node(page, "inline")).to_have_count(0)
    page.locator("#canvas").focus()
    page.keyboard.press("Control+z")
    expect(node(page, "inline")).to_be_visible()
    assert visit.complaints == []


def test_an_example_of_the_gallery_is_opened(visit: Visit) -> None:
    page = visit.open(f"{NEW}?example=github_release_approval")
    expect(page.locator("#canvas .node").first).to_be_visible()
    expect(page.locator("#validity")).to_contain_text("Definition is valid")
    visit.check()


def test_a_refusal_of_the_api_loses_nothing(visit: Visit) -> None:
    page = visit.open(NEW)
    add(page, "Add a task at the start", "Inline")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="Not saved.")).to_be_visible()
    expect(node(page, "inline")).to_be_visible()


def test_hostile_names_are_text(system: System, visit: Visit) -> None:
    definition = simple(HOSTILE, description=HOSTILE)
    definition["tasks"][0]["taskReferenceName"] = "b<i>ad"
    register(system, definition)
    page = visit.open("/definitions/workflows/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    visit.check()


def test_the_list_says_who_resumes_what(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    assert system.hookline("samples", "apply", "wait_for_review").code == 0
    page = visit.open("/definitions/workflows?text=review")
    row = page.get_by_role("row").filter(has_text="wait_for_review")
    expect(row.get_by_role("link", name="github-demo")).to_be_visible()
    expect(page.get_by_role("link", name="+ Define Workflow")).to_be_visible()
    visit.check(picture("workflows"))
    page = visit.open("/definitions/workflows?text=nothing-fits")
    expect(page.get_by_role("heading", name="No definition fits")).to_be_visible()


def test_a_version_is_deleted_after_a_question(system: System, visit: Visit) -> None:
    register(system, simple("leaving"))
    page = visit.open("/definitions/workflows/leaving")
    page.get_by_role("button", name="Delete this version").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete version").click()
    expect(page.get_by_text("Removed version 1 of leaving.")).to_be_visible()
    assert system.http.get("/api/metadata/workflow/leaving").status_code == 404
