"""A browser with a window on the console: it notes every fault of a page and every request that leaves the machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, ViewportSize

from cultiva.console.files import FOLDER

AXE = FOLDER / "vendor" / "axe.min.js"
PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1366, height=900)
SERIOUS = ("serious", "critical")
QUIET = "() => !document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')"
"""No part of a page is on its way."""


@dataclass
class Seat:
    """Somebody before the screen."""

    page: Page
    base: str
    faults: list[str] = field(default_factory=list)
    """Faults of pages and requests that left the machine."""
    expected: list[str] = field(default_factory=list)
    """Parts of faults that a story brings about on purpose."""

    def __post_init__(self) -> None:
        self.page.set_default_timeout(15_000)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.faults.append(f"page error: {error}"))
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.on("dialog", lambda dialog: dialog.accept())

    def go(self, path: str) -> None:
        """Opens a page, which must be there and readable by everybody."""
        found = self.page.goto(f"{self.base}{path}")
        assert found is not None and found.ok, (path, found and found.status)
        self.settled()

    def settled(self) -> None:
        """Waits until the page and all its parts are there."""
        self.page.wait_for_load_state("load")
        self.page.wait_for_function(QUIET)

    def follow(self, what: str | Locator) -> None:
        """Clicks on what leads to another page, and waits for that; the question whether one is sure is said yes to."""
        with self.page.expect_navigation():
            (self.page.locator(what) if isinstance(what, str) else what).click()
        self.settled()

    def enter(self, login: str, password: str) -> None:
        """Logs in."""
        self.page.goto(f"{self.base}/login")
        self.page.fill("input[name=login]", login)
        self.page.fill("input[name=password]", password)
        self.follow("main button[type=submit]")

    def speak(self, language: str) -> None:
        """Changes to a language where another is spoken; the page's own button is used."""
        button = self.page.locator("form[action='/account/language'] button").first
        if ("中文" if language == "zh" else "English") in button.inner_text():
            self.follow(button)
        assert self.page.get_attribute("html", "lang") == ("zh-CN" if language == "zh" else "en")

    def text(self) -> str:
        """What the page says."""
        return self.page.inner_text("body")

    def accessible(self) -> None:
        """Runs axe over the page: nothing serious may be wrong (WCAG 2.1 A and AA)."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        asked = "() => axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})"
        found: dict[str, Any] = self.page.evaluate(asked)
        wrong = [
            f"{one['id']}: {one['help']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
            for one in found["violations"]
            if one["impact"] in SERIOUS
        ]
        assert not wrong, (self.page.url, *wrong)

    def fits(self) -> None:
        """Nothing may hang over the side of the screen."""
        wide = self.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 1, f"{self.page.url} is {wide} pixels too wide"

    def clean(self) -> None:
        """No fault, and nothing left the machine."""
        left = [one for one in self.faults if not any(part in one for part in self.expected)]
        assert not left, left

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"{message.type}: {message.text} at {message.location.get('url', '')}")

    def _asked(self, url: str) -> None:
        if not url.startswith((self.base, "data:", "blob:")):
            self.faults.append(f"left the machine: {url}")


@contextmanager
def seat(found: Browser, base: str, *, phone: bool = False, folder: Path | None = None) -> Iterator[Seat]:
    """Somebody with a window of their own; at the end everything must have been clean."""
    context = found.new_context(
        viewport=PHONE if phone else DESK, is_mobile=phone, has_touch=phone, accept_downloads=True
    )
    try:
        one = Seat(context.new_page(), base)
        yield one
        one.clean()
    except BaseException:
        if folder is not None:
            one.page.screenshot(path=folder / "failed.png", full_page=True)
        raise
    finally:
        context.close()
