"""The page in a real browser, the Chromium that is installed, with the network off; and its computations in Node."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.explorer.node import Node, command

import clearprop as cp
from clearprop.explorer.page import page as page_of

SECONDS = 120
"""How long the browser is waited for before it counts as hanging: far longer than it takes on a busy machine."""

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")
"""The first that is installed: the one without windows takes half the time."""


def chromium() -> str | None:
    """The browser to test in."""
    return os.environ.get("CLEARPROP_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright: the extra “browser”")
    place = chromium()
    if place is None:
        pytest.skip("needs Chromium, or CLEARPROP_CHROMIUM=/path/to/one")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=place, args=ARGUMENTS, timeout=1000 * SECONDS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """The page's computations, without a page."""
    found = command()
    if found is None:
        pytest.skip("needs Node")
    running = Node(found)
    yield running
    running.close()


class Visit:
    """A page that is open, and what must hold of every one: no request, no fault in its console."""

    def __init__(self, browser: Any, folder: Path, **options: Any) -> None:
        options.setdefault("viewport", {"width": 1400, "height": 900})
        self.folder = folder
        self.context = browser.new_context(accept_downloads=True, **options)
        self.context.set_offline(True)
        self.context.set_default_timeout(1000 * SECONDS)
        self.page = self.context.new_page()
        self.opened = 0
        self.requests: list[str] = []
        self.faults: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda message: self.faults.append(message.text) if message.type == "error" else None)

    def open(self, problem: cp.Problem | str, address: str = "") -> Any:
        """The page of a problem, opened from disk."""
        problem = cp.load(problem) if isinstance(problem, str) else problem
        return self.open_text(page_of(problem), address)

    def open_text(self, content: str, address: str = "") -> Any:
        self.opened += 1
        place = self.folder / f"page-{self.opened}.html"
        place.write_text(content, encoding="utf-8")
        self.page.goto(place.as_uri() + address, wait_until="domcontentloaded")
        self.page.wait_for_selector(".cp-picture")
        return self.page

    def checked(self) -> None:
        """No request went anywhere, and the console is without faults."""
        own = [url for url in self.requests if url.startswith((self.folder.as_uri(), "blob:", "data:"))]
        assert self.requests == own, "the page has asked for something"
        assert self.faults == []

    def close(self) -> None:
        self.context.close()
        self.checked()


@pytest.fixture(scope="session")
def window(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    found = Visit(browser, tmp_path_factory.mktemp("visit"))
    yield found
    found.context.close()


@pytest.fixture
def visit(window: Visit) -> Iterator[Visit]:
    """A page in the one window that most tests share: opening one is quick, a window is not."""
    window.requests.clear()
    window.faults.clear()
    yield window
    window.checked()


@pytest.fixture
def visits(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Visit]]:
    """Visits with other windows: ``visits(viewport=…, color_scheme="dark")``."""
    made: list[Visit] = []

    def make(**options: Any) -> Visit:
        made.append(Visit(browser, tmp_path, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def wait(page: Any, condition: str) -> None:
    """Until an expression is true; the page's policy forbids the way in which Playwright itself would wait."""
    until = time.monotonic() + SECONDS
    while not page.evaluate(condition):
        assert time.monotonic() < until, f"not within {SECONDS} s: {condition}"
        page.wait_for_timeout(20)


def settle(page: Any) -> None:
    """Until the browser has drawn twice: by then whatever watches a width has been told of it."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def resize(page: Any, width: int, height: int) -> None:
    """Give the window another size, and wait until the page has taken it."""
    page.set_viewport_size({"width": width, "height": height})
    wait(page, f"innerWidth === {width}")
    settle(page)
