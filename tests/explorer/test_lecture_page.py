"""The page of the lecture's network: every number that the lecture prints, and what a class does with it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.explorer.conftest import Visit, settle, wait
from tests.explorer.steps import choose, derivation, drawn, field, mathematics, press, state
from tests.support import (
    LECTURE,
    LECTURE_COMPONENTS,
    LECTURE_GRADIENTS,
    LECTURE_UPDATED,
    command,
)

import clearprop as cp

AS_THE_LECTURE = "#notation=lecture&digits=5&rounding=truncate"


@pytest.fixture
def page(visit: Visit) -> Any:
    return visit.open("lecture", AS_THE_LECTURE)


def test_at_first_sight_the_forward_pass_is_done_and_the_first_weight_explained(page: Any) -> None:
    places = {"E_1": "e0", "E_2": "e1", "E_total": "total"}
    for place, unit in {"0.0": "h1", "0.1": "h2", "1.0": "o1", "1.1": "o2"}.items():
        places |= {f"sum_{unit}": f"z{place}", f"output_{unit}": f"a{place}"}
    assert {name: drawn(page, place) for name, place in places.items()} == LECTURE
    assert page.locator(".cp-what").inner_text() == "w1"
    assert "0.00110" in mathematics(page)


def test_every_number_of_the_lecture_stands_in_the_page(page: Any) -> None:
    for _ in range(3):  # backward twice, update
        press(page, "Step")
    page.locator("summary", has_text="tables").click()
    table = page.locator("table", has_text="Weights and biases")
    table.wait_for()
    for name, new in LECTURE_UPDATED.items():
        row = table.locator("tr").filter(has=page.get_by_role("button", name=name, exact=True))
        cells = row.locator("td").all_inner_texts()
        assert cells[-1] == new
        if name in LECTURE_GRADIENTS:
            assert cells[-2] == LECTURE_GRADIENTS[name]
    shown = ""
    for index, name in enumerate(
        page.evaluate("[0,1,2,3,5,6,7,8].map(i => clearprop.app.store.network.parameterName(i))")
    ):
        choose(page, f"p{[0, 1, 2, 3, 5, 6, 7, 8][index]}")
        assert page.locator(".cp-what").inner_text() == name
        shown += derivation(page)
        assert LECTURE_UPDATED[name] in mathematics(page)
    for symbol, value in LECTURE_COMPONENTS.items():
        assert re.search(rf"{re.escape(symbol)}[^∂]*= {re.escape(value)}\b", shown, re.S), symbol
    assert "0.00159" in shown  # ∂E_1/∂w1


def test_the_page_says_what_explain_says(page: Any) -> None:
    choose(page, "p5")
    said = command("explain", "lecture", "w5", "--digits", "5", "--rounding", "truncate").stdout
    assert derivation(page) == said[: said.index("Check:")]


def test_after_an_edit_the_page_and_explain_of_the_downloaded_file_agree(
    page: Any, visit: Visit, tmp_path: Path
) -> None:
    choose(page, "p5")
    field(page, "w5").fill("0.9")
    with page.expect_download() as download:
        press(page, "Network (TOML)")
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name == "lecture.toml"
    explained = json.loads(command("explain", str(path), "--format", "json").stdout)
    mine = page.evaluate("clearprop.numbersOf(clearprop.app.store.current, 'lecture')")
    assert explained["values"]["sum_o1"] != pytest.approx(1.01977, abs=1e-3)
    for part in ("values", "gradients", "updated", "after"):
        assert mine[part] == pytest.approx(explained[part], rel=1e-13, abs=1e-16)
    text = command("explain", str(path), "w5", "--rounding", "truncate").stdout
    assert derivation(page) == text[: text.index("Check:")]
    assert drawn(page, "z1.0") == cp.explain(cp.cycle(cp.load(path)), rounding="truncate").view.number(
        explained["values"]["sum_o1"]
    )


# --- stepping ---------------------------------------------------------------------------------


def test_stepping_back_to_nothing_and_forward_again(page: Any) -> None:
    for _ in range(5):
        press(page, "Back")
    assert [drawn(page, place) for place in ("z0.0", "a0.0", "z1.1", "total")] == ["·"] * 4
    assert page.get_by_role("button", name="Back", exact=True).is_disabled()
    press(page, "Step")
    assert (drawn(page, "z0.0"), drawn(page, "a0.0"), drawn(page, "z0.1")) == ("0.41", "0.60108", "·")
    assert page.locator(".cp-where").inner_text() == "Cycle 1 · Forward: sum_h1 and output_h1"
    for _ in range(3):
        press(page, "Step")
    assert (drawn(page, "a1.1"), drawn(page, "e0")) == ("0.77955", "·")
    press(page, "Step")
    assert drawn(page, "total") == "0.24908"
    press(page, "Step")
    assert "δ" in page.locator('[data-select="d(total)/d(z1.0)"]').text_content()
    assert page.locator('[data-select="d(total)/d(z0.0)"]').text_content() == ""


def test_the_update_shows_new_weights_and_the_next_cycle_begins_with_them(page: Any) -> None:
    for _ in range(3):
        press(page, "Step")
    assert "w5 → 0.45187" in page.locator(".cp-picture").text_content()
    assert "E_total is now 0.24072" in page.locator(".cp-where").inner_text()
    press(page, "Step")
    assert page.locator(".cp-where").inner_text().startswith("Cycle 2 · Forward: sum_h1")
    assert "w5 = 0.45187" in page.locator(".cp-picture").text_content()
    press(page, "Back")
    assert "w5 → 0.45187" in page.locator(".cp-picture").text_content()
    press(page, "Back")
    assert "w5 = 0.5" in page.locator(".cp-picture").text_content()


def test_one_cycle_at_a_time_back_and_rewind_to_the_same_weights(page: Any) -> None:
    before = state(page, "current.moment.vector.join()")
    seen = [before]
    for _ in range(6):
        press(page, "One cycle")
        seen.append(state(page, "current.moment.vector.join()"))
    assert len(set(seen)) == 7
    assert page.evaluate("clearprop.app.store.goTo(3)") is None
    assert state(page, "current.moment.vector.join()") == seen[2]
    press(page, "Rewind")
    assert state(page, "current.moment.vector.join()") == before
    assert state(page, "step") == 1


def test_playing_converges_as_training_does_and_draws_the_curve(page: Any) -> None:
    press(page, "Play")
    page.wait_for_selector(".cp-status:has-text('Converged')")
    fit = cp.train(cp.load("lecture"), dtype="float64")
    assert state(page, "losses.length") - 1 == fit.epochs
    assert state(page, "current.error") == pytest.approx(fit.loss_after, rel=1e-9)
    assert len(page.locator(".cp-curve").get_attribute("d")) > 1000
    press(page, "Rewind")
    assert drawn(page, "total") == "0.24908"


def test_playing_can_be_paused(visit: Visit) -> None:
    lecture = cp.load("lecture")
    endless = replace(lecture, settings=replace(lecture.settings, tolerance=0.0, epochs=10**8))
    page = visit.open(endless)
    press(page, "Play")
    wait(page, "clearprop.app.store.step > 3")
    press(page, "Pause")
    stopped = state(page, "step")
    settle(page)  # each frame would make a step
    assert state(page, "step") == stopped


# --- linked highlighting ----------------------------------------------------------------------


def lit(page: Any, kind: str) -> set[str]:
    script = (
        "(kind) => [...document.querySelectorAll(`.cp-picture .${kind}[data-select]`)].map((e) => e.dataset.select)"
    )
    return set(page.evaluate(script, kind))


def test_the_paths_of_a_weight_to_the_error_light_up(page: Any) -> None:
    choose(page, "p0")  # w1, into h1
    assert lit(page, "cp-lit") == {"p0", "z0.0", "a0.0", "d(total)/d(z0.0)", "p5", "p7", "z1.0", "a1.0", "z1.1", "a1.1",
                                   "d(total)/d(z1.0)", "d(total)/d(z1.1)", "e0", "e1", "total"}  # fmt: skip
    choose(page, "p5")  # w5, into o1 alone
    assert lit(page, "cp-lit") == {"p5", "z1.0", "a1.0", "d(total)/d(z1.0)", "e0", "total"}
    assert lit(page, "cp-chosen") == {"p5"}


def test_a_factor_points_to_its_place_and_a_place_to_its_factors(page: Any) -> None:
    choose(page, "p5")
    page.locator('.cp-equations [data-q="d(a1.0)/d(z1.0)"]').first.hover()
    assert "a1.0" in lit(page, "cp-pointed")
    page.locator('.cp-equations [data-q="d(z1.0)/d(p5)"]').first.hover()
    assert lit(page, "cp-pointed") == {"p5"}
    page.locator('[data-select="a0.0"]').hover()
    pointed = page.evaluate("[...document.querySelectorAll('.cp-equations .cp-pointed')].map((e) => e.dataset.q)")
    assert set(pointed) == {"a0.0"}


def test_numbers_that_were_put_in_point_too(page: Any) -> None:
    choose(page, "p5")
    numbers = page.locator('.cp-equations [data-q="d(total)/d(a1.0)"]', has_text="0.68492")
    assert numbers.count() >= 1
    numbers.first.hover()
    assert "e0" in lit(page, "cp-pointed")


def test_a_symbol_leads_to_its_own_explanation(page: Any) -> None:
    choose(page, "p5")
    page.locator('.cp-equations [data-q="a0.0"]').first.click()
    assert page.locator(".cp-what").inner_text() == "output_h1"
    press(page, "sum_h1")
    assert mathematics(page).endswith("=0.1⋅0.1+0.5⋅0.3+0.25=0.41")


# --- turning and writing -----------------------------------------------------------------------


def test_inputs_targets_biases_and_the_slider(page: Any) -> None:
    for place, label, value in (("a-1.0", "i1", 0.7), ("t1", "target_2", 0.25), ("p4", "b1", -0.4)):
        choose(page, place)
        field(page, label).fill(str(value))
    assert [state(page, "setup.examples.inputs[0]"), state(page, "setup.examples.targets[1]")] == [0.7, 0.25]
    assert drawn(page, "z0.0") == "-0.18"
    choose(page, "p5")
    page.get_by_label("w5, slider").evaluate("(e) => { e.value = 0.25; e.dispatchEvent(new Event('input')) }")
    assert field(page, "w5").input_value() == "0.25"
    assert "w5 = 0.25" in page.locator(".cp-picture").text_content()


def test_learning_rate_activation_and_loss_change_the_derivation(page: Any) -> None:
    choose(page, "p5")
    page.get_by_label("Learning rate (sgd)", exact=True).fill("2")
    assert "new_w5 = w5 - n * ∂E_total/∂w5 = 0.5 - 2 * 0.08020 = 0.33959" in derivation(page)
    page.get_by_label("Activation, output layer").select_option(label="tanh")
    page.get_by_label("Loss").select_option(label="absolute_error")
    page.get_by_label("Activation, layer 1").select_option(label="gelu")
    lecture = cp.load("lecture")
    layers = [
        cp.Dense(
            layer.units,
            rule,
            bias="shared",
            weight_names=layer.weight_names,
            bias_names=layer.bias_names,
            train_bias=False,
        )
        for layer, rule in zip(lecture.network.layers, ("gelu", "tanh"), strict=True)
    ]
    network = cp.Network(("i1", "i2"), layers, "absolute_error")
    parameters = cp.Parameters.random(network).with_vector(lecture.parameters.vector)
    changed = cp.Problem(network, parameters, cp.SGD(2.0), examples=lecture.examples, notation="lecture")
    expected = str(cp.explain(cp.cycle(changed), "w5", rounding="truncate"))
    assert derivation(page) == expected[: expected.index("Check:")]


def test_binary_cross_entropy_collapses_with_the_logistic(visit: Visit) -> None:
    page = visit.open("lecture")
    page.get_by_label("Loss").select_option(label="binary_cross_entropy")
    choose(page, "p5")
    assert "binary_cross_entropy after logistic: factors cancel" in derivation(page)


def test_notation_digits_and_rounding(page: Any) -> None:
    page.get_by_label("Notation").select_option("1")
    assert "∂L/∂w1" in derivation(page).replace("\n", " ")
    assert page.locator('[data-select="z0.0"]').get_attribute("aria-label") == "z_h1: 0.41"
    page.get_by_label("Digits").select_option("8")
    assert drawn(page, "a0.0") == "0.60108787"
    page.get_by_label("Rounding").select_option(label="nearest")
    assert drawn(page, "a0.0") == "0.60108788"


# --- taking away -------------------------------------------------------------------------------


def test_copying_as_latex_and_as_text(visits: Any) -> None:
    visit = visits(permissions=["clipboard-read", "clipboard-write"])
    page = visit.open("lecture", AS_THE_LECTURE + "&of=p5")
    page.get_by_role("button", name="Copy LaTeX").click()
    page.wait_for_selector(".cp-status:has-text('Copied')")
    copied = page.evaluate("navigator.clipboard.readText()")
    # As explain writes it, up to line breaks and remarks.
    whole = cp.explain(cp.cycle(cp.load("lecture")), "w5", rounding="truncate").latex(fragment=True)
    plain = [re.sub(r"\{\\color\{gray\}.*?\}\}\}| \\qquad|&\\quad|&|\s|\\\\", "", part) for part in (copied, whole)]
    for equation in re.findall(r"\\begin\{align\*\}(.*?)\\end\{align\*\}", plain[0]):
        assert equation in plain[1]
    page.get_by_role("button", name="Copy text").click()
    wait(page, "navigator.clipboard.readText().then((text) => !text.includes('begin{align'))")
    assert page.evaluate("navigator.clipboard.readText()") == derivation(page)


def test_the_diagram_as_svg_is_a_picture_of_its_own(page: Any, tmp_path: Path) -> None:
    from xml.etree import ElementTree

    with page.expect_download() as download:
        press(page, "Diagram (SVG)")
    download.value.save_as(tmp_path / "lecture.svg")
    content = (tmp_path / "lecture.svg").read_text(encoding="utf-8")
    root = ElementTree.fromstring(content)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "0.60108" in content
    assert "<script" not in content


def test_the_address_holds_the_state(page: Any, visit: Visit) -> None:
    choose(page, "p5")
    field(page, "w5").fill("0.9")
    page.get_by_label("Activation, layer 1").select_option(label="tanh")
    press(page, "One cycle")
    press(page, "Step")
    wait(page, "location.hash.slice(1) === clearprop.addressOf(clearprop.app.store)")
    address = page.evaluate("location.hash")
    expected = derivation(page), page.locator(".cp-where").inner_text()
    other = visit.context.new_page()
    other.goto(page.evaluate("location.href"))
    other.wait_for_selector(".cp-picture")
    assert (derivation(other), other.locator(".cp-where").inner_text()) == expected
    for part in ("weights=5%3A0.9", "cycle=2", "at="):
        assert part in address


def test_a_link_to_the_state_is_copied(visits: Any) -> None:
    page = visits(permissions=["clipboard-read", "clipboard-write"]).open("lecture", "#of=p5")
    field(page, "w5").fill("0.9")
    press(page, "Copy link")
    page.wait_for_selector(".cp-status:has-text('Copied')")
    link = page.evaluate("navigator.clipboard.readText()")
    expected = derivation(page)
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_selector(".cp-picture")
    assert derivation(page) == expected


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_paper_it_is_a_handout_of_what_is_shown(visits: Any, scheme: str) -> None:
    page = visits(color_scheme=scheme, viewport={"width": 700, "height": 900}).open("lecture", AS_THE_LECTURE)
    page.emulate_media(media="print")
    assert page.evaluate("dispatchEvent(new Event('beforeprint')); document.querySelectorAll('table').length") == 3
    for place in ("h1", ".cp-picture", ".cp-equations", ".cp-chart", ".cp-surface", "table >> nth=2"):
        assert page.locator(place).is_visible(), place
    for place in (".cp-transport button >> nth=0", ".cp-takeaway", ".cp-writing", ".cp-fields", "textarea"):
        assert not page.locator(place).is_visible(), place
    cut = """() => [...document.querySelectorAll(".cp-scroller, .cp-equations, .cp-scroll")]
        .filter((e) => e.scrollWidth > e.clientWidth + 1 || getComputedStyle(e).overflowY !== "visible")
        .map((e) => e.className)"""
    assert page.evaluate(cut) == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(0, 0, 0)"


def test_reset_to_the_original_network(page: Any) -> None:
    choose(page, "p5")
    field(page, "w5").fill("0.9")
    press(page, "One cycle")
    press(page, "Reset to the original network")
    assert drawn(page, "total") == "0.24908"
    assert field(page, "w5").input_value() == "0.5"
