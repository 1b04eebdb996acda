"""sin, cos and floor against mpmath."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engine.support.accuracy import KINDS_OF_EACH, TREES, digits
from tests.engine.support.compiled import Kind, compiled


@KINDS_OF_EACH
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_digits(name: str, kind: Kind) -> None:
    digits(name, kind)


@KINDS_OF_EACH
def test_floor_is_exact(kind: Kind) -> None:
    at = np.array([-2.5, -2.0, -1e-30, -0.0, 0.0, 0.5, 2.0**23 - 0.5, 2.0**23 + 1, -(2.0**60), 1e30], kind.dtype)
    (found,) = compiled(kind, ["z"], [TREES["floor"]])(at)
    assert np.array_equal(found, np.floor(at))
    assert np.array_equal(np.signbit(found), np.signbit(np.floor(at)))


@KINDS_OF_EACH
def test_of_angles_too_large_sin_and_cos_are_still_between_minus_one_and_one(kind: Kind) -> None:
    at = np.array([2.0**30, -1e12, 1e30, -3e38], kind.dtype)
    for found in compiled(kind, ["z"], [TREES["sin"], TREES["cos"]])(at):
        assert np.all(np.abs(found) <= 1)
