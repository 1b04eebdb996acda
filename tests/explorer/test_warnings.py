"""Signs that training goes wrong: found in the page, in the words that Python states."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from tests.explorer.conftest import Visit, wait
from tests.explorer.node import Node
from tests.explorer.steps import press, state

import clearprop as cp
from clearprop.errors import NotFinite


def single(activation: str, weight: float, rate: float = 0.1, target: float = 0.0) -> cp.Problem:
    network = cp.Network(1, [cp.Dense(1, activation, bias=False), cp.Dense(1, "identity", bias=False)])
    parameters = cp.Parameters.of(network, [[[weight]], [[1.0]]])
    return cp.Problem(network, parameters, cp.SGD(rate), examples=cp.Examples.of([[1.0]], [[target]]))


def warnings(node: Node, problem: cp.Problem, cycles: int = 0) -> list[str]:
    """The warnings on the page of a problem, some cycles on."""
    script = "(store) => { for (let k = 0; k < " + str(cycles) + "; k++) store.advance(); "
    script += "return clearprop.warningsOf(store) }"
    return [each["words"] for each in node.on_page(problem, script)]


def test_only_what_is_wrong_is_red(visit: Visit) -> None:
    visit.open(single("relu", -2.0))
    colour = "([...document.querySelectorAll('.cp-warnings li')].map((li) => getComputedStyle(li).borderLeftColor))"
    assert visit.page.evaluate(colour) == ["rgb(214, 220, 227)"]
    visit.open(single("tanh", 9.0))
    assert visit.page.evaluate(colour) == ["rgb(163, 32, 20)"]


def test_a_unit_is_dead_for_all_examples_and_else_inactive_here(node: Node) -> None:
    problem = single("relu", -2.0)
    assert warnings(node, problem) == [
        "h1_1 is inactive here: at z_h1_1 = -2 the slope of relu is 0, so for this example no error flows back "
        "through it."
    ]
    together = "(store) => { store.edit({ isBatch: true }); return clearprop.warningsOf(store) }"
    several = replace(problem, examples=cp.Examples.of([[1.0], [2.0]], [[0.0], [0.0]]))
    assert [each["words"] for each in node.on_page(several, together)] == [
        "h1_1 is dead: the slope of relu is 0 for both examples, so no error flows back through it "
        "and the weights into it do not change."
    ]
    living = replace(problem, examples=cp.Examples.of([[1.0], [-2.0]], [[0.0], [0.0]]))
    assert node.on_page(living, together) == []


def test_a_saturated_unit(node: Node) -> None:
    assert warnings(node, single("logistic", 9.0)) == [
        "h1_1 is saturated: at z_h1_1 = 9 the slope of logistic is 0.00012, so hardly any error flows back through it."
    ]


def test_a_loss_that_explodes_and_an_update_that_overshoots(node: Node) -> None:
    problem = single("identity", 3.0, rate=1.5)
    (first,) = warnings(node, problem)
    assert re.fullmatch(
        r"The next update increases L from 4\.5 to .*: the learning rate of 1\.5 is too large here\.", first
    )
    (later,) = warnings(node, problem, cycles=1)
    assert re.fullmatch(
        r"L explodes: it was 4\.5 and is .* after 1 cycle\. "
        r"The learning rate of 1\.5 is too large; try a smaller one\.",
        later,
    )


def test_a_slope_that_is_not_finite_is_named_and_not_its_effects(node: Node) -> None:
    """The same words as explain: no smaller rate helps, and no weight is too large."""
    problem = single("sqrt(z)", 0.0)
    fault = (
        "∂a_h1_1/∂z_h1_1 is inf; layer 1, unit h1_1, example 1; 1 / (2 * sqrt(z_h1_1)) is not finite at z_h1_1 = 0; "
        "try a formula that has a slope there, such as one with a small constant under its root or in its denominator"
    )
    with pytest.raises(NotFinite) as caught:
        cp.cycle(problem)
    assert str(caught.value) == fault
    assert warnings(node, problem)[0] == fault
    assert node.on_page(problem, "(store) => [store.advance(), store.step]") == [fault, 1]


def test_nothing_is_wrong_with_the_lecture(node: Node) -> None:
    assert warnings(node, cp.load("lecture"), cycles=20) == []


def test_many_dead_units_are_counted(node: Node) -> None:
    network = cp.Network(1, [cp.Dense(9, "relu", bias=False), cp.Dense(1, "identity", bias=False)])
    parameters = cp.Parameters.of(network, [[[-1.0]] * 9, [[1.0] * 9]])
    problem = cp.Problem(network, parameters, examples=cp.Examples.of([[1.0]], [[0.0]]))
    assert warnings(node, problem)[4:] == ["… and 5 more units like these."]


# --- in the browser -----------------------------------------------------------------------------


def test_a_warning_leads_to_its_unit(visit: Visit) -> None:
    page = visit.open(single("logistic", 9.0))
    warning = page.locator(".cp-warnings").inner_text()
    assert "h1_1 is saturated: at z_h1_1 = 9 the slope of logistic is 0.00012" in warning
    page.locator(".cp-warnings button").click()
    assert page.locator(".cp-what").inner_text() == "z_h1_1"
    assert page.locator(".cp-warnings").inner_text() == warning
    assert not visit.open("lecture").locator(".cp-warnings").is_visible()


def test_playing_ends_where_a_number_is_not_finite(visit: Visit) -> None:
    page = visit.open(single("identity", 3.0, rate=1.5))
    press(page, "Play")
    wait(page, "document.querySelector('.cp-status').textContent.includes('Diverged')")
    said = page.locator(".cp-status").inner_text()
    assert re.search(r"Diverged after cycle \d+: .* is (-?inf|nan)", said)
    assert state(page, "current.fault") is None
