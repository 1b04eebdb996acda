"""Updates by themselves, against what the optimizers' rules give in NumPy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.engine.support.kinds import Kind, compiled, kinds, widths
from tests.engine.support.networks import MOVING

import clearprop as cp
from clearprop.engine.kernels.update import Rule, finish, shared_bias, update
from clearprop.expressions import evaluate
from clearprop.rules.optimizers import optimizer
from clearprop.rules.roles import Role

WITHOUT_EPS = (("adagrad", {"eps": 0.0}), ("rmsprop", {"eps": 0.0}), ("adam", {"eps": 0.0}), ("adamw", {"eps": 0.0}))


@pytest.mark.parametrize("kind", [Kind("float32", 8), Kind("float64", 2)], ids=str)
@pytest.mark.parametrize(("name", "options"), [*MOVING, *WITHOUT_EPS])
@pytest.mark.parametrize("penalty", [None, cp.Penalty(0.01, 0.002)], ids=["plain", "penalized"])
def test_updates(kind: Kind, name: str, options: dict[str, Any], penalty: cp.Penalty | None) -> None:
    """As the reference, for the units that there are; what fills up the panel is zero, before and after; what
    stands in other rows and vectors is left alone."""
    chosen = replace(optimizer(name, learning_rate=0.01, **options), clip_value=0.9)
    rule, shape = Rule.of(chosen), kind.panel
    run = compiled(kind, lambda module, shape: update(module, shape, chosen, penalty, rule))
    names = list(chosen.state)
    parts = rule.at(np.array([3]), np.array([0.01]))[0].astype(kind.dtype)
    for units in widths(kind):
        used, rows, size = -(-units // kind.lanes) * kind.lanes, 4, 5 * shape.width
        # The weights, and behind them what is remembered: a row of each is not to be touched.
        given = np.abs(kind.normal(1 + len(names), 5, shape.width)) + 0.1
        given[1:2] += 9  # the first that is remembered may be a mean square, which is no less than a mean's
        given[:, :rows, units:used] = 0
        found, g = given.copy(), kind.normal(5, shape.width)
        g[:, units:] = 0
        run(found, g, rows, units, size * shape.numbers.bytes, parts, 1.0)
        old, gradients = given[:, :rows, :units].astype(float), g[:rows, :units].astype(float)
        if penalty is not None:
            gradients = gradients + evaluate(penalty.slope.simplified, {Role.WEIGHT: old[0]})
        values: dict[Any, Any] = {Role.WEIGHT: old[0], Role.GRADIENT: np.clip(gradients, -0.9, 0.9), **chosen.constants}
        values |= {Role.RATE: 0.01, Role.STEP: 3.0}
        values |= dict(zip(names, old[1:], strict=True))
        for symbol, tree in chosen.assignments:
            values[symbol.key] = evaluate(tree, values)
        for place, what in enumerate([Role.WEIGHT, *names]):
            assert np.abs(found[place, :rows, :units] - values[what]).max() <= 10 * kind.tolerance, (units, what)
        assert not found[:, :rows, units:used].any()
        assert np.array_equal(found[:, :rows, used:], given[:, :rows, used:])
        assert np.array_equal(found[:, rows], given[:, rows])


@kinds
def test_the_norm_and_a_shared_bias(kind: Kind) -> None:
    """The squares of some rows, with what the penalty adds, in float64; and the sum of a row in all its places."""
    chosen, penalty, width = replace(cp.SGD(0.1), clip_norm=1.0), cp.Penalty(l2=0.5), kind.panel.width
    run = compiled(kind, lambda module, shape: finish(module, shape, chosen, penalty))
    w, g, squares = kind.normal(4, width), kind.normal(4, width) + 1, np.zeros(2)
    expected = g.astype(float) + 0.5 * w.astype(float)
    before = g.copy()
    run(w, g, 3, squares)
    assert np.abs(g[:3] - expected[:3]).max() <= kind.tolerance
    assert np.array_equal(g[3], before[3])
    assert squares[0] == pytest.approx((expected[:3] ** 2).sum(), rel=kind.tolerance)
    assert squares[1] == 0
    row = kind.normal(2, width)
    total, second = float(row[0].astype(float).sum()), row[1].copy()
    compiled(kind, lambda module, shape: shared_bias(module, shape, chosen))(row, squares)
    assert np.abs(row[0] - total).max() <= kind.tolerance * width
    assert np.array_equal(row[1], second)
    assert squares[0] == pytest.approx(total**2, rel=1e-4)
