"""Errors of examples and the signals that go back, against each other and against exact values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.engine.support.kinds import Kind, compiled, kinds, out_of

import clearprop as cp
from clearprop.engine.kernels.errors import Output
from clearprop.types import Array

EXAMPLES, UNITS = 3, 5
FUSED = [("binary_cross_entropy", "logistic"), ("categorical_cross_entropy", "softmax")]
DOUBLE = Kind("float64", 4)


def networks_output(loss: str, activation: str) -> dict[str, Any]:
    """The loss of a network, and that of its last layer's sums where they are one function."""
    network = cp.Network(1, [cp.Dense(UNITS, activation)], loss)
    return {"loss": network.loss.rule, "fused": network.fused}


class Run:
    """The kernels of one output layer, on values of shape (examples, units)."""

    def __init__(self, kind: Kind, weighted: bool = False, **rules: Any) -> None:
        def kernel(name: str) -> Callable[..., None]:
            return compiled(
                kind,
                lambda module, shape: getattr(Output(module, shape, sloped=True, weighted=weighted, **rules), name)(),
            )

        self.kind, self.panels = kind, kind.panels(1, UNITS)
        self.errors_of, self.signals_of = kernel("errors"), kernel("signals")

    def _given(self, a: Array, d: Array, order: Array, targets: Array, weights: Array) -> tuple[Any, ...]:
        count = len(order)
        return a, d, count * self.panels.row, UNITS, 0, count, count, order, targets, weights

    def errors(self, values: Array, order: Array, targets: Array, weights: Array, share: float = 1.0) -> Array:
        """The error of each example, shape (examples,)."""
        a, found = self.kind.in_panels(self.panels, 1, values), np.full(len(order), 777.0)
        self.errors_of(*self._given(a, a, order, targets, weights), share, found)
        return found

    def signals(
        self, values: Array, slopes: Array, order: Array, targets: Array, weights: Array, share: float = 1.0
    ) -> Array:
        """The signal of each unit, shape (examples, units)."""
        a, d = (self.kind.in_panels(self.panels, 1, each) for each in (values, slopes))
        noted = np.full(len(order), 777.0)
        self.signals_of(*self._given(a, d, order, targets, weights), 1.0, noted, share)
        # The errors are noted beside, with the same bits as by themselves.
        assert np.array_equal(noted, self.errors(values, order, targets, weights))
        return out_of(d, UNITS)


def values_of(kind: Kind) -> tuple[Array, Array, Array, Array]:
    """Sums, the order of the examples, targets that sum to 1, and how much each example counts."""
    targets = np.abs(kind.normal(4, UNITS)) + 0.1
    targets = np.ascontiguousarray(targets / targets.sum(axis=1, keepdims=True), kind.dtype)
    return kind.normal(EXAMPLES, UNITS), np.array([3, 0, 1]), targets, np.array([1.0, 5.0, 7.0, 0.5], kind.dtype)


@pytest.mark.parametrize(("loss", "activation"), [*FUSED, ("huber", "identity"), ("half_squared_error", "identity")])
@pytest.mark.parametrize("weighted", [False, True])
def test_signals_are_the_slopes_of_errors(loss: str, activation: str, weighted: bool) -> None:
    """By central differences; beside the units that there are, nothing is left."""
    run = Run(DOUBLE, weighted, **networks_output(loss, activation))
    sums, order, targets, weights = values_of(DOUBLE)
    found = run.signals(sums, np.ones_like(sums), order, targets, weights, 0.25)
    h = 1e-6
    for unit in range(UNITS):
        step = np.zeros_like(sums)
        step[:, unit] = h
        ahead, behind = (run.errors(sums + s * step, order, targets, weights, 0.25) for s in (1, -1))
        assert found[:, unit] == pytest.approx((ahead - behind) / (2 * h), rel=1e-7, abs=1e-9)


@kinds
def test_the_slope_of_the_activation_is_a_factor_where_they_are_two_functions(kind: Kind) -> None:
    """Half the square of 3 - 1 is 2, its slope by the output 1 - 3; times the slope ½ that is -1."""
    run = Run(kind, **networks_output("half_squared_error", "tanh"))
    order, weights = np.array([0]), np.ones(1, kind.dtype)
    one, three = np.ones((1, UNITS), kind.dtype), np.full((1, UNITS), 3, kind.dtype)
    assert run.errors(one, order, three, weights).tolist() == [2.0 * UNITS]
    assert run.signals(one, 0.5 * one, order, three, weights).tolist() == [[-1.0] * UNITS]


@kinds
@pytest.mark.parametrize(("loss", "activation"), FUSED)
def test_cross_entropies_of_large_sums_neither_overflow_nor_lose_the_error(
    kind: Kind, loss: str, activation: str
) -> None:
    """A sum of 1000 against a target of 0 costs log(1 + e^1000), which is 1000."""
    run = Run(kind, **networks_output(loss, activation))
    sums, targets = np.zeros((1, UNITS), kind.dtype), np.zeros((1, UNITS), kind.dtype)
    sums[0], targets[0] = -1000, 0
    sums[0, 0], sums[0, 1] = (1000, -1000) if activation == "logistic" else (1000, 0)
    targets[0, 1] = 0 if activation == "logistic" else 1
    found = run.errors(sums, np.array([0]), targets, np.ones(1, kind.dtype))
    assert found[0] == pytest.approx(1000, rel=kind.tolerance)
    signals = run.signals(sums, np.ones_like(sums), np.array([0]), targets, np.ones(1, kind.dtype))
    assert signals[0].tolist() == [1.0, 0.0 if activation == "logistic" else -1.0, 0.0, 0.0, 0.0]


def test_examples_count_by_their_weights() -> None:
    plain, weighted = (Run(DOUBLE, each, **networks_output("squared_error", "identity")) for each in (False, True))
    sums, order, targets, weights = values_of(DOUBLE)
    given = order, targets, weights
    assert weighted.errors(sums, *given) == pytest.approx(plain.errors(sums, *given) * [0.5, 1, 5], rel=1e-15)
    slopes = np.ones_like(sums)
    expected = plain.signals(sums, slopes, *given) * [[0.5], [1], [5]]
    assert np.array_equal(weighted.signals(sums, slopes, *given), expected)
