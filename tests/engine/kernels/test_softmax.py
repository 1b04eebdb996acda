"""Softmax and its Jacobian, against NumPy in double precision."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engine.support.kinds import Kind, compiled, kinds, out_of

from clearprop.engine.kernels.softmax import pull_back, softmax
from clearprop.rules.activations import Softmax


@kinds
@pytest.mark.parametrize("training", [True, False])
def test_softmax_of_large_sums(kind: Kind, training: bool) -> None:
    """No overflow, no 0/0; the rows that are not asked for stay."""
    run = compiled(kind, lambda module, shape: softmax(module, shape, training=training))
    for units in (1, kind.lanes - 1, 2 * kind.lanes + 1, 5 * kind.lanes):
        panels = kind.panels(1, units)
        sums = kind.normal(8, units)
        sums[1] *= 1e4
        sums[2] += 3e38 if kind.dtype == "float32" else 1e308
        sums[3] = -3e38 if kind.dtype == "float32" else -1.7e308
        sums[4, -1] = 88
        sums[5] = -np.abs(sums[5]) * 1e3
        z = kind.in_panels(panels, 1, sums)
        before, d = z.copy(), np.zeros_like(z)
        run(z, d, 8 * panels.row, units, 1, 7)
        found, expected = out_of(z, units), Softmax().outputs(sums.astype(float))
        assert np.array_equal(z[:, [0, 7]], before[:, [0, 7]])
        assert np.abs(found[1:7] - expected[1:7]).max() <= kind.tolerance
        assert np.abs(found[1:7].sum(axis=1) - 1).max() <= kind.tolerance
        assert not z[-1, 1:7, panels.tail(1) :].any()
        assert np.array_equal(d[:, 1:7], z[:, 1:7] if training else 0 * z[:, 1:7])


@kinds
def test_through_the_jacobian_of_softmax(kind: Kind) -> None:
    """∂E/∂z = y (u - Σ y u), whatever stands in u where there is no unit."""
    run = compiled(kind, pull_back)
    for units in (1, kind.lanes - 1, 2 * kind.lanes + 1, 5 * kind.lanes):
        panels, outputs, u = kind.panels(1, units), np.abs(kind.normal(8, units)), kind.normal(8, units) + 1
        d, given = kind.in_panels(panels, 1, outputs), kind.in_panels(panels, 1, u)
        given[-1, :, panels.tail(1) :] = 3
        run(d, given, 8 * panels.row, units, 1, 7)
        y, wide = outputs.astype(float), u.astype(float)
        expected = y * (wide - (y * wide).sum(axis=1, keepdims=True))
        assert np.abs(out_of(d, units)[1:7] - expected[1:7]).max() <= kind.tolerance * np.abs(expected).max()
        assert np.array_equal(out_of(d, units)[[0, 7]], outputs[[0, 7]])
        assert not d[-1, :, panels.tail(1) :].any()
