from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument
from clearprop.interop.scaling import in_own_unit, scaled_rows, scales, with_scaling, without_scaling
from clearprop.network.data import Column, Fitted
from clearprop.network.examples import Examples

COLUMNS = (Column("a", None, 3.0, 2.0), Column("c", ("red", "blue")), Column("b", None, -100.0, 50.0))
FITTED = Fitted(COLUMNS, ("p", "q"), None, (Column("p", None, 7.0, 5.0), Column("q", None, -1.0, 0.25)))


def problem(last: str = "identity", bias: bool = True) -> cp.Problem:
    network = cp.Network(4, [cp.Dense(3, "tanh", bias=bias), cp.Dense(2, last, bias=bias)])
    return cp.Problem(network, cp.Parameters.random(network, 1), fitted=FITTED)


@pytest.mark.parametrize("bias", [True, False])
def test_without_scaling_and_with_it_again(bias: bool) -> None:
    """Rows of the table, scaled by hand, and as they are."""
    given = problem(bias=bias)
    own = np.array([[3.0, 1, 0, -100], [7.0, 0, 1, 0]])
    scaled = np.array([[0.0, 1, 0, 0], [2.0, 0, 1, 2]])
    plain = replace(given, fitted=None)
    expected = cp.predict(plain, scaled) * [5.0, 0.25] + [7.0, -1.0]
    folded = without_scaling(given)
    assert not scales(folded.fitted)
    np.testing.assert_allclose(cp.predict(replace(folded, fitted=None), own), expected, rtol=1e-13)
    again = with_scaling(folded, FITTED)
    np.testing.assert_allclose(cp.predict(replace(again, fitted=None), scaled), cp.predict(plain, scaled), rtol=1e-13)


def test_rows_in_either_unit() -> None:
    scaled = Examples.of([[0.0, 1, 0, 2]], [[2.0, 4.0]])
    own = in_own_unit(scaled, FITTED)
    assert own.inputs.tolist() == [[3, 1, 0, 0]]
    assert own.targets.tolist() == [[17, 0]]
    back = scaled_rows(own, FITTED)
    np.testing.assert_allclose(back.inputs, scaled.inputs, atol=1e-15)
    np.testing.assert_allclose(back.targets, scaled.targets)


def test_outputs_that_no_layer_gives_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="its last activation is tanh, so no layer can give its outputs in"):
        without_scaling(problem("tanh"))
    alone = replace(problem("tanh"), fitted=replace(FITTED, standardized=()))
    assert not scales(without_scaling(alone).fitted)
    assert without_scaling(replace(alone, fitted=None)).fitted is None
