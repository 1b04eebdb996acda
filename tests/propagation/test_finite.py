"""Numbers that are not finite are refused, with their place and the part that made them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import NotFinite
from clearprop.propagation.finite import require_finite_update

FILE = """
notation = "lecture"
[inputs]
names = ["i"]
[[layers]]
units = ["h"]
activation = "{activation}"
weights = [[{weight}]]
bias = false
[[layers]]
units = ["o", "p"]
weights = [[1], [1]]
bias = false
[loss]
name = "{loss}"
[optimizer]
learning_rate = {rate}
[[examples]]
inputs = [1]
targets = [1, 1]
[[examples]]
inputs = [-1]
targets = [1, 1]
"""


USUAL: dict[str, Any] = {"activation": "tanh", "weight": 1, "loss": "squared_error", "rate": 0.1}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"activation": "z + exp(-z)", "weight": 800},
            "output_h is inf; layer 1, example 2; exp(-sum_h) is not finite at sum_h = -800",
        ),
        (
            {"activation": "log(z)"},
            "output_h is nan; layer 1, example 2; log(sum_h) is not finite at sum_h = -1",
        ),
        (
            {"activation": "1 / (z + 1)"},
            "output_h is inf; layer 1, example 2; 1 / (sum_h + 1) is not finite at sum_h = -1",
        ),
        (
            {"loss": "t * sqrt(y)"},
            "E_1 is nan; example 2; sqrt(output_o) is not finite at output_o = -0.761594, target_1 = 1",
        ),
        (
            {"activation": "max(z, 0)", "loss": "-(t * log(y))"},
            "E_1 is inf; example 2; log(output_o) is not finite at output_o = 0, target_1 = 1",
        ),
        (
            {"activation": "abs(z)", "weight": 1e200},
            "E_1 is inf; example 2; (target_1 - output_o)**2 is not finite at output_o = 1e200, target_1 = 1",
        ),
        (
            {"activation": "sqrt(z + 1)"},
            "∂output_h/∂sum_h is inf; layer 1, unit h, example 2; "
            "1 / (2 * sqrt(sum_h + 1)) is not finite at sum_h = -1; "
            "try a formula that has a slope there, such as one with a small constant under its root or in its "
            "denominator",
        ),
        (
            {"activation": "z**3", "weight": 1e20, "rate": 1e300},
            "the new value of w1 is -inf, in layer 1, unit h; try a smaller learning rate, smaller weights, or "
            "clip_norm under [optimizer]",
        ),
    ],
)
def test_what_is_not_finite_is_named_with_its_place(given: dict[str, Any], message: str) -> None:
    problem = cp.read(FILE.format(**{**USUAL, **given}))
    with pytest.raises(NotFinite) as caught:
        cp.cycle(problem, 2)
    assert str(caught.value) == message
    assert caught.value.exit_code == 1


ONE = """
[inputs]
names = ["i"]
[[layers]]
units = ["o"]
activation = "{activation}"
weights = [[{weight}]]
[loss]
name = "{loss}"
[[examples]]
inputs = [{input}]
targets = [{target}]
"""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"activation": "exp(z)", "weight": 1, "loss": "squared_error", "input": 1000, "target": 0},
            "a_o is inf; layer 1, example 1; exp(z_o) is not finite at z_o = 1000",
        ),
        (
            {"activation": "1/(1+exp(-z))", "weight": 1, "loss": "-t * log(y)", "input": -1000, "target": 1},
            "L_1 is inf; example 1; log(a_o) is not finite at a_o = 0, t_1 = 1",
        ),
        (
            {"activation": "identity", "weight": 1e300, "loss": "squared_error", "input": 1e300, "target": 0},
            "z_o is inf; layer 1, example 1; weights or inputs are too large",
        ),
    ],
)
def test_what_is_not_finite_is_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(NotFinite) as error:
        cp.cycle(cp.read(ONE.format(**given)))
    assert str(error.value) == message


def test_a_penalty_that_is_too_large_for_a_number_is_refused() -> None:
    """Every error, gradient and new weight is finite, their sum with the penalty is not."""
    given = {"activation": "tanh", "weight": 1e308, "loss": "squared_error", "input": 0.1, "target": 0.5}
    with pytest.raises(NotFinite) as error:
        cp.cycle(cp.read(ONE.format(**given) + "[penalty]\nl2 = 0.01\n"))
    assert str(error.value) == (
        "L is inf: the errors and the penalty add up to more than the largest number; try smaller weights, or targets "
        "in a larger unit"
    )


def test_an_example_of_the_training_is_named_by_its_number_and_its_weight() -> None:
    network = cp.Network(1, [cp.Dense(1, "identity", bias=False)], "squared_error")
    parameters = cp.Parameters.of(network, [[[2.0]]])
    examples = cp.Examples(np.ones((3, 1)), np.zeros((3, 1)), np.array([1.0, 1.0, 1e308]), training=np.array([1, 2]))
    with pytest.raises(NotFinite) as caught:
        cp.cycle(cp.Problem(network, parameters, examples=examples), "all")
    assert str(caught.value) == (
        "L_1 is inf; example 3; squared_error is not finite at a_y1 = 2, t_1 = 0, weight = 1e308"
    )


@pytest.mark.parametrize(("name", "where"), [("w5", "layer 2, unit o1"), ("w8", "layer 2, unit o2"), ("b2", "layer 2")])
def test_a_parameter_that_is_not_finite_is_named_with_its_unit(name: str, where: str) -> None:
    done = cp.cycle(cp.load("lecture"))
    vector = done.gradients.of.vector.copy()
    vector[done.parameters.layout.find(name)] = np.inf
    gradients = done.gradients.of.with_vector(vector)
    with pytest.raises(NotFinite) as caught:
        require_finite_update(done.problem, done.trace, done.examples.targets, done.numbers, gradients, done.update)
    assert str(caught.value) == (
        f"the gradient of {name} is inf, in {where}; try a smaller learning rate, smaller weights, or clip_norm under "
        "[optimizer]"
    )


def test_an_infinite_error_names_its_output() -> None:
    network = cp.Network(1, [cp.Dense(("a", "b"), "identity")], "squared_error")
    examples = cp.Examples.of([[1.0]], [[0.0, 1e200]])
    problem = cp.Problem(network, cp.Parameters.of(network, [[[0.0], [0.0]]]), examples=examples)
    with pytest.raises(NotFinite) as caught:
        cp.cycle(problem)
    assert str(caught.value) == "L_2 is inf; example 1; (t_2 - a_b)**2 is not finite at a_b = 0, t_2 = 1e200"
