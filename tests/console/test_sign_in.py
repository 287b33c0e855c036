"""A console over an API with keys: nothing is seen before, everything after signing in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.servers.browser import Visit
from tests.servers.hookline import System, up

KEY_ID, SECRET = "operator", "a-secret-of-the-operator"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    environ = {"HOOKLINE_API_KEYS": f"{KEY_ID}:{SECRET}"}
    with up(tmp_path_factory.mktemp("keys"), environ=environ) as running:
        yield running


def sign_in(visit: Visit, secret: str) -> None:
    page = visit.page
    page.get_by_label("Key id").fill(KEY_ID)
    page.get_by_label("Secret").fill(secret)
    page.get_by_role("button", name="Sign in").click()


def test_who_is_not_signed_in_is_asked_to_and_comes_back(
    visit: Visit, picture: Callable[[str], Path]
) -> None:
    page = visit.open("/definitions/webhooks?platform=GitHub")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    visit.check(picture("login"))

    sign_in(visit, SECRET)

    expect(page.get_by_role("heading", name="Webhooks", level=1)).to_be_visible()
    assert page.url.endswith("/definitions/webhooks?platform=GitHub")
    kept = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert kept["hookline_token"]["httpOnly"]
    assert kept["hookline_token"]["sameSite"] == "Strict"
    assert page.evaluate("document.cookie") == ""


def test_a_wrong_secret_is_said_and_the_id_is_kept(visit: Visit) -> None:
    page = visit.open("/login")

    sign_in(visit, "wrong")

    expect(page.get_by_role("alert")).to_contain_text("wrong")
    expect(page.get_by_label("Key id")).to_have_value(KEY_ID)
    visit.complaints.clear()  # the browser notes the 401 itself
    visit.check()


def test_signing_out_ends_it(visit: Visit) -> None:
    page = visit.open("/login")
    sign_in(visit, SECRET)
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Sign in")

    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{visit.address}/executions")

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_token_that_has_expired_or_is_forged_asks_again(visit: Visit) -> None:
    visit.page.context.add_cookies(
        [{"name": "hookline_token", "value": "made.up", "url": visit.address}]
    )

    page = visit.open("/events")

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_stream_needs_the_token_too(system: System) -> None:
    answer = system.http.get("/live?topics=executions", follow_redirects=False)

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")
