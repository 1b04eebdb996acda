"""Divergence: what is said, where it happened, and that the numbers kept are good."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

import clearprop as cp
from clearprop.training.stopping import Status

LINE = cp.Network(1, [cp.Dense(1, "identity", bias=False)], "squared_error")
REMEDY = "try a smaller learning rate, or clip_norm under [optimizer]"


def start(network: cp.Network, weight: float) -> cp.Problem:
    return cp.Problem(network, cp.Parameters.of(network, [[[weight]]]), cp.SGD(10.0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_first_step_whose_error_is_not_finite_is_named(dtype: Literal["float32", "float64"]) -> None:
    """w becomes w - 10 · 2 · (w - 5): by hand, when (5 - w)² no longer fits the precision."""
    real = np.dtype(dtype).type
    w, losses = real(1.0), [real(16.0)]
    with np.errstate(all="ignore"):
        while np.isfinite(losses[-1]):
            w = w - real(10.0) * (real(2.0) * (w - real(5.0)))
            losses.append((real(5.0) - w) ** 2)
    updates = len(losses) - 1
    fit = cp.train(start(LINE, 1.0), [[1.0]], [[5.0]], dtype=dtype)
    assert fit.status is Status.DIVERGED
    assert fit.reason.startswith(f"diverged in epoch {updates}, after its last step: L_1 is inf; example 1; ")
    assert fit.reason.endswith(REMEDY)
    assert fit.epochs == updates - 1
    assert fit.loss_after == fit.history.loss[-1] == pytest.approx(float(losses[-2]), rel=1e-4)
    assert abs(fit.predict([[1.0]]).item()) == pytest.approx(np.sqrt(float(losses[-2])), rel=1e-3)


def test_the_example_is_counted_in_the_whole_table() -> None:
    network = cp.Network(1, [cp.Dense(1, "log(z)", bias=False)], "squared_error")
    inputs = [[1.0], [2.0], [3.0], [-1.0], [4.0]]
    fit = cp.train(start(network, 1.0), inputs, [[0.0]] * 5, shuffle=False, batch_size=2)
    assert fit.reason == (
        "diverged before the first step: a_y1 is nan; layer 1, example 4; log(z_y1) is not finite at z_y1 = -1; "
        "try a formula that has a value there"
    )
    assert (fit.steps, fit.epochs, fit.problem.parameters.vector.tolist()) == (0, 0, [1.0])


def test_what_is_too_large_is_told_from_what_has_no_value() -> None:
    large = cp.train(start(cp.Network(1, [cp.Dense(1, "exp(z)", bias=False)]), 1.0), [[90.0]], [[1.0]])
    assert large.reason.endswith("; try inputs scaled to about -1 to 1, or smaller weights")
    pole = cp.train(start(cp.Network(1, [cp.Dense(1, "1 / z", bias=False)]), 1.0), [[0.0]], [[1.0]])
    assert pole.reason.endswith("; try a formula that has a value there")
    own = cp.Network(1, [cp.Dense(1, "logistic", bias=False)], "-t*log(y)-(1-t)*log(1-y)")
    assert cp.train(start(own, 1.0), [[1000.0]], [[0.0]]).reason.endswith(
        "; try inputs scaled to about -1 to 1, or smaller weights; or the loss binary_cross_entropy, which is computed "
        "from z_y1"
    )


def test_a_loss_without_a_value_is_told_from_an_output_at_its_end() -> None:
    def end(activation: str, loss: str, inputs: float, target: float) -> str:
        network = cp.Network(1, [cp.Dense(1, activation, bias="none")], loss)
        parameters = cp.Parameters.of(network, [[[1.0]]])
        examples = cp.Examples(np.array([[float(inputs)]]), np.array([[float(target)]]))
        return cp.train(cp.Problem(network, parameters, examples=examples)).reason

    assert end("identity", "abs(t - y) / y", 0, 0).endswith(
        "at a_y1 = 0, t_1 = 0; try a formula that has a value there"
    )
    assert end("identity", "(t - y * log(y))**2", -1, 0).endswith("; try a formula that has a value there")
    assert end("tanh", "-log(1 - y)", 90, 0).endswith("; try inputs scaled to about -1 to 1, or smaller weights")


def test_weights_too_large_for_float32_are_no_fault_of_the_learning_rate() -> None:
    fit = cp.train(start(cp.Network(1, [cp.Dense(1, "tanh", bias=False)]), 1e300), [[1.0]], [[1.0]])
    assert fit.reason.startswith("diverged before the first step: z_y1 is inf")


@pytest.mark.parametrize("target", [1e20, 1e300])
def test_the_advice_fits_targets_too_large_for_float32(target: float) -> None:
    fit = cp.train(start(cp.Network(1, [cp.Dense(1, bias=False)], "squared_error"), 1.0), [[1.0]], [[target]])
    assert fit.reason.startswith("diverged before the first step: L_1 is inf; example 1;")
    assert fit.reason.endswith("; try targets scaled to about -1 to 1")


def test_a_step_within_an_epoch_is_named() -> None:
    """log(w·x): the first step makes w negative, the second meets it."""
    network = cp.Network(1, [cp.Dense(1, "log(z)", bias=False)], "squared_error")
    fit = cp.train(start(network, 1.0), [[10.0], [1.0], [2.0]], [[0.0]] * 3, shuffle=False, batch_size=1)
    assert fit.reason.startswith("diverged in epoch 1, step 2: a_y1 is nan; layer 1, example ")
    assert fit.reason.endswith(REMEDY)
    assert fit.problem.parameters.vector.tolist() == [1.0]  # those before the epoch


def test_a_parameter_that_is_not_finite_is_named() -> None:
    fit = cp.train(start(LINE, 1.0), [[1.0]], [[5.0]], optimizer=cp.SGD(1e300))
    expected = "diverged in epoch 1, step 1: the new value of w1 is inf, in layer 1, unit y1; try a smaller"
    assert fit.reason.startswith(expected)
    assert (fit.problem.parameters.vector.tolist(), fit.loss_after) == ([1.0], 16.0)


def test_a_gradient_that_is_not_finite_is_named() -> None:
    network = cp.Network(1, [cp.Dense(1, "sqrt(z)", bias=False)], "squared_error")
    fit = cp.train(start(network, 0.0), [[1.0]], [[5.0]])
    assert fit.reason.startswith("diverged in epoch 1, step 1: ∂a_y1/∂z_y1 is inf; layer 1, unit y1, example 1; ")


def test_numbers_too_large_for_float32_are_said_to_be() -> None:
    fit = cp.train(start(LINE, 1.0), [[1e300]], [[5.0]])
    assert fit.reason.startswith("diverged before the first step: z_y1 is inf; layer 1, example 1")
