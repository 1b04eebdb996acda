"""Rows of examples copied into panels and back, against NumPy."""

from __future__ import annotations

import numpy as np
from tests.engine.support.kinds import Kind, compiled, kinds, out_of

from clearprop.engine import machine
from clearprop.engine.kernels.gather import fetch, gather, scatter
from clearprop.engine.module import Module


@kinds
def test_gather_and_scatter(kind: Kind) -> None:
    """Rows of any width; beyond the last example that one is repeated; nothing else is written."""
    lanes, gathers, scatters = kind.lanes, compiled(kind, gather), compiled(kind, scatter)
    for size in sorted({1, lanes - 1, lanes, lanes + 1, 2 * lanes, 2 * lanes + 1, 4 * lanes, 5 * lanes - 1}):
        panels = kind.panels(size, size)
        x = kind.normal(9, size)
        order = np.array([4, 0, 8, 8, 3])
        rows = 8
        a = kind.blank(panels.count(0), rows, panels.width)
        gathers(x, order, 5, 1, 7, a, rows * panels.row, size)
        assert np.array_equal(out_of(a, size)[1:7], x[[0, 8, 8, 3, 3, 3]])
        assert (a[:, [0, 7]] == 777).all()
        vectors = panels.tail_vectors(0) * lanes
        assert (a[-1, 1:7, panels.tail(0) : vectors] == 0).all()
        assert (a[-1, :, vectors:] == 777).all()
        y = kind.blank(4, size)
        scatters(y, np.ascontiguousarray(a[:, 1:]), (rows - 1) * panels.row, 3, size)
        assert np.array_equal(y[:3], x[[0, 8, 8]])
        assert (y[3] == 777).all()


@kinds
def test_fetching_reads_positions_alone(kind: Kind) -> None:
    """Whatever stands where rows are expected, or nothing: what is brought nearer need not be there."""
    order = np.array([10**9, 0, 3, -(10**9)])
    x = kind.normal(4, 5)
    before = x.copy()
    compiled(kind, fetch)(x, order, 0, len(order), 5)
    assert np.array_equal(x, before)


@kinds
def test_all_lines_of_a_panel_s_row_are_fetched(kind: Kind) -> None:
    text = str(fetch(Module(kind.panel.numbers, machine.host().triple), kind.panel))
    assert text.count('call void @"llvm.prefetch') == -(-kind.panel.row // 64)
