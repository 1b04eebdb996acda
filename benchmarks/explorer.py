"""Measure what opening the explorer's page costs, and compare it with the limits of its design.

    .venv/test/bin/python -m pip install playwright
    .venv/test/bin/python benchmarks/explorer.py [--runs 5] [--chromium PATH]

Pages are opened from disk in a new window each time, in a headless Chromium without a graphics card, as on a
slow machine. Times are from the page's clock, which starts with the navigation, until the frame after the
awaited event. Panning is done by dragging and with the wheel, on 784-128-64-10 with every layer unfolded and
enlarged; meanwhile the page records when each frame starts.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.report import line

import clearprop as cp
from clearprop.explorer.page import page as page_of

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
WINDOW: Any = {"width": 1400, "height": 900}
NEXT_FRAME = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
WATCH_FRAMES = """() => {
    window.frames_seen = [];
    const note = (now) => {
        window.frames_seen.push(now);
        window.watching = requestAnimationFrame(note);
    };
    window.watching = requestAnimationFrame(note);
}"""
FRAMES_SEEN = """() => {
    cancelAnimationFrame(window.watching);
    return window.frames_seen.slice(1).map((at, k) => at - window.frames_seen[k]);
}"""
PLAYED = """() => new Promise((done) => {
    const [play, status] = [document.querySelector(".cp-primary"), document.querySelector(".cp-status")];
    const started = performance.now();
    new MutationObserver((_, observer) => {
        if (!status.textContent.includes("Converged")) return;
        observer.disconnect();
        requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - started)));
    }).observe(status, { childList: true, characterData: true, subtree: true });
    play.click();
})"""


def large() -> cp.Problem:
    """784-128-64-10 with thirty examples."""
    rng = np.random.default_rng(0)
    layers = [cp.Dense(128, "relu"), cp.Dense(64, "relu"), cp.Dense(10, "softmax")]
    examples = cp.Examples(rng.random((30, 784)), np.eye(10)[rng.integers(0, 10, 30)])
    return cp.Problem(cp.Network(784, layers), optimizer=cp.Adam(), examples=examples)


class Visits:
    """Pages on disk, each opened in a window of its own."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.browser, self.folder = browser, folder

    @contextmanager
    def to(self, name: str) -> Iterator[Page]:
        """A page that has been opened."""
        context = self.browser.new_context(viewport=WINDOW, offline=True)
        page = context.new_page()
        page.goto((self.folder / f"{name}.html").as_uri(), wait_until="domcontentloaded")
        page.wait_for_selector(".cp-picture")
        yield page
        context.close()

    def first_paint(self, name: str) -> float:
        """Seconds until something is seen."""
        with self.to(name) as page:
            page.evaluate(NEXT_FRAME)
            script = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            return float(page.evaluate(script)) / 1000

    def opening(self, name: str) -> float:
        """Seconds until it has been drawn, has taken a click on a weight, and has drawn the answer."""
        choose = "document.querySelector('[data-select=\"p1\"]').dispatchEvent(new MouseEvent('click'))"
        with self.to(name) as page:
            page.evaluate(choose)
            return float(page.evaluate(NEXT_FRAME)) / 1000

    def converging(self, name: str) -> float:
        """Seconds from the press of Play to the words that it has converged."""
        with self.to(name) as page:
            return float(page.evaluate(PLAYED)) / 1000

    def panning(self, move: Callable[[Page, int], None]) -> list[float]:
        """Milliseconds from frame to frame while the large network is panned."""
        with self.to("large") as page:
            for column in range(4):
                # As far as one press opens it; the ten outputs then have no more to show.
                page.locator(".cp-fold", has_text="more").nth(column).click()
            for _ in range(4):
                page.get_by_role("button", name="Zoom in").click()
            box = page.locator(".cp-scroller").bounding_box()
            assert box is not None
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)
            page.evaluate(NEXT_FRAME)
            page.evaluate(WATCH_FRAMES)
            for k in range(60):
                move(page, k)
            return [float(interval) for interval in page.evaluate(FRAMES_SEEN)]


def drag(page: Page, k: int) -> None:
    """Back and forth with the button down."""
    if k == 0:
        page.mouse.down()
    turn = min(k % 30, 30 - k % 30)
    page.mouse.move(700 - 8 * turn, 430 - 5 * turn)
    if k == 59:
        page.mouse.up()


def wheel(page: Page, k: int) -> None:
    """Down and up again."""
    page.mouse.wheel(20, 40 if k < 30 else -40)


def rows(visits: Visits, runs: int) -> Iterator[str]:
    """Yield every row, as soon as it is measured."""
    size = (visits.folder / "lecture.html").stat().st_size / 1000
    yield line("lecture: size of the page", "kB", [size], most=300)
    visits.first_paint("lecture")  # the browser's first time
    yield line("lecture: first paint", "s", [visits.first_paint("lecture") for _ in range(runs)], most=0.5)
    yield line(
        "784-128-64-10: opened, and a weight explained", "s", [visits.opening("large") for _ in range(runs)], most=2
    )
    for way, move in (("mouse", drag), ("wheel", wheel)):
        panned = [visits.panning(move) for _ in range(runs)]
        rates = [1000 * len(intervals) / sum(intervals) for intervals in panned]
        late = [statistics.quantiles(intervals, n=20)[-1] for intervals in panned]
        # Sixty, but for what the clock rounds.
        yield line(f"784-128-64-10: frames a second, panned with the {way}", "1/s", rates, least=59)
        yield line("    95 % of them within", "ms", late)
    yield line("xor: from Play to converged", "s", [visits.converging("xor") for _ in range(runs)], most=2)


def main() -> None:
    """Print every row."""
    parser = argparse.ArgumentParser(description="What the explorer's page costs, beside its budgets.")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--chromium", default=os.environ.get("CLEARPROP_CHROMIUM") or shutil.which("chromium"))
    asked = parser.parse_args()
    if asked.chromium is None:
        sys.exit("no Chromium is installed here; name one with --chromium")
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place)
        for name, problem in (("lecture", cp.load("lecture")), ("xor", cp.load("xor")), ("large", large())):
            (folder / f"{name}.html").write_text(page_of(problem), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=asked.chromium, args=ARGUMENTS)
        print(f"Chromium {browser.version}, {os.cpu_count()} cores, {asked.runs} runs each, median (range)\n")
        for row in rows(Visits(browser, folder), asked.runs):
            print(row, flush=True)
        browser.close()


if __name__ == "__main__":
    main()
