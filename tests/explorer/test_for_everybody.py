"""The page by keyboard, with a screen reader, in any width and colour scheme, without animation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.explorer.conftest import Visit, resize, settle, wait
from tests.explorer.steps import drawn, field, press, state

import clearprop as cp

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"


def test_by_keyboard_alone(visit: Visit) -> None:
    page = visit.open("lecture")
    page.locator(".cp-picture [tabindex='0']").focus()
    first = page.evaluate("document.activeElement.dataset.select")
    page.keyboard.press("ArrowRight")
    second = page.evaluate("document.activeElement.dataset.select")
    assert first != second
    page.keyboard.press("Enter")
    assert state(page, "selected.id") == second
    page.keyboard.press("End")
    page.keyboard.press("Space")
    assert state(page, "selected.id") == page.evaluate("document.activeElement.dataset.select")
    # Tab leaves the diagram at once: it is one stop.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.cp-picture')") is None


@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core: npm ci")
@pytest.mark.parametrize(
    ("net", "act", "scheme"), [("lecture", "Step", "light"), ("xor", "One cycle", "light"), ("lecture", "Step", "dark")]
)
def test_no_violations_of_accessibility(visits: Any, net: str, act: str, scheme: str) -> None:
    page = visits(color_scheme=scheme).open(net)
    for _ in range(3):
        press(page, act)
    for summary in page.locator("summary").all():
        summary.click()
    field(page, "w1").fill("oops")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    # In other colours only the colours are others.
    rules = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}
    found = page.evaluate("(rules) => axe.run(document, { resultTypes: ['violations'], ...rules })", rules)[
        "violations"
    ]
    assert [(each["id"], each["nodes"][0]["html"][:200], each["nodes"][0]["failureSummary"]) for each in found] == []


def test_no_width_makes_the_page_scroll_sideways(visit: Visit) -> None:
    page = visit.open("deep", "#digits=17&of=p0")
    for summary in page.locator("summary").all():
        summary.click()
    widths = (320, 375, 768, 1024, 1920)
    found = []
    for width in widths:
        resize(page, width, 800)
        found.append(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
    resize(page, 1400, 900)
    assert dict(zip(widths, found, strict=True)) == dict.fromkeys(widths, True)


def test_very_long_names_do_not_either(visit: Visit) -> None:
    long = "first_measurement_of_the_sensor_in_the_north_tower"
    network = cp.Network((long, "b"), [cp.Dense((f"{long}_2",), "tanh"), cp.Dense(2, "softmax")])
    page = visit.open(cp.Problem(network, examples=cp.Examples.of([[0.5, 0.25]], [[1.0, 0.0]])))
    for summary in page.locator("summary").all():
        summary.click()
    resize(page, 360, 740)
    wide = page.evaluate("document.documentElement.scrollWidth")
    resize(page, 1400, 900)
    assert wide == 360


def test_names_from_right_to_left_leave_the_order_of_what_follows(visit: Visit) -> None:
    network = cp.Network(1, [cp.Dense(("كبير",), "relu"), cp.Dense(1)])
    parameters = cp.Parameters.of(network, [[[1.0]], [[1.0]]], [[-1.0], [0.0]])
    page = visit.open(cp.Problem(network, parameters, examples=cp.Examples.of([[0.5]], [[1.0]])))
    shown = page.locator(".cp-picture .cp-bias text").all_text_contents()
    assert shown == ["\u2068b_كبير\u2069 = -1", "b_y1 = 0"]
    assert (
        page.locator(".cp-warnings")
        .inner_text()
        .startswith("\u2068كبير\u2069 is inactive here: at \u2068z_كبير\u2069 =")
    )


def test_nothing_in_the_diagram_overlaps(visit: Visit) -> None:
    for net, address in (
        ("lecture", ""),
        ("xor", "#digits=9"),
        ("deep", "#digits=17"),
        ("ring", ""),
        ("lecture", "#at=8&rounding=truncate"),
    ):
        page = visit.open(net, address)
        settle(page)
        script = """() => {
            const boxes = [...document.querySelectorAll('.cp-picture text')].filter((e) => e.textContent)
                .map((e) => [e.textContent, e.getBoundingClientRect()]);
            const found = [];
            for (let i = 0; i < boxes.length; i++) for (let j = 0; j < i; j++) {
                const [a, b] = [boxes[i][1], boxes[j][1]];
                const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
                const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
                if (across > 1 && down > 3) found.push([boxes[i][0], boxes[j][0], across, down]);
            }
            return found;
        }"""
        assert page.evaluate(script) == [], net


def test_without_animation_for_those_who_ask(visits: Any) -> None:
    page = visits(reduced_motion="reduce").open("xor")
    press(page, "Play")
    wait(page, "document.querySelector('.cp-status').textContent.includes('Converged')")
    assert drawn(page, "total") != "·"
