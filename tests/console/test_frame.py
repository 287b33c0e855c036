"""The frame around every page: menu, finder, theme, keys, errors that say what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.servers.browser import Visit


def test_the_menu_has_the_places_of_the_customers_page(
    visit: Visit, picture: Callable[[str], Path]
) -> None:
    page = visit.open("/")
    menu = page.get_by_label("Sidebar")
    expect(menu.get_by_role("heading", name="Definitions")).to_be_visible()
    for place in ("Workflow", "Webhooks", "Run Workflow", "Executions", "Operations", "Events"):
        expect(menu.get_by_role("link", name=place, exact=True)).to_be_visible()
    expect(page.locator(".top").get_by_role("link", name="Run Workflow")).to_be_visible()
    visit.check(picture("frame"))


def test_the_theme_is_kept(visit: Visit) -> None:
    page = visit.open("/")
    toggle = page.locator("[data-theme-toggle]")
    toggle.click()
    toggle.click()
    expect(toggle).to_have_attribute("aria-label", "Theme: dark. Change")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert visit.complaints == []


def test_the_keys_are_listed_and_can_be_switched_off(visit: Visit) -> None:
    page = visit.open("/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.get_by_label("Single keys are on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    page.reload()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).not_to_be_focused()


def test_find_has_a_key(visit: Visit) -> None:
    page = visit.open("/")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()


@pytest.mark.parametrize("path", ["/login"])
def test_the_page_stands(visit: Visit, path: str) -> None:
    visit.open(path)
    visit.check()


@pytest.mark.parametrize("path", ["/executions/x/y", "/definitions/nothing", "/operations/lost"])
def test_an_address_that_leads_nowhere_is_said_on_a_page(visit: Visit, path: str) -> None:
    answer = visit.page.goto(f"{visit.address}{path}")
    assert answer is not None
    assert answer.status == 404
    expect(visit.page.get_by_role("alert")).to_contain_text(f"There is no page {path}")
    visit.complaints.clear()  # the browser notes the 404 itself
    visit.check()
