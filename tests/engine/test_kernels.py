"""Kernels by themselves, on vectors of every width, against NumPy."""

from __future__ import annotations

import ctypes
import threading

import numpy as np
import pytest
from llvmlite import ir
from tests.engine.support.kinds import Kind, compiled, kinds, out_of, widths
from tests.engine.support.planted import planted

import clearprop as cp
from clearprop.engine import calling, machine
from clearprop.engine.block import Block
from clearprop.engine.kernels import barrier as barriers
from clearprop.engine.kernels.activate import activate, times
from clearprop.engine.kernels.dropout import drop
from clearprop.engine.kernels.finite import require_finite
from clearprop.engine.kernels.gather import gather, scatter
from clearprop.engine.kernels.gradient import bias_gradient, gradient
from clearprop.engine.kernels.product import product
from clearprop.engine.kernels.softmax import pull_back, softmax
from clearprop.engine.kernels.transpose import transpose
from clearprop.engine.machine import Code
from clearprop.engine.module import Module
from clearprop.engine.numbers import INDEX, POINTER, Numbers
from clearprop.engine.panels import Panels
from clearprop.propagation.dropout import key, mask, uniform
from clearprop.rules.activations import ACTIVATIONS, Activation, Softmax

# --- moving ---------------------------------------------------------------------------------------------


@kinds
def test_transpose(kind: Kind) -> None:
    run, width, lanes = compiled(kind, transpose), kind.panel.width, kind.lanes
    for inputs, units in [(lanes, lanes), (lanes, width), (width, lanes), (width, width)]:
        w, wt = kind.normal(width, width), kind.blank(width, width)
        run(w, wt, inputs, units)
        expected = kind.blank(width, width)
        expected[:units, :inputs] = w[:inputs, :units].T
        assert np.array_equal(wt, expected)


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


# --- sums -----------------------------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize("vectors", [1, 2])
@pytest.mark.parametrize("rows", [1, 6, 8])
def test_product(kind: Kind, rows: int, vectors: int) -> None:
    """C = start + A W: at every remainder of inputs, and beyond what is taken at a time.

    Inputs are summed up in whole steps, and what fills these up are zeros; what stands behind them is not
    looked at. Examples are whole tiles.
    """
    width, row, step = kind.panel.width, kind.panel.row, min(4, kind.lanes)
    run = compiled(kind, lambda module, shape: product(module, shape, rows, vectors))
    units = vectors * kind.lanes
    for inputs in [1, 2, 3, 4, 5, width - 1, width, width + 1, 2 * width + 7, 255, 256, 257, 300]:
        for examples in [rows, 3 * rows] if inputs < 256 else [2 * rows]:
            a, w, start = kind.normal(examples, inputs), kind.normal(inputs, width), kind.normal(width)
            wide = kind.in_panels(kind.panels(inputs), 0, a)
            filled = -(-inputs // step) * step
            weights = np.concatenate([w, np.zeros((filled - inputs, width), kind.dtype), kind.nothing(1, width)])
            left = inputs - (len(wide) - 1) * width
            wide[-1, :, -(-left // step) * step :] = np.nan
            c = kind.blank(examples + 1, width)
            run(wide, examples * row, inputs, weights, start, c, examples)
            expected = start + a.astype(float) @ w.astype(float)
            within = kind.tolerance * max(1, np.abs(expected).max())
            assert np.abs(c[:examples] - expected)[:, :units].max() <= within
            assert (c[examples] == 777).all()
            assert (c[:, units:] == 777).all()


@kinds
def test_a_product_has_the_same_bits_wherever_an_example_stands(kind: Kind) -> None:
    """In any tile of the batch, beside any others: threads share them as they like."""
    run = compiled(kind, lambda module, shape: product(module, shape, 6, 2))
    inputs, width, row = 300, kind.panel.width, kind.panel.row
    a, w, start = kind.normal(18, inputs), kind.normal(304, width), kind.normal(width)
    w[inputs:] = 0
    found = []
    for order in (np.arange(18), np.arange(18)[::-1]):
        c = kind.blank(18, width)
        run(kind.in_panels(kind.panels(inputs), 0, a[order]), 18 * row, inputs, w, start, c, 18)
        found.append(c[order])
    assert np.array_equal(found[0], found[1])


@kinds
@pytest.mark.parametrize("vectors", [1, 2])
def test_gradient(kind: Kind, vectors: int) -> None:
    """G = Aᵀ δ over any number of examples, from the beginning or going on."""
    width, at_a_time, units = kind.panel.width, min(4, kind.lanes), vectors * kind.lanes
    run = compiled(kind, lambda module, shape: gradient(module, shape, at_a_time, vectors))
    for examples in [1, 2, 3, 7, 8, 9, 127, 128, 129, 137, 260]:
        for inputs in [1, at_a_time, width - 1, width] if examples < 10 else [width]:
            a, d = kind.normal(examples, width), kind.normal(examples, width)
            expected = a.T.astype(float) @ d.astype(float)
            whole = -(-inputs // at_a_time) * at_a_time
            for before in (0.0, 5.0):
                g = np.full((width + 1, width), before, kind.dtype)
                run(a, d, examples, g, inputs, int(before))
                within = kind.tolerance * examples
                assert np.abs(g - before)[:inputs, :units].max() > 0
                assert np.abs(g[:inputs] - before - expected[:inputs])[:, :units].max() <= within
                assert (g[whole:] == before).all()
                assert (g[:, units:] == before).all()


@kinds
def test_gradient_of_biases(kind: Kind) -> None:
    """G = Σ δ, from the beginning or going on."""
    width, run = kind.panel.width, compiled(kind, bias_gradient)
    for examples in [1, 2, 8, 129]:
        d = kind.normal(examples, width)
        for before in (0.0, 5.0):
            row = np.full((2, width), before, kind.dtype)
            run(d, examples, row, int(before))
            assert np.abs(row[0] - before - d.astype(float).sum(axis=0)).max() <= kind.tolerance * examples
            assert (row[1] == before).all()


# --- activations ----------------------------------------------------------------------------------------


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


@kinds
@pytest.mark.parametrize("training", [True, False])
def test_softmax_of_large_sums(kind: Kind, training: bool) -> None:
    """No overflow, no 0/0; the rows that are not asked for stay."""
    run = compiled(kind, lambda module, shape: softmax(module, shape, training=training))
    for units in (1, kind.lanes - 1, 2 * kind.lanes + 1, 5 * kind.lanes):
        panels = kind.panels(1, units)
        sums = kind.normal(8, units)
        sums[1] *= 1e4
        sums[2] += 3e38 if kind.dtype == "float32" else 1e308
        sums[3] = -3e38 if kind.dtype == "float32" else -1.7e308
        sums[4, -1] = 88
        sums[5] = -np.abs(sums[5]) * 1e3
        z = kind.in_panels(panels, 1, sums)
        before, d = z.copy(), np.zeros_like(z)
        run(z, d, 8 * panels.row, units, 1, 7)
        found, expected = out_of(z, units), Softmax().outputs(sums.astype(float))
        assert np.array_equal(z[:, [0, 7]], before[:, [0, 7]])
        assert np.abs(found[1:7] - expected[1:7]).max() <= kind.tolerance
        assert np.abs(found[1:7].sum(axis=1) - 1).max() <= kind.tolerance
        assert not z[-1, 1:7, panels.tail(1) :].any()
        assert np.array_equal(d[:, 1:7], z[:, 1:7] if training else 0 * z[:, 1:7])


@kinds
def test_through_the_jacobian_of_softmax(kind: Kind) -> None:
    """∂E/∂z = y (u - Σ y u), whatever stands in u where there is no unit."""
    run = compiled(kind, pull_back)
    for units in (1, kind.lanes - 1, 2 * kind.lanes + 1, 5 * kind.lanes):
        panels, outputs, u = kind.panels(1, units), np.abs(kind.normal(8, units)), kind.normal(8, units) + 1
        d, given = kind.in_panels(panels, 1, outputs), kind.in_panels(panels, 1, u)
        given[-1, :, panels.tail(1) :] = 3
        run(d, given, 8 * panels.row, units, 1, 7)
        y, wide = outputs.astype(float), u.astype(float)
        expected = y * (wide - (y * wide).sum(axis=1, keepdims=True))
        assert np.abs(out_of(d, units)[1:7] - expected[1:7]).max() <= kind.tolerance * np.abs(expected).max()
        assert np.array_equal(out_of(d, units)[[0, 7]], outputs[[0, 7]])
        assert not d[-1, :, panels.tail(1) :].any()


# --- dropout --------------------------------------------------------------------------------------------


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


# --- the barrier ----------------------------------------------------------------------------------------


def behind(workers: int, rounds: int = 400) -> int:
    """How often a worker saw another one behind it, where all wait for each other after every round."""
    module = Module(Numbers("float32", 4), machine.host().triple)

    def work(b: Block) -> None:
        n, i = b.named, b.builder
        wait = barriers.barrier(module, x86=machine.host().x86)
        mine = b.at(n["places"], b.times(n["worker"], 64))

        def round_(number: ir.Value) -> None:
            i.atomic_rmw("xchg", mine, b.add(number, 1), "monotonic")
            i.call(wait, [n["arrivals"], b.times(b.add(b.times(number, 2), 1), n["workers"])])

            def look(other: ir.Value) -> None:
                there = i.load_atomic(b.at(n["places"], b.times(other, 64)), "monotonic", 8, typ=INDEX)
                late = i.icmp_signed("<", there, b.add(number, 1))
                with i.if_then(late):
                    i.atomic_rmw("add", n["seen"], b.integer(1), "monotonic")

            b.loop(0, n["workers"], look)
            i.call(wait, [n["arrivals"], b.times(b.add(b.times(number, 2), 2), n["workers"])])

        b.loop(0, rounds, round_)

    arguments = [("places", POINTER), ("arrivals", POINTER), ("seen", POINTER), ("worker", INDEX), ("workers", INDEX)]
    module.function("run", arguments, work, exported=True)
    code = Code(machine.compiled(str(module), machine.host()), ("run",), machine.host())
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64, ctypes.c_int64)(code.addresses["run"])
    places, arrivals, seen = (np.zeros(8 * workers, np.int64) for _ in range(3))
    addresses = [each.ctypes.data for each in (places, arrivals, seen)]
    ready = threading.Barrier(workers)

    def thread(worker: int) -> None:
        ready.wait()
        function(*addresses, worker, workers)

    threads = [threading.Thread(target=thread, args=(worker,)) for worker in range(workers)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (places[::8] == rounds).all()
    return int(seen[0])


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_barrier(workers: int) -> None:
    """More workers than processors get there, too."""
    assert behind(workers) == 0


def test_a_barrier_that_does_not_wait_is_found() -> None:
    with planted("nobody waits"):
        assert behind(3) > 0
