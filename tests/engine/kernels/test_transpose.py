"""Squares of weights turned, against NumPy."""

from __future__ import annotations

import numpy as np
from tests.engine.support.kinds import Kind, compiled, kinds

from clearprop.engine.kernels.transpose import transpose


@kinds
def test_transpose(kind: Kind) -> None:
    run, width, lanes = compiled(kind, transpose), kind.panel.width, kind.lanes
    for inputs, units in [(lanes, lanes), (lanes, width), (width, lanes), (width, width)]:
        w, wt = kind.normal(width, width), kind.blank(width, width)
        run(w, wt, inputs, units)
        expected = kind.blank(width, width)
        expected[:units, :inputs] = w[:inputs, :units].T
        assert np.array_equal(wt, expected)
