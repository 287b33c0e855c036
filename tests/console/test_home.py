"""Home: what an empty system says to do, and what a busy one shows; charts; the finder."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from hookline_console.charts import columns, top_of
from hookline_console.views.home import lags_of
from tests.servers.browser import Visit
from tests.servers.hookline import System


def test_an_empty_system_says_what_to_do_and_ticks_it_off(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    page = visit.open("/")
    expect(page.get_by_role("heading", name="Nothing has arrived yet")).to_be_visible()
    expect(page.get_by_text(f"export HOOKLINE_URL={system.api}")).to_be_visible()
    visit.check(picture("home-empty"))

    assert system.hookline("samples", "apply", "wait_for_review").code == 0
    page.reload()
    expect(page.locator(".steps li.done")).to_have_count(1)
    assert system.hookline("run", "wait_for_review", "--input", "number=42").code == 0
    page.reload()
    expect(page.locator(".steps li.done")).to_have_count(2)


def test_a_busy_system_shows_what_happens_and_follows_it(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    sent = ("send", "github-demo", "pull_request_review", "--set")
    assert system.hookline(*sent, "pull_request.number=42").code == 0
    page = visit.open("/")
    total = system.get("/stats")["total"]
    figures = page.locator(".figures")
    expect(figures).to_contain_text("Waits resumed")
    resumed = figures.locator("div").filter(has_text="Waits resumed").locator("dd")
    expect(resumed).to_have_text(str(total["resumed"]))
    expect(page.locator("svg.plot")).to_be_visible()
    visit.check(picture("home"))

    page.mouse.move(1, 1)
    expect(page.locator("#live-state")).to_have_text("Live")
    assert system.hookline(*sent, "pull_request.number=99").code == 0
    unmatched = figures.locator("div").filter(has_text="Unmatched").locator("dd")
    expect(unmatched).to_have_text("1", timeout=20_000)


@pytest.mark.parametrize("chosen", ["6h", "24h", "7d", "nonsense"])
def test_the_range_is_in_the_address(visit: Visit, chosen: str) -> None:
    page = visit.open(f"/?range={chosen}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert visit.complaints == []


def test_the_finder_goes_to_what_has_that_name(system: System, visit: Visit) -> None:
    page = visit.open("/")
    event = system.get("/webhook-events?limit=1")["events"][0]["id"]
    for text, address in (
        ("github-demo", "/definitions/webhooks/"),
        ("wait_for_review", "/definitions/workflows/wait_for_review"),
        (event, f"/events/{event}"),
    ):
        page.keyboard.press("/")
        page.get_by_role("searchbox", name="Go to an event").fill(text)
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{address}*")
        page.go_back()


def test_the_finder_shows_what_is_near_and_says_when_nothing_is(
    visit: Visit, picture: Callable[[str], Path]
) -> None:
    page = visit.open("/find?q=review")
    expect(page.get_by_role("link", name="wait_for_review").first).to_be_visible()
    visit.check(picture("find"))
    page = visit.open("/find?q=%3Cb%3Enothing")
    expect(page.get_by_role("heading", name="Nothing is near it")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("<b>nothing")
    visit.check()


def test_columns_stack_up_to_their_count() -> None:
    steps = [{"counts": {"resumed": 3, "rejected": 1}}, {"counts": {}}]
    drawn = columns(steps, "a <b>")
    assert top_of(steps) == 4
    assert 'height="75.00"' in drawn
    assert 'height="25.00"' in drawn
    assert "a &lt;b&gt;" in drawn
    assert "4 events: 3 resumed, 1 rejected" in drawn


@pytest.mark.parametrize(
    ("count", "top"), [(0, 4), (4, 4), (5, 6), (11, 20), (99, 100), (101, 200)]
)
def test_the_axis_ends_at_a_round_number(count: int, top: int) -> None:
    assert top_of([{"counts": {"resumed": count}}]) == top


def test_lags_are_summed_by_group() -> None:
    group = {"group": "g", "members": 1, "lag": 2}
    assert lags_of([{"groups": [group]}, {"groups": [group]}, {}]) == [{**group, "lag": 4}]
