"""What no page of another site, no forged form and no hostile host name gets from the console."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers.hookline import System

CONSOLE = Path(__file__).parents[2] / "services" / "console" / "hookline_console"
PAGES = (
    "/",
    "/events",
    "/definitions/webhooks",
    "/definitions/webhooks/new",
    "/definitions/workflows",
    "/definitions/workflows/new",
    "/definitions/tasks",
    "/gallery",
    "/run",
    "/executions",
    "/operations",
    "/login",
    "/find?q=nothing",
)


@pytest.fixture
def browserless(system: System) -> Iterator[httpx.Client]:
    """A client with the cookies of one profile, and no script."""
    with httpx.Client(base_url=system.api, timeout=30) as client:
        yield client


def forgery_token(client: httpx.Client) -> str:
    """The token that a form of this profile carries."""
    found = re.search(r'<meta name="csrf" content="([^"]+)"', client.get("/").text)
    assert found
    return found[1]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_allows_no_inline_script_no_frame_and_nothing_from_elsewhere(
    browserless: httpx.Client, path: str
) -> None:
    page = browserless.get(path)

    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"
    assert not re.search(r"<script(?![^>]*\bsrc=)", page.text)
    assert not re.search(r"<[^>]+\s(style|on\w+)=", page.text)
    assert not re.search(r"(src|href|action)=\"(https?:)?//", page.text)


def test_templates_never_switch_escaping_off() -> None:
    for template in sorted((CONSOLE / "templates").rglob("*.html")):
        text = template.read_text()
        assert "|safe" not in text.replace(" ", ""), template
        assert "autoescape false" not in text, template


def test_cookies_are_for_this_site_and_not_for_scripts(browserless: httpx.Client) -> None:
    cookies = browserless.get("/").headers.get_list("set-cookie")

    assert cookies
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Path=/" in cookie


@pytest.mark.parametrize(
    ("given", "why"),
    [({}, "without a token"), ({"csrf": "x" * 32}, "with a made-up one"), ({"csrf": ""}, "empty")],
)
def test_a_change_without_the_token_of_its_browser_is_refused(
    browserless: httpx.Client, given: dict[str, str], why: str
) -> None:
    browserless.get("/")

    answer = browserless.post("/logout", data=given)

    assert answer.status_code == 400, why
    assert "not made for this browser" in answer.text


def test_a_token_of_another_browser_is_refused(system: System, browserless: httpx.Client) -> None:
    with httpx.Client(base_url=system.api) as other:
        token = forgery_token(other)
    browserless.get("/")

    assert browserless.post("/logout", data={"csrf": token}).status_code == 400


def test_a_change_with_the_token_is_taken(browserless: httpx.Client) -> None:
    token = forgery_token(browserless)

    assert browserless.post("/logout", data={"csrf": token}).status_code == 303
    assert browserless.post("/logout", headers={"X-CSRF-Token": token}).status_code == 303


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:8080"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
    ],
)
def test_a_page_elsewhere_cannot_drive_a_console_on_localhost(
    browserless: httpx.Client, headers: dict[str, str], status: int
) -> None:
    token = forgery_token(browserless)

    assert browserless.get("/", headers=headers).status_code == status
    assert browserless.post("/logout", data={"csrf": token}, headers=headers).status_code == status


def test_a_link_from_elsewhere_to_a_page_is_fine(browserless: httpx.Client) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    assert browserless.get("/events", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "after", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_never_leads_to_another_site(browserless: httpx.Client, after: str) -> None:
    given: dict[str, Any] = {"csrf": forgery_token(browserless), "next": after}

    answer = browserless.post("/login", data={**given, "keyId": "a", "keySecret": "b"})

    assert answer.headers["location"] == "/"


def test_a_body_that_is_no_form_is_refused(browserless: httpx.Client) -> None:
    token = forgery_token(browserless)
    headers = {"X-CSRF-Token": token, "Content-Type": "text/plain"}

    answer = browserless.post("/logout", content=b"csrf=1", headers=headers)

    assert answer.status_code == 400


def test_static_files_are_kept_and_unknown_ones_are_not_there(browserless: httpx.Client) -> None:
    found = re.search(r'href="(/static/[^"]+console\.css)"', browserless.get("/").text)
    assert found

    assert "immutable" in browserless.get(found[1]).headers["cache-control"]
    other = found[1].replace(found[1].split("/")[2], "000000000000")
    assert browserless.get(other).headers["cache-control"] == "no-store"
    for path in ("/static/x/../api.py", "/static/x/%2e%2e/api.py", "/static/x/none.css"):
        assert browserless.get(path).status_code == 404
