"""The list of executions: found by every filter, acted on several at once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from hookline_console.bulk import ACTIONS, outcome_text
from hookline_console.execution_search import Filters, equals, search_parameters
from tests.console.definitions import HOSTILE, register, simple, start
from tests.servers.browser import Visit
from tests.servers.hookline import System

NOW = 1_795_000_000_000


@pytest.fixture(scope="module")
def started(system: System) -> list[str]:
    """Three executions of one workflow and one of another; the first is terminated."""
    register(system, simple("pick"), simple("other"))
    ids = [
        start(system, "pick", correlationId=f"order-{n}", input={"note": HOSTILE}) for n in range(3)
    ]
    ids.append(start(system, "other", input={"word": "findme"}))
    system.call("DELETE", f"/workflow/{ids[0]}", params={"reason": HOSTILE})
    return ids


def shown(page: Page) -> list[str]:
    """The ids of the rows."""
    boxes = page.locator("tbody input[name=id]").all()
    return [box.get_attribute("value") or "" for box in boxes]


def test_an_empty_list_says_what_would_fill_it(visit: Visit) -> None:
    page = visit.open("/executions")
    expect(page.get_by_role("heading", name="No executions yet")).to_be_visible()
    visit.check()


def test_rows_say_what_the_api_says(
    system: System, started: list[str], visit: Visit, picture: Callable[[str], Path]
) -> None:
    page = visit.open("/executions")

    assert sorted(shown(page)) == sorted(started)
    row = page.get_by_role("row").filter(has=page.locator(f'[value="{started[0]}"]'))
    expect(row).to_contain_text("Terminated")
    expect(row).to_contain_text("order-0")
    expect(row).to_contain_text(HOSTILE)
    expect(row.get_by_role("link", name="pick")).to_have_attribute(
        "href", f"/executions/{started[0]}"
    )
    visit.check(picture("executions"))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=TERMINATED", [0]),
        ("status=RUNNING&status=TERMINATED&workflow=pick", [0, 1, 2]),
        ("workflow=other", [3]),
        ("correlation=order-1", [1]),
        ("text=findme", [3]),
        ("period=1h&workflow=pick&status=RUNNING", [1, 2]),
        ("workflow=pick&version=1", [0, 1, 2]),
        ("workflow=pick&version=2", []),
        ("from=2020-01-01&workflow=other", [3]),
        ("to=2020-01-01", []),
    ],
)
def test_a_filter_is_in_the_address(
    started: list[str], visit: Visit, query: str, expected: list[int]
) -> None:
    page = visit.open(f"/executions?{query}")
    assert sorted(shown(page)) == sorted(started[n] for n in expected)


def test_an_id_finds_its_execution(started: list[str], visit: Visit) -> None:
    page = visit.open("/executions")
    page.get_by_role("searchbox", name="Search").fill(started[2])
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**text=**")
    assert shown(page) == [started[2]]


def test_a_filter_that_finds_nothing_can_be_cleared(started: list[str], visit: Visit) -> None:
    page = visit.open("/executions?text=%22%20OR%20status%3DRUNNING")
    expect(page.get_by_role("heading", name="Nothing fits these filters")).to_be_visible()
    page.get_by_role("link", name="clear the filters").click()
    expect(page.locator("tbody tr").first).to_be_visible()
    assert len(shown(page)) == len(started)


def test_pages_follow_each_other(system: System, visit: Visit) -> None:
    register(system, simple("many"))
    ids = [start(system, "many") for _ in range(53)]
    page = visit.open("/executions?workflow=many")
    expect(page.get_by_text("1 to 50 of 53")).to_be_visible()
    first = shown(page)
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_text("51 to 53 of 53")).to_be_visible()
    assert sorted(first + shown(page)) == sorted(ids)
    page.get_by_role("link", name="Newer").click()
    expect(page.get_by_text("1 to 50 of 53")).to_be_visible()


def test_several_are_paused_and_one_that_cannot_be_is_named(system: System, visit: Visit) -> None:
    register(system, simple("bulk"))
    ids = [start(system, "bulk") for _ in range(3)]
    system.call("PUT", f"/workflow/{ids[0]}/pause")
    page = visit.open("/executions?workflow=bulk")

    page.get_by_label("Select all on this page").check()
    expect(page.get_by_text("3 selected")).to_be_visible()
    pause = page.get_by_role("button", name="Pause")
    expect(pause).to_have_text("Pause 2")
    expect(page.get_by_role("button", name="Retry")).to_be_disabled()
    pause.click()

    expect(page.get_by_role("status").first).to_contain_text("of 3")
    assert {system.get(f"/workflow/{one}")["status"] for one in ids} == {"PAUSED"}
    assert page.url.endswith("workflow=bulk")


def test_terminating_asks_first_and_keeps_the_reason(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    register(system, simple("ended"))
    execution = start(system, "ended")
    page = visit.open("/executions?workflow=ended")
    page.get_by_label("Select ended").check()

    page.get_by_role("button", name="Terminate").first.click()
    dialog = page.get_by_role("alertdialog", name="Terminate 1 execution?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    visit.check(picture("executions-terminate"))
    dialog.get_by_label("Reason").fill("no longer wanted")
    dialog.get_by_role("button", name="Terminate").click()

    expect(page.get_by_role("status").first).to_contain_text("Terminated 1 of 1")
    found = system.get(f"/workflow/{execution}")
    assert found["status"] == "TERMINATED"
    assert found["reasonForIncompletion"] == "no longer wanted"


def test_restarting_asks_first(system: System, visit: Visit) -> None:
    register(system, simple("again"))
    execution = start(system, "again")
    system.call("DELETE", f"/workflow/{execution}")
    page = visit.open("/executions?workflow=again")
    page.get_by_label("Select again").check()
    page.get_by_role("button", name="Restart").first.click()
    dialog = page.get_by_role("alertdialog", name="Restart 1 execution?")
    dialog.get_by_role("button", name="Restart").click()
    expect(page.get_by_role("status").first).to_contain_text("Restarted 1 of 1")
    assert system.get(f"/workflow/{execution}")["status"] == "RUNNING"


def test_filters_become_a_query() -> None:
    filters = Filters(
        workflow='a"b', version="2", statuses=("FAILED", "nonsense"), correlation="c", period="1h"
    )
    assert search_parameters(filters, NOW)["query"] == (
        'workflowType IN ("a\\"b") AND version = 2 AND status IN (FAILED)'
        ' AND correlationId IN ("c")'
        f" AND startTime > {NOW - 3_600_000}"
    )


def test_an_id_is_looked_up_and_other_text_is_searched() -> None:
    by_id = search_parameters(Filters(text="4C91C608-d2fe-4d4e-9a80-d288cc12eeca"), NOW)
    assert by_id["query"] == 'workflowId IN ("4c91c608-d2fe-4d4e-9a80-d288cc12eeca")'
    assert by_id["freeText"] == ""
    assert search_parameters(Filters(text="findme"), NOW)["freeText"] == "findme"


def test_a_time_that_is_none_is_said(visit: Visit) -> None:
    page = visit.open("/executions?from=soon")
    expect(page.get_by_text("“soon” is no time")).to_be_visible()


def test_a_start_that_is_no_number_is_the_beginning(started: list[str], visit: Visit) -> None:
    visit.open(f"/executions?start={'9' * 5000}&workflow=other")
    assert shown(visit.page) == [started[3]]


def test_quotes_and_backslashes_are_escaped() -> None:
    assert equals("x", 'a\\"*') == 'x IN ("a\\\\\\"*")'


def test_an_outcome_names_what_did_not_work() -> None:
    answer = {"bulkSuccessfulResults": ["a"], "bulkErrorResults": {"b": "not running"}}
    assert outcome_text(ACTIONS["pause"], answer) == ("Paused 1 of 2. Not: b: not running.", "warn")
