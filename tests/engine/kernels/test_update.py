"""Updates by themselves, against what the optimizers' rules give in NumPy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.engine.support.kinds import Kind, compiled, kinds, widths
from tests.engine.support.networks import MOVING

import clearprop as cp
from clearprop.engine.kernels.update import Rule, finish, penalties, shared_bias, shared_gradient, update
from clearprop.expressions import evaluate
from clearprop.rules.optimizers import optimizer
from clearprop.rules.roles import Role
from clearprop.types import Array

WITHOUT_EPS = (("adagrad", {"eps": 0.0}), ("rmsprop", {"eps": 0.0}), ("adam", {"eps": 0.0}), ("adamw", {"eps": 0.0}))


def numbers_of(kind: Kind, penalty: cp.Penalty | None) -> Array:
    """The numbers of a penalty as they are given to code."""
    return np.array([0.0, 0.0] if penalty is None else [penalty.l2, penalty.l1], kind.dtype)


@pytest.mark.parametrize("kind", [Kind("float32", 8), Kind("float64", 2)], ids=str)
@pytest.mark.parametrize(("name", "options"), [*MOVING, *WITHOUT_EPS])
@pytest.mark.parametrize(
    "penalty", [None, cp.Penalty(0.01, 0.002), cp.Penalty(0.1, 0.02, True)], ids=["plain", "penalized", "divided"]
)
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
        run(found, g, rows, units, size * shape.numbers.bytes, parts, 1.0, numbers_of(kind, penalty), 0.25)
        old, gradients = given[:, :rows, :units].astype(float), g[:rows, :units].astype(float)
        if penalty is not None:
            gradients = gradients + evaluate(penalty.over(4).slope.simplified, {Role.WEIGHT: old[0]})
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
def test_the_norm(kind: Kind) -> None:
    """The squares of some rows, with what the penalty adds, in float64: a sum for each unit, and each 16 rows (8 in
    float64) of a panel that has as many."""
    chosen, penalty, width = replace(cp.SGD(0.1), clip_norm=1.0), cp.Penalty(l2=0.5), kind.panel.width
    run = compiled(kind, lambda module, shape: finish(module, shape, chosen, penalty))
    together = min(width, 64 // kind.panel.numbers.bytes)
    rows = width - 1
    w, g, sums = kind.normal(width, width), kind.normal(width, width) + 1, np.full((4, width), 777.0)
    expected = g.astype(float) + 0.5 * w.astype(float)
    before = g.copy()
    run(w, g, rows, sums, 8 * width, numbers_of(kind, penalty), 1.0)
    assert np.abs(g[:rows] - expected[:rows]).max() <= kind.tolerance
    assert np.array_equal(g[rows], before[rows])
    squares = width // together
    for k in range(squares):
        part = expected[k * together : min((k + 1) * together, rows)]
        assert sums[k] == pytest.approx((part**2).sum(axis=0), rel=kind.tolerance)
    assert (sums[squares:] == 777).all()


@kinds
def test_penalties(kind: Kind) -> None:
    """Those of the weights of some rows, for each unit."""
    penalty, width = cp.Penalty(l2=0.5, l1=0.1), kind.panel.width
    run = compiled(kind, lambda module, shape: penalties(module, shape, penalty))
    w, sums = kind.normal(5, width), np.full((2, width), 777.0)
    run(w, 4, sums, 8 * width, numbers_of(kind, penalty))
    expected = 0.25 * w[:4].astype(float) ** 2 + 0.1 * np.abs(w[:4])
    assert sums[0] == pytest.approx(expected.sum(axis=0), rel=kind.tolerance)
    assert (sums[1] == 777).all()


@kinds
@pytest.mark.parametrize("going_on", [0, 1])
def test_a_shared_bias(kind: Kind, going_on: int) -> None:
    """Its gradient is the sum of the signals of all units, and what is there if it goes on; the whole of it in all
    places."""
    width, examples, chosen = kind.panel.width, 5, cp.SGD(0.1)
    units = 2 * width + kind.lanes + 1
    d, sums = kind.normal(examples, units), np.zeros(2)
    wide = kind.in_panels(kind.panels(units), 0, d)
    wide[-1, :, kind.lanes + 1 :] = 0.0
    row = kind.normal(2, width)
    lanes = min(kind.lanes, 32 // kind.panel.numbers.bytes)
    before, second = row[0, :lanes].astype(float).sum() if going_on else 0.0, row[1].copy()
    kernel = compiled(kind, shared_gradient)
    kernel(wide, wide[0].nbytes, units, examples, row, going_on)
    assert not row[0, lanes:].any()
    compiled(kind, lambda module, shape: shared_bias(module, shape, chosen))(row, sums)
    total = before + d.astype(float).sum()
    assert np.abs(row[0] - total).max() <= kind.tolerance * d.size
    assert np.array_equal(row[1], second)
    assert sums[0] == pytest.approx(float(row[0, 0]) ** 2, rel=1e-4)
    assert sums[1] == 0
