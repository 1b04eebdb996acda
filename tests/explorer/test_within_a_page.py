"""The page within another one, in a frame: only the parts that its address names, in the width that there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.explorer.conftest import wait
from tests.explorer.steps import choose, press

import clearprop as cp
from clearprop.explorer.page import page as page_of

PARTS = {
    "head": "h1, .cp-writing, .cp-takeaway, .cp-foot",
    "steps": ".cp-transport, .cp-examples",
    "diagram": ".cp-diagram",
    "why": ".cp-panel",
    "curve": ".cp-card:has(> h2:text('Error per cycle'))",
    "surface": ".cp-card:has(.cp-surface)",
    "settings": ".cp-card:has(.cp-fields)",
    "tables": "details:has-text('All numbers')",
    "data": ".cp-card:has(textarea)",
}


def shown(page: Any) -> set[str]:
    """The parts that can be seen."""
    found = set()
    for name, selector in PARTS.items():
        places = page.locator(selector)
        seen = {places.nth(k).is_visible() for k in range(places.count())}
        assert len(seen) == 1, f"{name} is in two minds"
        found |= {name} if seen == {True} else set()
    return found


def test_an_address_names_the_parts_that_are_shown(visit: Any) -> None:
    page = visit.open("xor")
    assert shown(page) == {*PARTS}
    page = visit.open("xor", "#example=3&show=diagram,why")
    assert shown(page) == {"diagram", "why"}
    assert page.get_by_label("The network").locator(".cp-status").inner_text() == ""
    # The names stay in the address as the state changes, and a link without them brings everything back.
    choose(page, "p2")
    wait(page, "location.hash.includes('of=p2')")
    assert page.evaluate("location.hash").endswith("&show=diagram,why")
    assert "example=3" in page.evaluate("location.hash")
    page.evaluate("location.hash = 'of=p2'")
    wait(page, "document.querySelector('.cp-left-out') === null")
    assert shown(page) == {*PARTS}


def test_a_part_that_there_is_not_is_said(visit: Any) -> None:
    page = visit.open("xor", "#show=diagram,whys")
    assert shown(page) == {*PARTS}
    assert page.locator(".cp-status").inner_text() == (
        'This page has no part "whys"; its parts are head, steps, diagram, why, curve, surface, settings, tables, data.'
    )


@pytest.mark.parametrize("width", [360, 800, 1300])
def test_in_a_frame_nothing_is_cut(visits: Any, tmp_path: Path, width: int) -> None:
    (tmp_path / "lecture.html").write_text(page_of(cp.load("lecture")), encoding="utf-8")
    around = tmp_path / "around.html"
    around.write_text(
        '<!doctype html><meta name="viewport" content="width=device-width"><body style="margin: 8px"><h1>Week 3</h1>'
        '<iframe src="lecture.html#show=steps,diagram,why" style="width: 100%; height: 640px; border: 0"></iframe>'
    )
    page = visits(viewport={"width": width, "height": 800}).page
    page.goto(around.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator(".cp-picture").wait_for()
    assert not frame.locator("h1, .cp-header").first.is_visible()
    inside = page.frames[1]
    assert inside.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = frame.locator(".cp-diagram").bounding_box()
    assert box is not None
    # The network uses the width: beside the derivation where that fits, else all of it.
    assert box["width"] > 0.9 * (width - 16 if width < 900 else 0.6 * width)
    frame.get_by_role("button", name="Step").click()
    assert "output" in frame.locator(".cp-where").inner_text() or frame.locator(".cp-where").inner_text()


def test_a_link_is_copied_where_the_browser_has_no_clipboard(visit: Any) -> None:
    """On a site without encryption there is none; a frame may not use it."""
    page = visit.open("lecture", "#of=p5")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.evaluate("document.execCommand = (what) => ((window.copied = [what, document.activeElement.value]), true)")
    press(page, "Copy link")
    page.wait_for_selector(".cp-status:has-text('Copied a link')")
    what, text = page.evaluate("window.copied")
    assert what == "copy"
    assert text == page.evaluate("location.href")
    page.evaluate("document.execCommand = () => false")
    press(page, "Copy link")
    page.wait_for_selector(".cp-status:has-text('The browser blocks copying; copy the address of this page instead.')")
    assert page.locator("textarea.cp-offscreen").count() == 0
