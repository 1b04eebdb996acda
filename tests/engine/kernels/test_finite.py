"""Infinite and undefined numbers are seen wherever a unit stands."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engine.support.kinds import Kind, compiled, kinds

from clearprop.engine.kernels.finite import require_finite


@kinds
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_is_seen_wherever_it_stands(kind: Kind, bad: float) -> None:
    """And nowhere else: neither behind the last example nor in what fills up the vectors."""
    for units in (1, kind.lanes + 1, 2 * kind.lanes, 4 * kind.lanes + 3):
        panels, examples = kind.panels(units), 3
        run = compiled(kind, require_finite)
        a = kind.in_panels(panels, 0, kind.normal(examples + 1, units))
        for row in range(examples + 1):
            for unit in (0, units // 2, units - 1):
                place, before = (unit // panels.width, row, unit % panels.width), np.array(a)
                a[place] = bad
                unfit = np.zeros(2, np.int64)
                run(a, (examples + 1) * panels.row, units, examples, unfit)
                assert unfit.tolist() == [int(row < examples), 0]
                a[:] = before
        a[:, :examples] = np.finfo(kind.dtype).max * (a[:, :examples] != 0)
        unfit = np.zeros(1, np.int64)
        run(a, (examples + 1) * panels.row, units, examples, unfit)
        assert not unfit.any()
