"""Kernels by themselves, on vectors of every width, against NumPy."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from llvmlite import ir
from tests.engine.planted import planted

import clearprop as cp
from clearprop.arrays import Array
from clearprop.engine import machine
from clearprop.engine.block import INDEX, POINTER, Block, Module, Numbers
from clearprop.engine.kernels import barrier as barriers
from clearprop.engine.kernels.activate import activate, times
from clearprop.engine.kernels.dropout import drop
from clearprop.engine.kernels.gather import gather, scatter
from clearprop.engine.kernels.gradient import bias_gradient, gradient
from clearprop.engine.kernels.product import product
from clearprop.engine.kernels.softmax import softmax
from clearprop.engine.kernels.transpose import transpose
from clearprop.engine.machine import Code
from clearprop.engine.panels import Panels
from clearprop.propagation.dropout import key, mask, uniform
from clearprop.rules.activations import ACTIVATIONS, Activation, Softmax

Build = Callable[[Module, Panels], ir.Function]


@dataclass(frozen=True)
class Kind:
    """The numbers that kernels compute with, and panels of them for layers of some sizes."""

    dtype: str
    lanes: int

    def __str__(self) -> str:
        return f"{self.dtype}x{self.lanes}"

    @property
    def tolerance(self) -> float:
        """What rounding may make of sums of some hundred terms."""
        return 2e-5 if self.dtype == "float32" else 2e-14

    def panels(self, *sizes: int, dropout: float = 0.0) -> Panels:
        """For a network with so many inputs and units."""
        layers = [cp.Dense(size, "tanh", dropout=dropout) for size in sizes[1:] or (1,)]
        return Panels(cp.Network(sizes[0], layers), Numbers(self.dtype, self.lanes, machine.host().fused), 2)

    def normal(self, *shape: int) -> Array:
        """Random numbers."""
        return np.random.default_rng(shape).normal(size=shape).astype(self.dtype)

    def blank(self, *shape: int) -> Array:
        """Numbers that nothing should be left of."""
        return np.full(shape, 777, self.dtype)

    def in_panels(self, panels: Panels, layer: int, values: Array, rows: int | None = None) -> Array:
        """Values of a layer, shape (examples, units), as panels of activations; zero where there is no unit."""
        count, width = panels.count(layer), panels.width
        wide = np.zeros((rows or len(values), count * width), self.dtype)
        wide[: len(values), : values.shape[1]] = values
        return np.ascontiguousarray(wide.reshape(len(wide), count, width).transpose(1, 0, 2))


KINDS = [Kind("float32", 4), Kind("float32", 8), Kind("float32", 16)]
KINDS += [Kind("float64", 2), Kind("float64", 4), Kind("float64", 8)]

kinds = pytest.mark.parametrize("kind", KINDS, ids=str)


def out_of(panels: Array, units: int) -> Array:
    """Panels of activations as values of shape (examples, units)."""
    return np.concatenate(list(panels), axis=1)[:, :units]


def compiled(panels: Panels, build: Build) -> Callable[..., None]:
    """A kernel as a function of arrays and whole numbers."""
    module = Module(panels.numbers, machine.host().triple)
    kernel = build(module, panels)
    arguments = [(argument.name, argument.type) for argument in kernel.args]
    module.function("run", arguments, lambda b: b.builder.call(kernel, list(b.named.values())) and None, exported=True)
    code = Code(machine.compiled(str(module), machine.host()), ("run",), machine.host())
    kinds = [ctypes.c_int64 if type == INDEX else ctypes.c_void_p for _, type in arguments]
    function = ctypes.CFUNCTYPE(None, *kinds)(code.addresses["run"])

    def run(*given: Array | int) -> None:
        assert code is not None  # it holds the function
        function(*(each.ctypes.data if isinstance(each, np.ndarray) else each for each in given))

    return run


# --- moving ---------------------------------------------------------------------------------------------


@kinds
def test_transpose(kind: Kind) -> None:
    panels = kind.panels(1)
    run, width, lanes = compiled(panels, transpose), panels.width, kind.lanes
    for inputs, units in [(lanes, lanes), (lanes, width), (width, lanes), (width, width)]:
        w, wt = kind.normal(width, width), kind.blank(width, width)
        run(w, wt, inputs, units)
        expected = kind.blank(width, width)
        expected[:units, :inputs] = w[:inputs, :units].T
        assert np.array_equal(wt, expected)


@kinds
def test_gather_and_scatter(kind: Kind) -> None:
    """Rows of any width; beyond the last example that one is repeated; nothing else is written."""
    lanes = kind.lanes
    for size in sorted({1, lanes - 1, lanes, lanes + 1, 2 * lanes, 2 * lanes + 1, 4 * lanes, 5 * lanes - 1}):
        panels = kind.panels(size, size)
        x = kind.normal(9, size)
        order = np.array([4, 0, 8, 8, 3])
        rows = 8
        a = kind.blank(panels.count(0), rows, panels.width)
        compiled(panels, gather)(x, order, 5, 1, 7, a, rows * panels.row)
        assert np.array_equal(out_of(a, size)[1:7], x[[0, 8, 8, 3, 3, 3]])
        assert (a[:, [0, 7]] == 777).all()
        vectors = panels.tail_vectors(0) * lanes
        assert (a[-1, 1:7, panels.tail(0) : vectors] == 0).all()
        assert (a[-1, :, vectors:] == 777).all()
        y = kind.blank(4, size)
        compiled(panels, scatter)(y, np.ascontiguousarray(a[:, 1:]), (rows - 1) * panels.row, 3)
        assert np.array_equal(y[:3], x[[0, 8, 8]])
        assert (y[3] == 777).all()


# --- sums -----------------------------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize("rows", [6, 8])
def test_product(kind: Kind, rows: int) -> None:
    """C = start + A W: at every remainder of inputs and examples, and beyond what is taken at a time."""
    panels = kind.panels(1)
    width = panels.width
    run = compiled(panels, lambda module, panels: product(module, panels, rows, 2))
    for inputs in [1, 2, 3, 4, 5, width - 1, width, width + 1, 2 * width + 7, 255, 256, 257, 300]:
        for examples in [1, 2, rows - 1, rows, rows + 1, 3 * rows + 5] if inputs < 256 else [rows + 1]:
            a, w, start = kind.normal(examples, inputs), kind.normal(inputs, width), kind.normal(width)
            wide = kind.in_panels(kind.panels(inputs), 0, a)
            c = kind.blank(examples + 1, width)
            run(wide, examples * panels.row, inputs, w, start, c, examples)
            expected = start + a.astype(float) @ w.astype(float)
            assert np.abs(c[:examples] - expected).max() <= kind.tolerance * max(1, np.abs(expected).max())
            assert (c[examples] == 777).all()


@kinds
def test_gradient(kind: Kind) -> None:
    """G = Aᵀ δ over any number of examples, from the beginning or going on."""
    panels = kind.panels(1)
    width, inputs_at_a_time = panels.width, min(4, kind.lanes)
    run = compiled(panels, lambda module, panels: gradient(module, panels, inputs_at_a_time, 2))
    alone = compiled(panels, bias_gradient)
    for examples in [1, 2, 3, 4, 5, 127, 128, 129, 131, 260]:
        for inputs in [1, inputs_at_a_time, width - 1, width] if examples < 10 else [width]:
            a, d = kind.normal(examples, width), kind.normal(examples, width)
            expected = a.T.astype(float) @ d.astype(float)
            whole = -(-inputs // inputs_at_a_time) * inputs_at_a_time
            for before in (0.0, 5.0):
                g = np.full((width + 1, width), before, kind.dtype)
                run(a, d, examples, g, inputs, int(before))
                assert np.abs(g[:inputs] - before - expected[:inputs]).max() <= kind.tolerance * examples
                assert (g[whole:] == before).all()
                row = np.full((2, width), before, kind.dtype)
                alone(d, examples, row, int(before))
                assert np.abs(row[0] - before - d.astype(float).sum(axis=0)).max() <= kind.tolerance * examples
                assert (row[1] == before).all()


# --- activations ----------------------------------------------------------------------------------------


@kinds
def test_what_fills_up_a_panel_stays_zero(kind: Kind) -> None:
    """Though the logistic function of zero is not."""
    rule = ACTIVATIONS["logistic"]
    assert isinstance(rule, Activation)
    slope = rule.slope.simplified
    for units in (1, kind.lanes - 1, kind.lanes, kind.lanes + 1, 2 * kind.lanes):
        panels = kind.panels(units)
        z = kind.in_panels(panels, 0, kind.normal(3, units))[0]
        given, d, u = z.copy(), np.zeros_like(z), kind.normal(3, panels.width)

        def build(module: Module, panels: Panels, units: int = units) -> ir.Function:
            return activate(module, panels, "logistic", rule.formula, slope, units)

        compiled(panels, build)(z, d, 3)
        assert np.abs(z[:, :units] - rule.outputs(given[:, :units])).max() <= kind.tolerance
        assert np.abs(d[:, :units] - rule.slopes(given[:, :units])).max() <= kind.tolerance
        assert not z[:, units:].any()
        assert not d[:, units:].any()
        before = d.copy()
        compiled(panels, partial(times, units=units))(d, u, 3)
        assert np.array_equal(d, before * u)


@kinds
@pytest.mark.parametrize("training", [True, False])
def test_softmax_of_large_sums(kind: Kind, training: bool) -> None:
    """No overflow, no 0/0; the rows that are not asked for stay."""
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
        run = compiled(panels, lambda module, panels: softmax(module, panels, 1, training=training))
        run(z, d, 8 * panels.row, 1, 7)
        found, expected = out_of(z, units), Softmax().outputs(sums.astype(float))
        assert np.array_equal(z[:, [0, 7]], before[:, [0, 7]])
        assert np.abs(found[1:7] - expected[1:7]).max() <= kind.tolerance
        assert np.abs(found[1:7].sum(axis=1) - 1).max() <= kind.tolerance
        assert not z[-1, 1:7, panels.tail(1) :].any()
        assert np.array_equal(d[:, 1:7], z[:, 1:7] if training else 0 * z[:, 1:7])


# --- dropout --------------------------------------------------------------------------------------------


@kinds
def test_dropout_is_the_mask_to_the_last_bit(kind: Kind) -> None:
    """In both places; the last example once more beyond the last."""
    seed, step, layer, units = 2**40 + 17, 12_345, 1, 2 * kind.lanes + 3
    order = np.array([0, 5, 2**40, 7, 1, 99_999])
    # A unit is kept if its number is the share itself.
    exact = float(uniform(seed, step, layer, units, order)[2, 1])
    for share in (exact, np.nextafter(exact, 1), 0.5, 0.1, 1e-9, 0.999_999, 1 / 3):
        panels = kind.panels(1, units, units, dropout=float(share))
        a, d = kind.normal(panels.count(2), 8, panels.width), kind.normal(panels.count(2), 8, panels.width) + 1
        before = a.copy(), d.copy()
        bits = int(np.asarray(key(seed, step, layer)).view(np.int64))
        run = compiled(panels, lambda module, panels: drop(module, panels, 2))
        run(bits, order, 6, 0, 7, a, d, 8 * panels.row)
        expected = mask(float(share), seed, step, layer, units, order[[0, 1, 2, 3, 4, 5, 5]]).astype(kind.dtype)
        for found, old in zip((a, d), before, strict=True):
            assert np.array_equal(out_of(found, units)[:7], out_of(old, units)[:7] * expected)
            assert np.array_equal(found[:, 7], old[:, 7])


# --- the barrier ----------------------------------------------------------------------------------------


def behind(workers: int, rounds: int = 400) -> int:
    """How often a worker saw another one behind it, where all wait for each other after every round."""
    panels = Kind("float32", 4).panels(1)
    module = Module(panels.numbers, machine.host().triple)

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
