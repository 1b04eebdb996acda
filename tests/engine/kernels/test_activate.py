"""Activations and their slopes, against the rules in NumPy."""

from __future__ import annotations

import numpy as np
from tests.engine.support.kinds import Kind, compiled, kinds, widths

from clearprop.engine.kernels.activate import activate, times
from clearprop.rules.activations import ACTIVATIONS, Activation


@kinds
def test_what_fills_up_a_panel_becomes_zero(kind: Kind) -> None:
    """Though the logistic function of zero is not; and other examples, and vectors without a unit, are left alone."""
    rule = ACTIVATIONS["logistic"]
    assert isinstance(rule, Activation)
    slope = rule.slope.simplified
    run = compiled(kind, lambda module, shape: activate(module, shape, 0, rule.formula, slope))
    alone = compiled(kind, lambda module, shape: activate(module, shape, 0, rule.formula, None))
    multiply = compiled(kind, times)
    for units in widths(kind):
        used = -(-units // kind.lanes) * kind.lanes
        z, d, u = kind.normal(4, kind.panel.width), kind.blank(4, kind.panel.width), kind.normal(5, kind.panel.width)
        given, other = z.copy(), z.copy()
        run(z, d, 3, units)
        alone(other, kind.nothing(1), 3, units)
        assert np.array_equal(other, z)
        assert np.abs(z[:3, :units] - rule.outputs(given[:3, :units])).max() <= kind.tolerance
        assert np.abs(d[:3, :units] - rule.slopes(given[:3, :units])).max() <= kind.tolerance
        for found, old in ((z, given), (d, kind.blank(4, kind.panel.width))):
            assert not found[:3, units:used].any()
            assert np.array_equal(found[:3, used:], old[:3, used:])
            assert np.array_equal(found[3], old[3])
        before = d.copy()
        u[:, units:] = np.nan
        multiply(d, u, 3, units)
        assert np.array_equal(d[:3, :units], before[:3, :units] * u[:3, :units])
        assert not d[:3, units:used].any()
        assert np.array_equal(d[:3, used:], before[:3, used:])
        assert np.array_equal(d[3], before[3])
