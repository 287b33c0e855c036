"""Webhooks: made by the form, listed, tested, rotated, paused and deleted."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tests.console.definitions import HOSTILE, register, start, waiting
from tests.servers.browser import Visit
from tests.servers.hookline import System

NEW = "/definitions/webhooks/new"


def custom(system: System, name: str, **more: Any) -> dict[str, Any]:
    """A webhook that asks for a header."""
    webhook = {
        "name": name,
        "sourcePlatform": "Custom",
        "headers": {"X-Shop": "3f8c1e5b9a7d40c2e1b6"},
        "receiverWorkflowNamesToVersions": {"shipping": 1},
        **more,
    }
    return system.post("/metadata/webhook", webhook)


def stored(system: System, page: Page) -> dict[str, Any]:
    """The webhook whose page is open."""
    return system.get(f"/metadata/webhook/{page.url.partition('?')[0].rsplit('/', 1)[1]}")


def test_an_empty_list_says_what_to_do(visit: Visit) -> None:
    page = visit.open("/definitions/webhooks")
    expect(page.get_by_role("heading", name="No webhooks yet")).to_be_visible()
    expect(page.get_by_role("link", name="+ New Webhook")).to_be_visible()
    visit.check()


def test_a_custom_webhook_is_made_with_everything(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    register(system, waiting("shipping"), waiting("counting"))
    page = visit.open(NEW)
    page.get_by_label("Webhook name").fill("shop")
    page.get_by_label("Header name 1").fill("X-Shop")
    page.get_by_label("Header value 1").fill("3f8c1e5b9a7d40c2e1b6")
    page.get_by_label("Workflow to receive webhook event 1").fill("shipping")
    page.get_by_label("Version 1", exact=True).fill("1")
    page.get_by_label("Workflow to start 1").fill("counting")
    page.get_by_label("Path 1 of rule 1").fill("$.kind")
    page.get_by_label("Expected value 1 of rule 1").fill("count")
    page.get_by_label("Idempotency key 1").fill("${workflow.input.order}")
    expect(page.get_by_label("Start workflow when webhook events come")).to_be_checked()
    page.get_by_text("Options", exact=True).click()
    page.get_by_label("Kept, days").fill("7")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_text("Unverified")).to_be_visible()
    saved = stored(system, page)
    assert saved["headers"] == {"X-Shop": "3f8c1e5b9a7d40c2e1b6"}
    assert saved["receiverWorkflowNamesToVersions"] == {"shipping": 1}
    assert saved["startRules"][0]["when"] == {"$.kind": "count"}
    assert saved["startRules"][0]["idempotencyKey"] == "${workflow.input.order}"
    assert saved["options"]["retentionDays"] == 7
    page.get_by_role("button", name="Copy the URL").first.click()
    assert page.evaluate("navigator.clipboard.readText()") == saved["url"]
    visit.check(picture("webhook-edit"))

    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Saved.")
    again = stored(system, page)
    assert {**again, "updateTime": 0} == {**saved, "updateTime": 0}


def test_the_form_changes_with_the_platform(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    page = visit.open(NEW)
    page.get_by_label("Webhook name").fill("kept-while-choosing")
    page.get_by_role("radio", name="GitHub").check(force=True)
    expect(page.get_by_role("heading", name="Set it up at GitHub")).to_be_visible()
    expect(page.get_by_label("Header name 1")).to_have_count(0)
    expect(page.get_by_label("Webhook name")).to_have_value("kept-while-choosing")
    page.get_by_label("Secret", exact=True).fill("a-secret-of-github")
    page.get_by_label("Workflow to receive webhook event 1").fill("shipping")
    visit.check(picture("webhook-new"))
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_text("Unverified")).to_be_visible()
    saved = stored(system, page)
    assert (saved["sourcePlatform"], saved["verifier"]) == ("GitHub", "SIGNATURE_BASED")
    assert "a-secret-of-github" not in page.content()


def test_what_is_wrong_stands_at_its_field(visit: Visit) -> None:
    page = visit.open(NEW)
    page.get_by_label("Webhook name").fill(HOSTILE)
    page.get_by_label("Header name 1").fill("X-Shop")
    page.get_by_label("Header value 1").fill("v" * 12)
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.locator(".err:visible").first).to_be_visible()
    expect(page.get_by_label("Webhook name")).to_have_value(HOSTILE)
    expect(page.get_by_label("Header name 1")).to_have_value("X-Shop")
    visit.complaints.clear()  # the browser notes the 400 itself
    visit.check()


def test_what_was_typed_stays_when_something_is_wrong(visit: Visit) -> None:
    page = visit.open(NEW)
    page.get_by_label("Webhook name").fill("typed")
    page.get_by_label("Header name 1").fill("X-Typed")
    page.get_by_label("Workflow to receive webhook event 1").fill("kept")
    page.get_by_label("Version 1", exact=True).fill("x")
    page.get_by_label("Workflow to start 1").fill("also_kept")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.locator(".err:visible")).to_contain_text("A version is a whole number.")
    expect(page.get_by_label("Workflow to receive webhook event 1")).to_have_value("kept")
    expect(page.get_by_label("Header name 1")).to_have_value("X-Typed")
    expect(page.get_by_label("Workflow to start 1")).to_have_value("also_kept")


def test_a_label_of_ones_own_can_be_saved(system: System, visit: Visit) -> None:
    webhook = custom(system, "labelled", sourcePlatform="Acme", verifier="HEADER_BASED")
    page = visit.open(f"/definitions/webhooks/{webhook['id']}")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Saved.")
    assert stored(system, page)["sourcePlatform"] == "Acme"


def test_the_list_shows_state_and_use(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    register(system, waiting("shipping"))
    webhook = custom(system, f"listed {HOSTILE}")
    execution = start(system, "shipping", input={"order": "L-1"})
    sent = httpx.post(
        webhook["url"], json={"order": "L-1"}, headers={"X-Shop": "3f8c1e5b9a7d40c2e1b6"}
    )
    assert sent.status_code == 200
    system.execution(execution, "COMPLETED")

    page = visit.open("/definitions/webhooks?text=listed")
    row = page.get_by_role("row").filter(has_text="listed")
    expect(row).to_contain_text(HOSTILE)
    expect(row).to_contain_text("Verified")
    expect(row.get_by_role("link", name="shipping")).to_be_visible()
    expect(row.locator("[data-label='Events, 24 h']")).to_have_text("1")
    visit.check(picture("webhooks"))


def test_the_json_is_the_same_webhook(system: System, visit: Visit) -> None:
    webhook = custom(system, "as-json")
    page = visit.open(f"/definitions/webhooks/{webhook['id']}")
    page.get_by_role("tab", name="JSON").click()
    text = page.get_by_label("The webhook as the API takes it")
    changed = json.loads(text.input_value())
    assert changed["name"] == "as-json"
    text.fill("{")
    page.get_by_role("button", name="Save the JSON").click()
    expect(page.locator(".err:visible")).to_contain_text("Not JSON")
    changed["options"]["dedupeSeconds"] = 60
    text.fill(json.dumps(changed))
    page.get_by_role("button", name="Save the JSON").click()
    expect(page.get_by_role("status").first).to_contain_text("Saved.")
    assert stored(system, page)["options"]["dedupeSeconds"] == 60


def test_form_and_json_are_in_step(system: System, visit: Visit) -> None:
    webhook = custom(system, "in-step")
    page = visit.open(f"/definitions/webhooks/{webhook['id']}")
    page.get_by_label("Webhook name").fill("renamed")
    page.get_by_label("Workflow to start 1").fill("counting")
    page.get_by_label("Path 1 of rule 1").fill("$.kind")
    page.get_by_label("Operator 1 of rule 1").select_option("in")
    page.get_by_label("Expected value 1 of rule 1").fill("a, b")

    page.get_by_role("tab", name="JSON").click()
    text = page.get_by_label("The webhook as the API takes it")
    expect(text).to_have_value(re.compile('"name": "renamed"'))
    shown = json.loads(text.input_value())
    assert shown["startRules"][0]["when"] == {"$.kind": {"operator": "in", "values": ["a", "b"]}}
    assert "secrets" not in shown
    text.fill("{")
    expect(page.locator("#json-state")).to_contain_text("Not JSON yet")
    page.get_by_role("tab", name="Form").click()
    expect(text).to_be_visible()
    expect(page.locator("#json-state")).to_contain_text("Not JSON")
    shown["startRules"][0]["when"] = {"$.kind": "c"}
    shown["options"]["retentionDays"] = 3
    text.fill(json.dumps(shown))

    page.get_by_role("tab", name="Form").click()
    expect(page.get_by_label("Expected value 1 of rule 1")).to_have_value("c")
    expect(page.get_by_label("Webhook name")).to_have_value("renamed")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Saved.")
    saved = stored(system, page)
    assert (saved["name"], saved["options"]["retentionDays"]) == ("renamed", 3)
    visit.complaints.clear()  # the browser notes the 400 itself
    visit.check()


def test_clauses_of_a_rule_are_tried_on_past_events(system: System, visit: Visit) -> None:
    webhook = custom(system, "tried")
    for kind in ("a", "b", "b"):
        sent = httpx.post(
            webhook["url"], json={"kind": kind}, headers={"X-Shop": "3f8c1e5b9a7d40c2e1b6"}
        )
        system.event(sent.headers["Hookline-Event-Id"])
    page = visit.open(f"/definitions/webhooks/{webhook['id']}")
    page.get_by_label("Path 1 of rule 1").fill("$.kind")
    page.get_by_label("Expected value 1 of rule 1").fill("b")
    expect(page.get_by_text("Would have matched 2 of the last 3 events.")).to_be_visible()
    page.get_by_role("button", name="Add a rule").click()
    expect(page.get_by_label("Path 1 of rule 2")).to_have_value("")


def test_a_change_by_someone_else_is_not_lost(system: System, visit: Visit) -> None:
    webhook = custom(system, "shared")
    page = visit.open(f"/definitions/webhooks/{webhook['id']}")
    changed = system.get(f"/metadata/webhook/{webhook['id']}")
    changed["options"]["retentionDays"] = 11
    system.call("PUT", f"/metadata/webhook/{webhook['id']}", json=changed)
    page.get_by_label("Webhook name").fill("mine")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_role("alert")).to_contain_text("has changed it since")
    assert stored(system, page)["name"] == "shared"
    expect(page.get_by_label("Webhook name")).to_have_value("mine")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Saved.")
    assert system.get(f"/metadata/webhook/{webhook['id']}")["name"] == "mine"


def test_a_test_event_is_signed_and_shown(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    assert system.hookline("samples", "apply", "wait_for_review").code == 0
    waiting_one = start(system, "wait_for_review", input={"number": 5})
    (hook,) = [one for one in system.get("/metadata/webhook") if one["name"] == "github-demo"]
    page = visit.open(f"/definitions/webhooks/{hook['id']}/test")
    page.get_by_label("Sample").select_option("pull_request_review")
    page.get_by_label("Values to set, JSON").fill('{"pull_request.number": 5}')
    visit.check(picture("webhook-test"))
    page.get_by_role("button", name="Sign and send").click()

    page.wait_for_url("**/events/*")
    assert system.event(page.url.rsplit("/", 1)[1])["verdict"] == "resumed"
    system.execution(waiting_one, "COMPLETED")


def test_a_secret_is_rotated_without_a_gap(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    assert system.hookline("samples", "apply", "wait_for_review").code == 0
    (hook,) = [one for one in system.get("/metadata/webhook") if one["name"] == "github-demo"]
    page = visit.open(f"/definitions/webhooks/{hook['id']}/secrets")
    page.get_by_label("New secret").fill("the-next-secret-of-github")
    page.get_by_label("Label").fill("next")
    page.get_by_role("button", name="Add the secret").click()
    expect(page.get_by_text("The secret next counts now")).to_be_visible()
    visit.check(picture("webhook-secrets"))
    page.get_by_role("button", name="Remove default…").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Remove secret").click()
    expect(page.get_by_text("The secret is gone.")).to_be_visible()
    left = system.get(f"/metadata/webhook/{hook['id']}/secrets")
    assert [one["label"] for one in left] == ["next"]

    page.get_by_label("New secret").fill("the-secret-after-that-one")
    page.get_by_label("Label").fill("last")
    page.get_by_label("Those before stay valid").select_option("for 7 days")
    page.get_by_role("button", name="Add the secret").click()
    expect(page.get_by_role("status").first).to_contain_text("end in 7 days")
    left = system.get(f"/metadata/webhook/{hook['id']}/secrets")
    ends = {one["label"]: bool(one.get("expiresAt")) for one in left}
    assert ends == {"next": True, "last": False}


def test_pausing_can_be_undone(system: System, visit: Visit) -> None:
    webhook = custom(system, "pausing")
    page = visit.open(f"/definitions/webhooks/{webhook['id']}")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("pausing is paused.")).to_be_visible()
    assert system.get(f"/metadata/webhook/{webhook['id']}")["options"]["paused"]
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("pausing is resumed.")).to_be_visible()
    assert not system.get(f"/metadata/webhook/{webhook['id']}")["options"]["paused"]


def test_deleting_names_what_waits_and_asks_for_the_name(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    register(system, waiting("shipping"))
    start(system, "shipping", input={"order": "never"})
    webhook = custom(system, "leaving")
    page = visit.open(f"/definitions/webhooks/{webhook['id']}")
    page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("waiting task")
    expect(dialog).to_contain_text("shipping")
    visit.check(picture("webhook-delete"))
    dialog.get_by_label("Type leaving to delete it").fill("leaving")
    dialog.get_by_role("button", name="Delete webhook").click()

    expect(page.get_by_text("Deleted leaving.")).to_be_visible()
    assert system.http.get(f"/api/metadata/webhook/{webhook['id']}").status_code == 404


def test_without_the_name_nothing_is_deleted(system: System) -> None:
    webhook = custom(system, "staying")
    with httpx.Client(base_url=system.api) as client:
        page = client.get(f"/definitions/webhooks/{webhook['id']}").text
        token = page.partition('name="csrf" content="')[2].partition('"')[0]
        address = f"/definitions/webhooks/{webhook['id']}/delete"
        client.post(address, data={"csrf": token, "name": "another"})

    assert system.get(f"/metadata/webhook/{webhook['id']}")["name"] == "staying"
