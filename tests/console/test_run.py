"""Run Workflow: what is filled in reaches the API, and what is wrong stands at its field."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from hookline_console.forms import Form
from hookline_console.run_forms import BadField, again, blank, start_request, typed
from tests.console.definitions import HOSTILE, register, simple, start, waiting
from tests.servers.browser import Visit
from tests.servers.hookline import System


def test_a_run_with_everything_reaches_the_api(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    register(system, waiting("ship_order", description="Ships what is paid"))
    page = visit.open("/run")
    page.get_by_label("Workflow name").fill("ship_order")
    page.get_by_label("Workflow name").blur()
    expect(page.get_by_text("Ships what is paid")).to_be_visible()
    expect(page.get_by_label("Input, a JSON object")).to_have_value('{\n  "order": ""\n}')

    page.get_by_label("Input, a JSON object").fill('{"order": "A-7"}')
    page.get_by_label("Correlation ID").fill("shop-7")
    page.get_by_label("Task 1").fill("pack")
    page.get_by_label("Domain 1").fill("north")
    page.get_by_role("button", name="Add a row").click()
    page.get_by_label("Task 2").fill("*")
    page.get_by_label("Domain 2").fill("south")
    page.get_by_label("Priority").fill("3")
    visit.check(picture("run"))
    page.locator(".head").get_by_role("button", name="Run Workflow").click()

    page.wait_for_url("**/executions/*")
    execution = system.get(f"/workflow/{page.url.rsplit('/', 1)[1]}")
    assert execution["input"] == {"order": "A-7"}
    assert execution["correlationId"] == "shop-7"
    assert execution["taskToDomain"] == {"pack": "north", "*": "south"}
    assert execution["priority"] == 3


@pytest.mark.parametrize(
    ("label", "value", "says"),
    [
        ("Input, a JSON object", '{"order": }', "Not JSON: Expecting value in line 1, column 11"),
        ("Input, a JSON object", "[1]", "The input is a JSON object"),
        ("Workflow name", "nobody_knows_it", "nobody_knows_it"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    system: System, visit: Visit, label: str, value: str, says: str
) -> None:
    register(system, waiting("ship_order"))
    page = visit.open("/run?name=ship_order")
    page.get_by_label("Correlation ID").fill(HOSTILE)
    page.get_by_label(label).fill(value)

    page.locator(".head").get_by_role("button", name="Run Workflow").click()

    expect(page.locator(".field[data-invalid]")).to_contain_text(says)
    expect(page.get_by_label(label)).to_have_value(value)
    expect(page.get_by_label("Correlation ID")).to_have_value(HOSTILE)
    visit.complaints.clear()  # the browser notes the 400 itself
    visit.check()


def test_a_used_key_is_said_before_it_is_refused(system: System, visit: Visit) -> None:
    register(system, waiting("ship_order"))
    used = start(system, "ship_order", input={"order": "K"}, idempotencyKey="key-1")
    page = visit.open("/run?name=ship_order")

    page.get_by_label("Idempotency key").fill("key-1")
    warning = page.locator("#key-use .callout")
    expect(warning).to_contain_text("This key was used")
    expect(warning.get_by_role("link")).to_have_attribute("href", f"/executions/{used}")

    page.locator(".head").get_by_role("button", name="Run Workflow").click()
    expect(page.locator(".field[data-invalid]")).to_contain_text("key")


def test_an_earlier_run_fills_the_form(system: System, visit: Visit) -> None:
    register(system, waiting("ship_order"))
    earlier = start(system, "ship_order", input={"order": "again"}, correlationId="c-9")
    page = visit.open(f"/run?from={earlier}")

    expect(page.get_by_label("Workflow name")).to_have_value("ship_order")
    expect(page.get_by_label("Correlation ID")).to_have_value("c-9")
    expect(page.get_by_label("Input, a JSON object")).to_have_value('{\n  "order": "again"\n}')


def test_hostile_text_in_a_name_is_text(system: System, visit: Visit) -> None:
    register(system, simple(HOSTILE, description=HOSTILE))
    page = visit.open("/run?name=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    expect(page.locator(".hint").get_by_text(HOSTILE)).to_be_visible()
    visit.check()


def test_a_form_becomes_a_start_request() -> None:
    form = typed(
        Form(
            [
                ("name", " a "), ("version", "2"), ("input", '{"x": 1}'), ("correlationId", "c"),
                ("task", "t"), ("domain", "d"), ("task", ""), ("domain", ""), ("priority", "7"),
                ("idempotencyKey", "k"), ("idempotencyStrategy", "RETURN_EXISTING"),
            ]
        )
    )  # fmt: skip

    assert start_request(form) == {
        "name": "a",
        "version": 2,
        "input": {"x": 1},
        "correlationId": "c",
        "taskToDomain": {"t": "d"},
        "priority": 7,
        "idempotencyKey": "k",
        "idempotencyStrategy": "RETURN_EXISTING",
    }


@pytest.mark.parametrize(
    ("pairs", "field"),
    [
        ([], "name"),
        ([("name", "a"), ("version", "x")], "version"),
        ([("name", "a"), ("input", "{")], "input"),
        ([("name", "a"), ("input", "[" * 100_000)], "input"),
        ([("name", "a"), ("priority", "much")], "priority"),
    ],
)
def test_what_cannot_be_understood_names_its_field(
    pairs: list[tuple[str, str]], field: str
) -> None:
    with pytest.raises(BadField) as refused:
        start_request(typed(Form(pairs)))
    assert refused.value.field == field


def test_a_blank_form_holds_the_declared_keys_and_the_template() -> None:
    definition = {"inputParameters": ["a", "b"], "inputTemplate": {"b": 2, "c": 3}}
    request = start_request(blank("w", "", definition))
    assert request == {"name": "w", "input": {"a": "", "b": 2, "c": 3}}


def test_an_execution_starts_again_as_it_was_started() -> None:
    execution = {
        "workflowName": "w", "workflowVersion": 3, "input": {"a": 1}, "priority": 0,
        "taskToDomain": {"t": "d"}, "idempotencyKey": "used",
    }  # fmt: skip
    request = start_request(again(execution))
    assert request == {"name": "w", "version": 3, "input": {"a": 1}, "taskToDomain": {"t": "d"}}
