"""What is printed of examples that count differently, and of those that are learnt from."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import clearprop as cp


def heavy_lecture(weight: float = 2.5) -> cp.Problem:
    """The lecture's network, whose example counts two and a half times."""
    problem = cp.load("lecture")
    assert problem.examples is not None
    return replace(problem, examples=replace(problem.examples, weights=np.array([weight])))


def split_xor() -> cp.Problem:
    """Examples 2 and 4 are learnt from, and 4 counts three times."""
    problem = cp.load("xor")
    assert problem.examples is not None
    weights, training, validation = np.array([1.0, 0.5, 1.0, 3.0]), np.array([1, 3]), np.array([0, 2])
    examples = replace(problem.examples, weights=weights, training=training, validation=validation)
    return replace(problem, examples=examples)


def logistic(z: float) -> float:
    return 1 / (1 + math.exp(-z))


# The lecture's forward pass by hand.
H1, H2 = logistic(0.1 * 0.1 + 0.5 * 0.3 + 0.25), logistic(0.1 * 0.2 + 0.5 * 0.4 + 0.25)
O1, O2 = logistic(H1 * 0.5 + H2 * 0.6 + 0.35), logistic(H1 * 0.7 + H2 * 0.8 + 0.35)


def test_the_weight_and_the_numbers_by_hand() -> None:
    shown = re.sub(r"\n +(?=[=*+-] )", " ", cp.explain(cp.cycle(heavy_lecture())).text())
    first, second = 2.5 * 0.5 * (0.05 - O1) ** 2, 2.5 * 0.5 * (0.95 - O2) ** 2
    slope = 2.5 * (O1 - 0.05)
    gradient = slope * O1 * (1 - O1) * H1
    for line in (
        "weight = 2.5   (given, the weight of the example)",
        f"E_1 = weight * (1/2) * (target_1 - output_o1)² = 2.5 * (1/2) * (0.05 - {O1:.5f})² = {first:.5f}",
        f"E_2 = weight * (1/2) * (target_2 - output_o2)² = 2.5 * (1/2) * (0.95 - {O2:.5f})² = {second:.5f}",
        f"E_total = E_1 + E_2 = {first:.5f} + {second:.5f} = {first + second:.5f}",
        "∂E_total/∂output_o1 = 2 * weight * (1/2) * (target_1 - output_o1) * (-1)",
        f"= weight * (output_o1 - target_1) = 2.5 * ({O1:.5f} - 0.05) = {slope:.5f}",
        f"∂E_total/∂w5 = weight * (output_o1 - target_1) * (output_o1 * (1 - output_o1)) * output_h1 = {slope:.5f}",
        f"new_w5 = w5 - n * ∂E_total/∂w5 = 0.5 - 0.6 * {gradient:.5f} = {0.5 - 0.6 * gradient:.5f}",
        f"Check: the central difference of E_total gives {gradient:.5f}, relative error",
    ):
        assert line in shown
    assert re.search(
        r"weight of an example +multiplies its error; the mean divides by the number of\n +examples\n", shown
    )


def test_without_weights_there_is_no_word_of_them() -> None:
    shown = cp.explain(cp.cycle(cp.load("lecture"))).text()
    assert "weight of an example" not in shown
    assert "weight =" not in shown
    assert "weight *" not in shown


def test_the_weight_in_latex_markdown_and_both_notations() -> None:
    done = cp.cycle(heavy_lecture())
    slope = r"\mathrm{weight} \cdot (\mathrm{output}_{o1} - \mathrm{target}_{1})"
    error = r"\mathrm{weight} \cdot \frac{1}{2} \cdot (\mathrm{target}_{1} - \mathrm{output}_{o1})^{2}"
    for shown in (cp.explain(done, "w5", "E_1").latex(), cp.explain(done, "w5", "E_1").markdown()):
        assert slope in shown
        assert error in shown
    assert "L_1 = weight · (1/2) · (t_1 - a_o1)²" in cp.explain(done, "E_1", notation="standard").text()


def test_the_weight_in_json() -> None:
    found = json.loads(cp.explain(cp.cycle(heavy_lecture())).json())
    assert found["values"]["weight"] == 2.5
    assert found["values"]["E_1"] == pytest.approx(2.5 * 0.5 * (0.05 - O1) ** 2, rel=1e-12)
    first = found["derivations"]["w5"]["terms"][0]["factors"][0]
    assert first["expression"] == "weight * (output_o1 - target_1)"
    assert first["value"] == pytest.approx(2.5 * (O1 - 0.05), rel=1e-12)
    plain = json.loads(cp.explain(cp.cycle(cp.load("lecture"))).json())
    for name, derivation in found["derivations"].items():
        products = [term["product"] for term in derivation["terms"]]
        assert products == [
            pytest.approx(math.prod(factor["value"] for factor in term["factors"]), rel=1e-14)
            for term in derivation["terms"]
        ]
        assert sum(products) == pytest.approx(derivation["gradient"], rel=1e-12)
        assert derivation["gradient"] == pytest.approx(2.5 * plain["derivations"][name]["gradient"], rel=1e-12)


def test_largest_paths_of_a_weighted_example_add_up() -> None:
    shown = cp.explain(cp.cycle(heavy_lecture()), "w1", paths=9)
    paths = [path.contribution for _, paths in shown.paths for path in paths]
    assert sum(paths) == pytest.approx(shown.cycle.gradients["w1"], rel=1e-12)


# --- a batch of those that are learnt from --------------------------------------------------------------


def test_a_batch_shows_each_example_by_its_number_with_its_weight() -> None:
    done = cp.cycle(split_xor(), "all")
    shown = cp.explain(done).text()
    assert shown.startswith("xor: one cycle on all training examples as one batch\n")
    assert "the mean over the 2 examples\n" in shown
    tables = re.findall(r"^example .*\n((?: +\d+ .*\n)+)", shown, re.MULTILINE)
    assert len(tables) == 4
    assert {tuple(re.findall(r"^ +(\d+) ", table, re.MULTILINE)) for table in tables} == {("2", "4")}
    # The first of them has its chain in symbols, although it is not example 1.
    assert re.search(r"∂L/∂w7, example 2, weight 0\.5 = δ_either · ∂z_either/∂w7\n", shown)
    assert "∂L/∂w7, example 4, weight 3 = " in shown
    assert "example 1" not in shown


def test_the_error_of_a_batch_by_hand() -> None:
    problem = split_xor()
    assert problem.examples is not None
    done = cp.cycle(problem, "all")
    plain = replace(problem, examples=replace(problem.examples, weights=None))
    second, fourth = (cp.cycle(plain, number).error for number in (2, 4))
    shown = cp.explain(done, "L_1").text()
    assert f"L_1 = (0.5 · {second:.5f} + 3 · {fourth:.5f}) / 2" in shown
    assert f"= {(0.5 * second + 3 * fourth) / 2:.5f}" in shown
    assert "(mean over the examples, each error times its example's weight)" in shown


@pytest.mark.parametrize("over_examples", ["sum", "mean"])
def test_a_batch_in_json_has_the_numbers_and_adds_up(over_examples: Any) -> None:
    problem = split_xor()
    loss = replace(problem.network.loss, over_examples=over_examples)
    problem = replace(problem, network=replace(problem.network, loss=loss))
    found = json.loads(cp.explain(cp.cycle(problem, "all")).json())
    assert [(each["example"], each["values"]["weight"]) for each in found["examples"]] == [(2, 0.5), (4, 3.0)]
    own = [each["values"]["L_1"] for each in found["examples"]]
    assert found["values"]["L_1"] == pytest.approx(sum(own) / (2 if over_examples == "mean" else 1), rel=1e-12)
    for derivation in found["derivations"].values():
        assert [term["example"] for term in derivation["terms"]] == [2, 4]
        assert sum(term["product"] for term in derivation["terms"]) == pytest.approx(
            derivation["gradient"], rel=1e-12, abs=1e-15
        )


def test_without_a_split_the_examples_are_counted_from_1() -> None:
    found = json.loads(cp.explain(cp.cycle(cp.load("xor"), "all")).json())
    assert [each["example"] for each in found["examples"]] == [1, 2, 3, 4]
    assert "weight" not in found["examples"][0]["values"]
