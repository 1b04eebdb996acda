"""What the eye sees: nothing cut, nothing hidden that is told elsewhere, no sign with two meanings."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.explorer.conftest import Visit, resize, settle, wait
from tests.explorer.node import Node
from tests.explorer.steps import choose, field, press, state

import clearprop as cp
from clearprop.prediction.metrics import measured

STEPS = """(store) => [...Array(store.phases.length).keys()].map((k) => {
    if (k === 0) while (store.position > 0) store.backStep();
    store.forwardStep();
    return [...store.beside, store.selected].map((each) => store.names.text(each));
})"""


# --- in Node ------------------------------------------------------------------------------------


def test_what_is_explained_follows_the_steps(node: Node) -> None:
    shown = node.on_page(cp.load("lecture"), STEPS)
    assert shown == [
        ["sum_h1", "output_h1"],
        ["sum_h2", "output_h2"],
        ["sum_o1", "output_o1"],
        ["sum_o2", "output_o2"],
        ["E_total"],
        ["∂E_total/∂sum_o1", "w5"],
        ["∂E_total/∂sum_h1", "w1"],
        ["w1"],
    ]


def test_a_weight_that_was_chosen_is_explained_once_its_gradient_is_known(node: Node) -> None:
    chosen = STEPS.replace("if (k === 0)", "if (k === 0) store.select(clearprop.chosen('p7')); if (k === 0)")
    shown = node.on_page(cp.load("lecture"), chosen)
    assert [shown[5], shown[6], shown[7]] == [["∂E_total/∂sum_o2", "w7"], ["∂E_total/∂sum_h1", "w1"], ["w7"]]


def test_nothing_is_explained_that_the_cycle_has_not_come_to(node: Node) -> None:
    script = """(store) => {
        const places = ["z0.0", "a1.1", "e0", "total", "d(total)/d(z1.0)", "p5", "p0", "a-1.0", "t1"];
        const known = [];
        for (let k = 0; k <= store.phases.length; k++) {
            store.position = k;
            known.push(places.filter((id) => store.isKnown(clearprop.chosen(id))).length);
        }
        return known;
    }"""
    # Inputs and targets; a unit; the others; the error, where all stand; then what the backward pass has reached.
    assert node.on_page(cp.load("lecture"), script) == [2, 3, 3, 3, 4, 9, 8, 9, 9]


def test_softmax_is_one_step_as_its_outputs_need_all_sums(node: Node) -> None:
    script = "(store) => store.phases.map(({ kind, from, to }) => (kind === 'units' ? to - from : 0))"
    assert node.on_page(cp.load("iris"), script)[1:3] == [3, 0]


def test_a_loss_of_0_stands_below_all_others(node: Node) -> None:
    script = """(losses) => {
        const { height, low, high } = clearprop.scaleOf(losses);
        return [losses.map(height), low, high];
    }"""
    heights, low, high = node.evaluate(script, [1.09134, 0.5, 0.001, 0.0, 0.0])
    assert heights[0] == 1
    assert heights == sorted(heights, reverse=True)
    assert heights[2] > 0.1
    assert heights[3:] == [0, 0]
    assert (low, high) == ("0", "1.09")
    assert node.evaluate(script, [1.09134, 0.0]) == [[1, 0], "0", "1.09"]
    assert node.evaluate(script, [0.25]) == [[0], "0.250", ""]
    assert node.evaluate(script, [0.0, 0.0]) == [[0, 0], "0", ""]


def test_the_speed_of_playing(node: Node) -> None:
    script = "() => Object.values(clearprop.SPEEDS).map((pace) => [0, 1, 3].map((seconds) => pace(seconds)))"
    paces = node.evaluate(script)
    assert paces[:3] == [[1, 2, 4], [1, 11, 31], [1, 101, 301]]
    assert paces[3][0] == 1
    assert paces[4][0] == float("inf")


@pytest.mark.parametrize("net", ["xor", "iris", "ring"])
def test_accuracy_is_that_of_python(node: Node, net: str) -> None:
    problem = cp.load(net)
    right = node.on_page(problem, "(store) => store.right")
    assert problem.examples is not None
    rows = problem.examples.learnt
    accuracy = measured(problem, problem.parameters, rows).accuracy
    assert accuracy is not None
    assert right / len(rows) == pytest.approx(accuracy)
    assert node.on_page(cp.load("lecture"), "(store) => store.right") is None


def test_no_colour_means_two_things() -> None:
    """The surface and its classes have colours of their own, apart from those of weights."""
    source = Path(__file__).parents[2] / "src" / "clearprop" / "explorer" / "source"
    surface, style = ((source / name).read_text(encoding="utf-8") for name in ("surface.ts", "style.css"))
    of_weights = re.findall(r"--(?:positive|negative|accent): #(\w\w)(\w\w)(\w\w)", style)
    assert len(of_weights) >= 6
    weights = [tuple(int(part, 16) for part in colour) for colour in of_weights]
    colours = [tuple(map(int, found)) for found in re.findall(r"\[(\d+), (\d+), (\d+)\]", surface)]
    assert len(colours) >= 8
    for colour in colours:
        assert min(np.linalg.norm(np.subtract(colour, weight)) for weight in weights) > 60, colour


# --- in the browser -----------------------------------------------------------------------------


def test_the_panel_shows_no_number_that_the_diagram_hides(visit: Visit) -> None:
    page = visit.open("lecture", "#at=1&notation=lecture")
    choose(page, "p0")
    assert page.locator(".cp-equations").inner_text() == "This cycle has not computed it yet; press Step."
    press(page, "Step")
    assert page.locator(".cp-what").inner_text() == "output_h2"
    assert "0.61538" in page.locator(".cp-equations").inner_text()
    for _ in range(5):
        press(page, "Step")
    assert "new" not in page.locator(".cp-equations").inner_text()
    press(page, "Step")
    assert "new" in page.locator(".cp-equations").inner_text()
    assert page.locator(".cp-what").inner_text() == "w1"


def test_what_was_said_of_other_cycles_goes(visit: Visit) -> None:
    page = visit.open("xor", "#batch=1")
    said = "document.querySelector('.cp-status').textContent"
    press(page, "Play")
    wait(page, f"{said}.includes('onverged')")
    page.locator("summary", has_text="Your own data").click()
    press(page, "Original examples")
    assert page.evaluate(said) == "These are the original examples again."
    field(page, "w1").fill("abc")
    assert "abc" in page.locator(".cp-panel .cp-message").inner_text()
    press(page, "Reset to the original network")
    assert page.locator(".cp-panel .cp-message").inner_text() == ""
    assert field(page, "w1").input_value() == str(cp.load("xor").parameters.vector[0])
    assert page.evaluate(said) == "This is the original network again."


def test_playing_leaves_the_choice_of_examples_alone(visit: Visit) -> None:
    page = visit.open("xor", "#example=3")
    # In one turn of the page: a training of one example may end before a second press.
    play = """() => {
        const press = () => document.querySelector(".cp-primary").click();
        press();
        const said = document.querySelector(".cp-status").textContent;
        press();
        return said;
    }"""
    said = "Training on example 3 alone; tick “train on all examples at once” for all 4 examples."
    assert page.evaluate(play) == said
    assert state(page, "setup.isBatch") is False
    assert "Accuracy" in page.locator(".cp-figures").first.inner_text()


def test_play_and_pause_pressed_quickly_leave_one_player(visit: Visit) -> None:
    """Each frame asks for the next: two that wait at once would make two cycles where one is meant."""
    page = visit.open("xor")
    waiting = page.evaluate("""() => {
        const waiting = new Set(), [ask, cancel] = [requestAnimationFrame, cancelAnimationFrame];
        window.requestAnimationFrame = (act) => {
            const id = ask((now) => (waiting.delete(id), act(now)));
            waiting.add(id);
            return id;
        };
        window.cancelAnimationFrame = (id) => (waiting.delete(id), cancel(id));
        const press = () => [...document.querySelectorAll(".cp-transport button")][4].click();
        for (let k = 0; k < 7; k++) press();
        const found = waiting.size;
        press();
        return [found, waiting.size];
    }""")
    assert waiting == [1, 0]


def test_the_original_network_stands_still(visit: Visit) -> None:
    page = visit.open("xor")
    press(page, "Play")
    press(page, "Reset to the original network")
    assert page.get_by_role("button", name="Play", exact=True).is_visible()
    assert state(page, "step") == 1


def test_a_limit_that_is_reached_is_no_alarm(visit: Visit) -> None:
    page = visit.open(with_epochs(3))
    press(page, "Play")
    wait(page, "document.querySelector('.cp-status').textContent.includes('limit')")
    assert page.locator(".cp-bad").count() == 0


def with_epochs(epochs: int) -> cp.Problem:
    from dataclasses import replace

    problem = cp.load("lecture")
    return replace(problem, settings=replace(problem.settings, epochs=epochs))


def test_names_of_units_are_clicked_too(visit: Visit) -> None:
    page = visit.open("lecture")
    for name, chosen in (("h2", "output_h2"), ("i1", "i1"), ("E_1", "E_1")):
        page.locator(".cp-name", has_text=re.compile(f"^({name}){{1,2}}$")).click()
        assert page.locator(".cp-what").inner_text() == chosen


def test_a_page_is_headed_by_the_name_of_its_file(visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "exam.toml"
    path.write_text("[inputs]\ncount = 1\n[[layers]]\nunits = 1\n[[examples]]\ninputs = [1]\ntargets = [1]\n")
    page = visit.open(cp.load(path))
    assert page.locator("h1").inner_text() == "clearprop exam.toml"
    assert page.title() == "exam.toml – clearprop"
    assert str(tmp_path) not in page.content()


def test_the_legend_says_what_lines_and_colours_mean(visits: Any) -> None:
    page = visits(color_scheme="dark").open("ring")
    legend = page.locator(".cp-zoom .cp-key")
    assert legend.locator("span:visible").all_inner_texts()[:3] == ["positive weight", "negative", "thicker: larger"]
    assert "error signal, ∂L/∂z" in legend.inner_text()
    classes = page.locator(".cp-card .cp-key").inner_text().split()
    assert classes == list(cp.load("ring").network.unit_names[-1])


def test_on_a_phone_the_outputs_are_seen_and_the_controls_are_few(visits: Any) -> None:
    visit = visits(viewport={"width": 390, "height": 844})
    for net in ("lecture", "iris", "xor"):
        page = visit.open(net)
        settle(page)
        frame = page.locator(".cp-scroller").bounding_box()
        assert frame["y"] < 844 * 0.35, net
        box = page.locator('[data-select="total"]').bounding_box()
        assert box["x"] + box["width"] < frame["x"] + frame["width"], net
        assert smallest(page) >= 10, net


def test_on_a_desk_all_text_of_the_diagram_has_12_pixels(visits: Any) -> None:
    visit = visits(viewport={"width": 1400, "height": 900})
    for net in ("lecture", "xor", "iris", "deep", "ring"):
        page = visit.open(net)
        settle(page)
        assert smallest(page) >= 11.99, net
        # Nothing is cut: all of it is as wide as its frame.
        assert page.evaluate("(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)"
                             "(document.querySelector('.cp-scroller'))"), net  # fmt: skip


def smallest(page: Any) -> float:
    """The size of the smallest text of the diagram, in pixels."""
    return float(
        page.evaluate("""() => {
            const picture = document.querySelector(".cp-picture");
            const scale = picture.getBoundingClientRect().width / picture.viewBox.baseVal.width;
            const sizes = [...picture.querySelectorAll("text")].map((e) => parseFloat(getComputedStyle(e).fontSize));
            return Math.min(...sizes) * scale;
        }""")
    )


def test_a_deep_network_is_fitted_into_its_frame(visit: Visit) -> None:
    layers = [cp.Dense(4, "tanh") for _ in range(9)]
    network = cp.Network(3, [*layers, cp.Dense(2, "softmax")])
    page = visit.open(cp.Problem(network, examples=cp.Examples.of([[0.1, 0.2, 0.3]], [[1.0, 0.0]])))
    cut = "(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)(document.querySelector('.cp-scroller'))"
    settle(page)
    assert page.evaluate(cut) is True
    press(page, "Fit")
    assert page.evaluate(cut) is False
    press(page, "Zoom in")
    assert page.evaluate(cut) is True


def test_long_derivations_stay_within_the_panel(visit: Visit) -> None:
    """A term that is too long for a line is broken, its parentheses too."""
    mish = "z * tanh(softplus(z))"
    network = cp.Network(2, [cp.Dense(2, mish), cp.Dense(1)])
    page = visit.open(cp.Problem(network, examples=cp.Examples.of([[0.5, 0.25]], [[1.0]])))
    over = """[...document.querySelectorAll(".cp-equations *")].filter((e) => e.getBoundingClientRect().right
        > document.querySelector(".cp-equations").getBoundingClientRect().right + 1).map((e) => e.textContent)"""
    found = []
    for width in (1400, 390):
        resize(page, width, 900)
        found.append(page.evaluate(over))
    resize(page, 1400, 900)
    assert found == [[], []]
    shown = page.locator(".cp-equations").text_content()
    assert shown.count("(") == shown.count(")")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_diagram_as_a_file_is_drawn_by_every_program(visits: Any, tmp_path: Path, scheme: str) -> None:
    page = visits(color_scheme=scheme).open("xor", "#at=9")
    content = page.evaluate("clearprop.app.file('svg')")
    root = ElementTree.fromstring(content)
    assert "var(" not in content
    assert not [e for e in root.iter() if {"class", "style"} & set(e.keys())]
    assert not [e for e in root.iter() if e.tag.endswith("style")]
    for element in root.iter():
        kind = element.tag.rpartition("}")[2]
        if kind in ("text", "rect", "path"):
            assert "fill" in element.keys(), kind  # noqa: SIM118
        if kind == "path":
            assert element.get("stroke") not in (None, "none")
    program = shutil.which("rsvg-convert")
    if program is None or scheme == "dark":
        return
    (tmp_path / "xor.svg").write_text(content, encoding="utf-8")
    done = subprocess.run([program, "--format=png", tmp_path / "xor.svg"], check=True, capture_output=True)
    assert done.stdout.startswith(b"\x89PNG")
    image = pytest.importorskip("PIL.Image", reason="needs Pillow")
    import io

    shown = np.asarray(image.open(io.BytesIO(done.stdout)).convert("RGB"), dtype=float)
    black = (shown.max(axis=2) < 90).mean()
    coloured = (np.ptp(shown, axis=2) > 60).mean()
    # Text is dark, lines are coloured, and nothing is a black box.
    assert 0.002 < black < 0.06
    assert coloured > 0.003


def test_a_long_left_side_leaves_room_for_the_right_one(visit: Visit) -> None:
    """Terms that are all 0 stand on the left, with the cause on the right."""
    page = visit.open("digits")
    for equation in page.locator(".cp-equation").all():
        assert equation.locator(".cp-sides").bounding_box()["width"] > 150


LONG_NAMES = """\
[inputs]
count = 2
[[layers]]
units = 2
activation = "tanh"
[[layers]]
units = ["{0}", "un{0}", "new"]
activation = "softmax"
[[examples]]
inputs = [1, 2]
targets = [0, 1, 0]
""".format("subscribers_who_cancelled_within_thirty_days_of_the_renewal_date_and_never_came_back_to_any_offer")


@pytest.mark.parametrize("width", [360, 1300])
def test_long_names_stand_in_several_lines(visits: Any, width: int) -> None:
    page = visits(viewport={"width": width, "height": 800}).open(cp.read(LONG_NAMES), "#of=z1.1")
    page.locator("summary").nth(0).click()
    assert page.locator(".cp-equations mtable.name").count() > 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(
        "(({scrollWidth, clientWidth}) => scrollWidth <= clientWidth)(document.querySelector('.cp-equations'))"
    )
    for colour in page.locator(".cp-key svg:has(.cp-swatch)").all():
        box = colour.bounding_box()
        assert box is not None
        assert box["width"] == 14


def test_names_have_the_same_lines_in_the_page(node: Node) -> None:
    from clearprop.rendering.symbols import in_lines

    names = [
        "short",
        "x" * 100,
        "a_" * 40,
        *re.findall('"(\\w{40,})"', LONG_NAMES),
        "größe der Wohnfläche in Quadratmetern",
        "重み" * 30,
    ]
    assert node.evaluate("(names) => names.map(clearprop.inLines)", names) == [in_lines(name) for name in names]
