"""The three steps of the customer's page as its text says them: by mouse, by keyboard alone."""

from collections.abc import Callable
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

from tests.servers.browser import Visit
from tests.servers.hookline import System


def test_create_a_workflow_a_webhook_and_run_it(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    page = visit.open("/")
    _create_workflow(page, "sample_webhook", "ord-1")
    visit.check(picture("step1-workflow"))

    url = _create_webhook(page, "webhook-name", "sample_webhook")
    visit.check(picture("step2-webhook"))

    execution = _run_workflow(page, "sample_webhook")
    assert system.get(f"/workflow/{execution}")["status"] == "RUNNING"
    expect(page.get_by_text("Waits for a webhook").first).to_be_visible()
    visit.check(picture("step3-waiting"))

    event = _send(url, "ord-1")
    done = system.execution(execution, "COMPLETED")
    page.mouse.move(1, 1)
    expect(page.locator(".head .badge")).to_have_text("Completed", timeout=20_000)
    assert done["tasks"][0]["outputData"]["order"] == "ord-1"
    visit.check(picture("step3-completed"))

    _history(page, "webhook-name", event, execution)
    visit.check(picture("history"))


def _create_workflow(page: Page, name: str, order: str) -> None:
    """Step 1: Definitions > Workflow, + Define Workflow, (+), Wait for Webhook, matches, save."""
    page.get_by_label("Sidebar").get_by_role("link", name="Workflow", exact=True).click()
    page.get_by_role("link", name="+ Define Workflow").first.click()
    page.get_by_role("button", name="Add a task").first.click()
    page.get_by_role("searchbox", name="Find a task type").fill("wait for webhook")
    page.locator("#picker").get_by_role("button", name="Wait for Webhook").click()
    page.get_by_label("Path 1").fill("$.order")
    page.get_by_label("Expected value 1").fill(order)
    page.get_by_role("tab", name="Settings").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_text(f"Saved as version 1 of {name}.")).to_be_visible()


def _create_webhook(page: Page, name: str, workflow: str) -> str:
    """Step 2: Definitions > Webhooks, + New Webhook, the details, save, copy the URL."""
    page.get_by_label("Sidebar").get_by_role("link", name="Webhooks", exact=True).click()
    page.get_by_role("link", name="+ New Webhook").first.click()
    page.get_by_role("radio", name="Custom").check(force=True)
    page.get_by_label("Webhook name").fill(name)
    page.get_by_label("Workflow to receive webhook event 1").fill(workflow)
    page.get_by_label("Header name 1").fill("appName")
    page.get_by_label("Header value 1").fill("demoApp-7f2c91d80a35")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_text("Unverified").first).to_be_visible()
    page.get_by_role("button", name="Copy the URL").first.click()
    return page.evaluate("navigator.clipboard.readText()")


def _run_workflow(page: Page, name: str) -> str:
    """Step 3: Run Workflow from the left menu, name and version, Run Workflow on the top right."""
    page.get_by_label("Sidebar").get_by_role("link", name="Run Workflow").click()
    page.get_by_label("Workflow name").fill(name)
    page.locator(".head").get_by_role("button", name="Run Workflow").click()
    page.wait_for_url("**/executions/*")
    return page.url.partition("?")[0].rsplit("/", 1)[1]


def _send(url: str, order: str) -> str:
    answer = httpx.post(url, json={"order": order}, headers={"appName": "demoApp-7f2c91d80a35"})
    assert answer.status_code == 200, answer.text
    return answer.headers["hookline-event-id"]


def _history(page: Page, webhook: str, event: str, execution: str) -> None:
    """Navigate to the created webhook and access the webhook execution history."""
    page.get_by_label("Sidebar").get_by_role("link", name="Webhooks", exact=True).click()
    page.get_by_role("row").filter(has_text=webhook).get_by_role("link", name=webhook).click()
    row = page.get_by_role("row").filter(has=page.locator(f'[title="{event}"]'))
    expect(row).to_contain_text("Resumed")
    expect(row.locator(f'a[href="/executions/{execution}"]')).to_be_visible()


def tab_to(page: Page, label: str, presses: int = 200) -> None:
    """Walk on with Tab until something with that name has the focus."""
    for _ in range(presses):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "() => { const e = document.activeElement; return e.getAttribute('aria-label')"
            " || (e.labels && e.labels[0] && e.labels[0].innerText) || e.innerText || '' }"
        )
        if label in name:
            return
    raise AssertionError(f"Tab never came to {label!r} on {page.url}")


def press_on(page: Page, label: str) -> None:
    tab_to(page, label)
    page.keyboard.press("Enter")


def type_at(page: Page, label: str, text: str) -> None:
    tab_to(page, label)
    page.keyboard.type(text)


def test_the_same_by_keyboard_alone(system: System, visit: Visit) -> None:
    page = visit.open("/")
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url("**/definitions/workflows")
    press_on(page, "+ Define Workflow")
    page.wait_for_url("**/new")
    expect(page.locator("#validity")).not_to_have_text("…")
    press_on(page, "Add a task at the start")
    page.keyboard.type("wait for webhook")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Reference name")).to_be_focused()
    type_at(page, "Path 1", "$.order")
    type_at(page, "Expected value 1", "key-1")
    page.get_by_role("tab", name="Flow").focus()
    page.keyboard.press("End")
    type_at(page, "Name", "by_keyboard")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved as version 1 of by_keyboard.")).to_be_visible()

    page.locator("body").press("g")
    page.keyboard.press("w")
    page.wait_for_url("**/definitions/webhooks")
    press_on(page, "+ New Webhook")
    page.wait_for_url("**/new")
    type_at(page, "Webhook name", "keyboard-hook")
    type_at(page, "Header name 1", "appName")
    type_at(page, "Header value 1", "demoApp-7f2c91d80a35")
    type_at(page, "Workflow to receive webhook event 1", "by_keyboard")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Unverified")).to_be_visible()
    press_on(page, "Copy the URL")
    url = page.evaluate("navigator.clipboard.readText()")

    page.locator("body").press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/run")
    expect(page.get_by_label("Workflow name")).to_be_focused()
    page.keyboard.type("by_keyboard")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/executions/*")
    execution = page.url.rsplit("/", 1)[1]
    _send(url, "key-1")
    system.execution(execution, "COMPLETED")
    assert visit.complaints == []
