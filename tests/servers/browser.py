"""Headless Chromium for tests: found, started, and each page looked at while it is used."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_AXE = Axe()
_EVERYTHING = {"resultTypes": ["violations"]}
_COLOURS = {"resultTypes": ["violations"], "runOnly": ["color-contrast"]}
DEADLINE_MS = 20_000
DESK = {"width": 1360, "height": 900}
HIGHEST = 1_400
PHONE = {"width": 390, "height": 844}


def executable() -> str | None:
    """The browser: HOOKLINE_TEST_CHROMIUM, else one on PATH."""
    named = os.environ.get("HOOKLINE_TEST_CHROMIUM")
    return named or next((path for name in _NAMES if (path := shutil.which(name))), None)


def missing() -> str | None:
    """What to install, if there is no browser."""
    return (
        None
        if executable()
        else "no Chromium: apt-get install chromium, or set HOOKLINE_TEST_CHROMIUM"
    )


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser. While it runs, this thread has an event loop: no async test may run then."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(_QUIET))
        yield browser
        browser.close()


class Visit:
    """A person's look at the console: a page of a fresh profile, and all that it complained of."""

    def __init__(self, browser: Browser, address: str, **context: Any) -> None:
        """`address` is the console's, without a slash at its end."""
        self._context = browser.new_context(
            **{"viewport": DESK, "color_scheme": "light", "locale": "en-GB", **context}
        )
        self._context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(DEADLINE_MS)
        self.address = address
        self.complaints: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} ({message.location})")

    def open(self, path: str) -> Page:
        """Go to a page of the console and wait until it stands."""
        answer = self.page.goto(f"{self.address}{path}")
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status} {answer.text()[:500]}"
        return self.page

    def check(self, picture: Path | None = None, highest: int = HIGHEST) -> None:
        """Assert what holds of every page: nothing on the console, no serious finding of axe, no
        sideways scroll on a phone. With `picture`, leave a screenshot there first, of at most so
        many pixels from the top.
        """
        if picture is not None:
            self._take(picture, highest)
        self.check_accessibility()
        self.check_phone()
        assert not self.complaints, "\n".join(self.complaints)

    def _take(self, picture: Path, highest: int) -> None:
        """The page on a desk high enough for it, so that what sticks to an edge is at the edge."""
        picture.parent.mkdir(parents=True, exist_ok=True)
        height = int(self.page.evaluate("document.documentElement.scrollHeight"))
        self.page.set_viewport_size({**DESK, "height": max(DESK["height"], min(height, highest))})
        self.page.evaluate("scrollTo(0, 0)")
        self.page.screenshot(path=picture)
        self.page.set_viewport_size(DESK)

    def check_accessibility(self) -> None:
        """Assert that axe finds nothing serious or critical; in dark only the colours differ."""
        for scheme, options in (("dark", _COLOURS), ("light", _EVERYTHING)):
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found = [
                f"{one['id']} ({one['impact']}): {one['help']}\n    "
                + "\n    ".join(node["html"][:300] for node in one["nodes"][:4])
                for one in _AXE.run(self.page, options=options).response["violations"]
                if one["impact"] in ("serious", "critical")
            ]
            assert not found, f"{self.page.url} in {scheme}:\n" + "\n".join(found)

    def check_phone(self) -> None:
        """Assert that nothing sticks out sideways at a phone's width."""
        before = self.page.viewport_size
        self.page.set_viewport_size(PHONE)
        width = self.page.evaluate("document.documentElement.scrollWidth")
        self.page.set_viewport_size(before or DESK)
        assert width <= PHONE["width"], f"{self.page.url} is {width} px wide on a phone"

    def close(self) -> None:
        """End the visit."""
        with contextlib.suppress(Error):
            self._context.close()
