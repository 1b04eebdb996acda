"""Products of activations and weights, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engine.support.kinds import Kind, compiled, kinds

from clearprop.engine.kernels.product import product


@kinds
@pytest.mark.parametrize("vectors", [1, 2])
@pytest.mark.parametrize("rows", [1, 6, 8])
def test_product(kind: Kind, rows: int, vectors: int) -> None:
    """C = start + A W: at every remainder of inputs, and beyond what is taken at a time.

    Inputs are summed up in whole steps, and what fills these up are zeros; what stands behind them is not
    looked at. Examples are whole tiles.
    """
    width, row, step = kind.panel.width, kind.panel.row, min(4, kind.lanes)
    run = compiled(kind, lambda module, shape: product(module, shape, rows, vectors))
    units = vectors * kind.lanes
    for inputs in [1, 2, 3, 4, 5, width - 1, width, width + 1, 2 * width + 7, 255, 256, 257, 300]:
        for examples in [rows, 3 * rows] if inputs < 256 else [2 * rows]:
            a, w, start = kind.normal(examples, inputs), kind.normal(inputs, width), kind.normal(width)
            wide = kind.in_panels(kind.panels(inputs), 0, a)
            filled = -(-inputs // step) * step
            weights = np.concatenate([w, np.zeros((filled - inputs, width), kind.dtype), kind.nothing(1, width)])
            left = inputs - (len(wide) - 1) * width
            wide[-1, :, -(-left // step) * step :] = np.nan
            c = kind.blank(examples + 1, width)
            run(wide, examples * row, inputs, weights, start, c, examples)
            expected = start + a.astype(float) @ w.astype(float)
            within = kind.tolerance * max(1, np.abs(expected).max())
            assert np.abs(c[:examples] - expected)[:, :units].max() <= within
            assert (c[examples] == 777).all()
            assert (c[:, units:] == 777).all()


@kinds
def test_a_product_has_the_same_bits_wherever_an_example_stands(kind: Kind) -> None:
    """In any tile of the batch, beside any others: threads share them as they like."""
    run = compiled(kind, lambda module, shape: product(module, shape, 6, 2))
    inputs, width, row = 300, kind.panel.width, kind.panel.row
    a, w, start = kind.normal(18, inputs), kind.normal(304, width), kind.normal(width)
    w[inputs:] = 0
    found = []
    for order in (np.arange(18), np.arange(18)[::-1]):
        c = kind.blank(18, width)
        run(kind.in_panels(kind.panels(inputs), 0, a[order]), 18 * row, inputs, w, start, c, 18)
        found.append(c[order])
    assert np.array_equal(found[0], found[1])
