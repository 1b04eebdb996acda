"""Kinks are found where the slope of an expression jumps."""

from __future__ import annotations

import numpy as np
import pytest

from clearprop.expressions import parse
from clearprop.expressions.kinks import sides


@pytest.mark.parametrize("formula", ["max(z, 2)", "abs(z - 2)", "where(z > 2, z, 0)", "floor(z)", "floor(z / 2)"])
def test_a_kink_at_two_lies_between_points_around_it_only(formula: str) -> None:
    tree = parse(formula, {"z": "z"})
    before, near, after = (sides(tree, {"z": at}) for at in (1.2, 1.9, 2.1))
    assert np.array_equal(before, near)
    assert not np.array_equal(near, after)
