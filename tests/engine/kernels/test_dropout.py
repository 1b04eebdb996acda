"""Dropout in native code, against the masks of the reference."""

from __future__ import annotations

import numpy as np
from tests.engine.support.kinds import Kind, compiled, kinds, out_of

import clearprop as cp
from clearprop.engine import calling
from clearprop.engine.kernels.dropout import drop
from clearprop.engine.panels import Panels
from clearprop.propagation.dropout import key, mask, uniform


@kinds
def test_dropout_is_the_mask_to_the_last_bit(kind: Kind) -> None:
    """In both places; the last example once more beyond the last."""
    run = compiled(kind, drop)
    seed, step, layer, units = 2**40 + 17, 12_345, 1, 2 * kind.lanes + 3
    order = np.array([0, 5, 2**40, 7, 1, 99_999])
    # A unit is kept if its number is the share itself.
    exact = float(uniform(seed, step, layer, units, order)[2, 1])
    for share in (exact, np.nextafter(exact, 1), 0.5, 0.1, 1e-9, 0.999_999, 1 / 3):
        network = cp.Network(1, [cp.Dense(units, "tanh"), cp.Dense(units, "tanh", dropout=float(share))])
        panels = Panels(kind.panel.numbers, kind.panel.vectors, network)
        row = dict(zip(calling.WORDS, calling.layer_table(panels, (network.layers[0].rule,))[2], strict=True))
        kept = float(np.int64(row["kept"]).view(np.float64))
        a, d = kind.normal(panels.count(2), 8, panels.width), kind.normal(panels.count(2), 8, panels.width) + 1
        before = a.copy(), d.copy()
        bits = int(np.asarray(key(seed, step, layer)).view(np.int64))
        given = calling.hashes(panels), int(row["least"]), kept
        run(bits, *given, order, 6, 0, 7, a, d, 8 * panels.row, units)
        expected = mask(float(share), seed, step, layer, units, order[[0, 1, 2, 3, 4, 5, 5]]).astype(kind.dtype)
        for found, old in zip((a, d), before, strict=True):
            assert np.array_equal(out_of(found, units)[:7], out_of(old, units)[:7] * expected)
            assert np.array_equal(found[:, 7], old[:, 7])
