"""Gradients of weights and biases, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engine.support.kinds import Kind, compiled, kinds

from clearprop.engine.kernels.gradient import bias_gradient, gradient


@kinds
@pytest.mark.parametrize("vectors", [1, 2])
def test_gradient(kind: Kind, vectors: int) -> None:
    """G = Aᵀ δ over any number of examples, from the beginning or going on."""
    width, at_a_time, units = kind.panel.width, min(4, kind.lanes), vectors * kind.lanes
    run = compiled(kind, lambda module, shape: gradient(module, shape, at_a_time, vectors))
    for examples in [1, 2, 3, 7, 8, 9, 127, 128, 129, 137, 260]:
        for inputs in [1, at_a_time, width - 1, width] if examples < 10 else [width]:
            a, d = kind.normal(examples, width), kind.normal(examples, width)
            expected = a.T.astype(float) @ d.astype(float)
            whole = -(-inputs // at_a_time) * at_a_time
            for before in (0.0, 5.0):
                g = np.full((width + 1, width), before, kind.dtype)
                run(a, d, examples, g, inputs, int(before))
                within = kind.tolerance * examples
                assert np.abs(g - before)[:inputs, :units].max() > 0
                assert np.abs(g[:inputs] - before - expected[:inputs])[:, :units].max() <= within
                assert (g[whole:] == before).all()
                assert (g[:, units:] == before).all()


@kinds
def test_gradient_of_biases(kind: Kind) -> None:
    """G = Σ δ, from the beginning or going on."""
    width, run = kind.panel.width, compiled(kind, bias_gradient)
    for examples in [1, 2, 8, 129]:
        d = kind.normal(examples, width)
        for before in (0.0, 5.0):
            row = np.full((2, width), before, kind.dtype)
            run(d, examples, row, int(before))
            assert np.abs(row[0] - before - d.astype(float).sum(axis=0)).max() <= kind.tolerance * examples
            assert (row[1] == before).all()
