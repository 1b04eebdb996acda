"""What the page may cost: its bytes, its elements, and what opening, panning and training make the browser do.

Work is counted, so the tests hold on any machine, however busy; `benchmarks/explorer.py` measures the seconds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tests.explorer.conftest import Visit, settle, wait
from tests.explorer.steps import choose, field, press, state

import clearprop as cp
from clearprop.explorer.page import page as page_of

Work = Callable[[], dict[str, int]]


@pytest.fixture
def work(visit: Visit) -> Work:
    """The elements of the page, and how often the browser has laid it out."""
    session = visit.context.new_cdp_session(visit.page)
    session.send("Performance.enable")

    def read() -> dict[str, int]:
        settle(visit.page)
        metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
        elements = visit.page.evaluate("document.querySelectorAll('*').length")
        return {"elements": elements, "layouts": int(metrics["LayoutCount"])}

    return read


@pytest.fixture(scope="module")
def large() -> cp.Problem:
    rng = np.random.default_rng(0)
    layers = [cp.Dense(128, "relu"), cp.Dense(64, "relu"), cp.Dense(10, "softmax")]
    examples = cp.Examples(rng.random((30, 784)), np.eye(10)[rng.integers(0, 10, 30)])
    return cp.Problem(cp.Network(784, layers), optimizer=cp.Adam(), examples=examples)


def test_the_page_of_the_lecture_is_small() -> None:
    assert len(page_of(cp.load("lecture")).encode()) < 300_000


def test_the_lecture_is_drawn_with_little_work(visit: Visit, work: Work) -> None:
    visit.open("lecture")
    done = work()
    assert done["elements"] < 2_500
    assert done["layouts"] < 20


def test_a_large_network_opens_with_little_work_and_is_usable(visit: Visit, large: cp.Problem, work: Work) -> None:
    page = visit.open(large)
    choose(page, "p4")
    done = work()
    assert done["elements"] < 10_000
    assert done["layouts"] < 20
    assert page.locator(".cp-picture [data-select]").count() < 900
    page.locator(".cp-fold").first.click()
    assert page.locator('[data-select="a-1.15"]').count() == 1
    page.locator(".cp-fold", has_text="more").first.click()
    assert page.locator('[data-select="a-1.31"]').count() == 1
    page.locator(".cp-fold", has_text="earlier").click()
    page.locator(".cp-fold", has_text="fewer").click()
    assert page.locator('[data-select="a-1.15"]').count() == 0
    field(page, "w5").fill("0.25")
    assert state(page, "current.moment.vector[4]") == 0.25
    press(page, "One cycle")
    assert state(page, "step") == 2


def test_panning_a_large_network_draws_nothing_anew(visit: Visit, large: cp.Problem, work: Work) -> None:
    """With every layer unfolded and enlarged: frames are composed of what is drawn already."""
    page = visit.open(large)
    for column in (0, 1, 2, 3):
        page.locator(".cp-fold", has_text="more").nth(column).click()
    for _ in range(4):
        press(page, "Zoom in")
    assert page.locator(".cp-edge").count() > 500
    box = page.locator(".cp-scroller").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.evaluate("""() => {
        window.built = 0;
        new MutationObserver((found) => { built += found.length; })
            .observe(document.querySelector(".cp-diagram"), { subtree: true, childList: true });
    }""")
    before = work()
    for k in range(20):
        page.mouse.wheel(20, 40 if k < 10 else -40)
    wait(page, "document.querySelector('.cp-scroller').scrollLeft > 100")  # the wheel is not waited for
    after = work()
    assert page.evaluate("built") == 0
    assert after["elements"] == before["elements"]
    assert after["layouts"] - before["layouts"] < 20


def test_a_press_that_moves_pans_and_is_no_click(visit: Visit, large: cp.Problem) -> None:
    page = visit.open(large)
    for _ in range(4):
        press(page, "Zoom in")
    scrolled = "[document.querySelector('.cp-scroller').scrollLeft, document.querySelector('.cp-scroller').scrollTop]"
    box = page.locator('[data-select="a0.1"]').bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 80, y - 60, steps=4)
    page.wait_for_timeout(200)
    page.mouse.up()
    assert page.evaluate(scrolled) == [80, 60]
    assert state(page, "selected.id") == "p0"
    wait(page, "!document.querySelector('.cp-moving')")
    page.mouse.down()
    page.mouse.move(x - 82, y - 61)
    page.mouse.up()
    assert page.evaluate(scrolled) == [80, 60]
    assert state(page, "selected.id") == "a0.1"
