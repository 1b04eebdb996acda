"""The view in notebooks: as anywidget shows it, in a tree of its own or beside other outputs, wide or narrow.

Jupyter and marimo themselves are no part of the tests; `docs/explorer.md` says what was tried in them.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.explorer.conftest import Visit, settle
from tests.explorer.steps import drawn

import clearprop as cp
from clearprop.explorer.page import STYLE, bundled
from clearprop.rendering.page import styles

SHOW = """([sheets, width, isShadow]) => {
    const made = sheets.map((text) => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(text);
        return sheet;
    });
    const data = document.getElementById("clearprop-data").textContent;
    document.getElementById("clearprop").remove();
    const place = document.createElement("div");
    place.style.width = `${width}px`;
    document.body.append(place);
    const root = isShadow ? place.attachShadow({ mode: "open" }) : document;
    root.adoptedStyleSheets = made;
    const el = document.createElement("div");
    (isShadow ? root : place).append(el);
    const values = { data };
    clearprop.render({ model: { get: (name) => values[name] }, el });
}"""


def test_where_a_notebook_is_converted_a_still_picture_is_an_output_of_its_own(visit: Visit) -> None:
    """Converters show one kind of an output, the widget, which is blank without a network: the picture is another."""
    pytest.importorskip("anywidget", reason="needs anywidget: the extra “notebook”")
    capture = pytest.importorskip("IPython.utils.capture")
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell.instance()
    widget = cp.explore(cp.load("lecture"))
    with capture.capture_output() as captured:
        shell.display_formatter.format(widget)
    picture, live = (output.data for output in captured.outputs)
    assert list(picture) == ["text/html"]
    assert "<svg" in picture["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in live
    assert "text/html" not in live
    page = visit.open("lecture")
    seen = page.evaluate("""([html, data, still]) => {
        const [place, el] = [document.createElement("div"), document.createElement("div")];
        place.innerHTML = html;
        document.body.append(place, el);
        clearprop.render({ model: { get: (name) => ({ data, still })[name] }, el });
        return [place.firstElementChild.hidden, el.querySelectorAll(".cp-picture").length];
    }""", [f'<div class="{widget.still}">picture</div>', widget.data, widget.still])  # fmt: skip
    assert seen == [True, 1]
    assert f'class="{widget.still}"' in picture["text/html"]


def shown(visit: Visit, *, width: int = 1000, sheets: tuple[str, ...] = (), shadow: bool = False) -> Any:
    """The widget, without the page around it."""
    page = visit.open("lecture")
    page.evaluate(SHOW, [[bundled(STYLE), *sheets], width, shadow])
    page.wait_for_selector(".cp-picture")
    settle(page)
    return page


def test_in_a_notebook_the_same_view_and_a_still_picture() -> None:
    pytest.importorskip("anywidget", reason="needs anywidget: the extra “notebook”")
    widget = cp.explore(cp.load("lecture"))
    assert json.loads(widget.data)["network"]["layers"][0]["names"] == ["h1", "h2"]
    assert "export" in widget._esm
    # By this name every widget has a model, which what shows widgets asks for.
    assert "style" not in widget.trait_names() or not isinstance(widget.style, str)
    contents, _ = widget._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in contents
    assert "<svg" in contents["text/html"]
    assert "E_total = 0.24909" in contents["text/html"]


def test_it_is_stepped_through_and_asked(visit: Visit) -> None:
    page = shown(visit)
    page.get_by_role("button", name="Step", exact=True).click()
    assert page.locator(".cp-where").inner_text().startswith("Cycle 1 · Backward: error signals of layer 2")
    page.locator('[data-select="a1.0"]').click()
    assert page.locator(".cp-what").inner_text() == "output_o1"
    assert page.evaluate("location.hash") == ""
    assert page.get_by_role("button", name="Copy link").count() == 0


def test_in_a_tree_of_its_own_what_has_the_focus_is_known(visit: Visit) -> None:
    """As marimo shows it. A number that is being typed is left alone, and the arrows go on from where they are."""
    page = shown(visit, shadow=True)
    page.locator('[data-select="p5"]').dispatch_event("click")
    field = page.locator(".cp-panel").get_by_label("w5", exact=True)
    field.fill("")
    field.press_sequentially("0.05")
    assert field.input_value() == "0.05"
    assert drawn(page, "z1.0") == "0.74928"
    page.locator('[data-select="a1.0"]').focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.locator(".cp-what").inner_text() == "∂E_total/∂sum_o1"


def test_the_styles_of_an_explanation_in_the_same_notebook_do_not_reach_it(visit: Visit) -> None:
    # Once the page has laid itself out: twenty frames in a row that look alike.
    look = """async () => {
        const looked = () => [...document.querySelectorAll(".cp-frame, .cp-frame :is(h2, p, svg, button, input)")]
            .map((element) => {
                const { width, height } = element.getBoundingClientRect();
                return [element.className.baseVal ?? element.className, Math.round(width), Math.round(height)];
            });
        await document.fonts.ready;
        let [before, alike] = ["", 0];
        while (alike < 20) {
            await new Promise(requestAnimationFrame);
            const now = JSON.stringify(looked());
            alike = now === before ? alike + 1 : 0;
            before = now;
        }
        return looked();
    }"""
    alone = shown(visit).evaluate(look)
    beside = shown(visit, sheets=(styles(),)).evaluate(look)
    assert beside == alone


@pytest.mark.parametrize(("width", "below"), [(700, True), (1300, False)])
def test_it_is_laid_out_for_the_width_that_it_has(visit: Visit, width: int, below: bool) -> None:
    page = shown(visit, width=width)
    stage, panel = (page.locator(place).bounding_box() for place in (".cp-stage", ".cp-panel"))
    assert (panel["y"] >= stage["y"] + stage["height"]) == below
