"""Kernels by themselves, as functions of arrays: what the tests of kernels call."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from llvmlite import ir

import clearprop as cp
from clearprop.engine import machine
from clearprop.engine.machine import Code
from clearprop.engine.module import Module
from clearprop.engine.numbers import Numbers
from clearprop.engine.panels import Panel, Panels
from clearprop.types import Array

Build = Callable[[Module, Panel], ir.Function]


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

    @property
    def panel(self) -> Panel:
        """The shape of their panels."""
        return Panel(Numbers(self.dtype, self.lanes, machine.host().fma), 2)

    def panels(self, *sizes: int) -> Panels:
        """For a network with so many inputs and units."""
        layers = [cp.Dense(size, "tanh") for size in sizes[1:] or (1,)]
        return Panels(self.panel.numbers, self.panel.vectors, cp.Network(sizes[0], layers))

    def normal(self, *shape: int) -> Array:
        """Random numbers."""
        return np.random.default_rng(shape).normal(size=shape).astype(self.dtype)

    def blank(self, *shape: int) -> Array:
        """Numbers that nothing should be left of."""
        return np.full(shape, 777, self.dtype)

    def nothing(self, *shape: int) -> Array:
        """Numbers that show in whatever is computed from them."""
        return np.full(shape, np.nan, self.dtype)

    def in_panels(self, panels: Panels, layer: int, values: Array, rows: int | None = None) -> Array:
        """Values of a layer, shape (examples, units), as panels of activations; zero where there is no unit."""
        count, width = panels.count(layer), panels.width
        wide = np.zeros((rows or len(values), count * width), self.dtype)
        wide[: len(values), : values.shape[1]] = values
        return np.ascontiguousarray(wide.reshape(len(wide), count, width).transpose(1, 0, 2))


KINDS = [Kind("float32", 4), Kind("float32", 8), Kind("float32", 16)]
KINDS += [Kind("float64", 2), Kind("float64", 4), Kind("float64", 8)]

KINDS_OF_ARGUMENTS: dict[str, Any] = {
    "i64": ctypes.c_int64,
    "ptr": ctypes.c_void_p,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
}
kinds = pytest.mark.parametrize("kind", KINDS, ids=str)


def out_of(panels: Array, units: int) -> Array:
    """Panels of activations as values of shape (examples, units)."""
    return np.concatenate(list(panels), axis=1)[:, :units]


def compiled(kind: Kind, build: Build) -> Callable[..., None]:
    """A kernel as a function of arrays and numbers."""
    module = Module(kind.panel.numbers, machine.host().triple)
    kernel = build(module, kind.panel)
    arguments = [(argument.name, argument.type) for argument in kernel.args]
    module.function("run", arguments, lambda b: b.builder.call(kernel, list(b.named.values())) and None, exported=True)
    code = _code(str(module))
    kinds = [KINDS_OF_ARGUMENTS[str(type)] for _, type in arguments]
    function = ctypes.CFUNCTYPE(None, *kinds)(code.addresses["run"])

    def run(*given: Array | float) -> None:
        assert code is not None  # it holds the function
        function(*(each.ctypes.data if isinstance(each, np.ndarray) else each for each in given))

    return run


@cache
def _code(source: str) -> Code:
    return Code(machine.compiled(source, machine.host()), ("run",), machine.host())


def widths(kind: Kind) -> tuple[int, ...]:
    """Of a single panel."""
    return (1, kind.lanes - 1, kind.lanes, kind.lanes + 1, 2 * kind.lanes)
